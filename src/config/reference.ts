/** The reference of all settings, written from the schema so that it cannot fall behind the code. */
import { settingsSchema } from './schema.js';
import { SETTINGS, type SettingKey } from './settings.js';

function code(text: string): string {
  // A pipe inside a cell would end it, even within a code span.
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function defaultOf(key: SettingKey, value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return 'chosen by itself';
  if (key === 'quota') return code(`${String(Number(value) / 1e6)}MB`);
  if (typeof value === 'boolean') return code(value ? 'yes' : 'no');
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Markdown: one table row for every setting. */
export function generateReference(): string {
  const defaults = settingsSchema.parse({});
  const rows = Object.entries(SETTINGS).map(([name, setting]) => {
    const key = name as SettingKey;
    return [
      code(key),
      setting.flags.map(code).join(', '),
      code(setting.env),
      defaultOf(key, defaults[key]),
      `${setting.summary} (${setting.values})`,
    ];
  });
  const head = ['in `config.json`', 'flag', 'environment', 'default', 'meaning'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [
    '# Settings',
    '',
    'A flag wins over the environment, which wins over `config.json` in the state directory.',
    'The state directory itself is set by `--state DIR` or `OVERLAY_STATE`.',
    '',
    ...lines,
    '',
  ].join('\n');
}
