/**
 * `overlay config`: what can be set, and what is set by environment and file. A running node may have
 * been given flags on top of that, which only it knows.
 */
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import { renderFacts } from '../text/facts.js';

/** As people would write the value into the file, except for lists. */
function valueText(value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return 'chosen by itself';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export const config: RegisterVerb = (program, cli) => {
  const command = program
    .command('config')
    .description('show the settings in force, without flags of a running node')
    .addHelpText('after', example('overlay config', 'overlay config reference > SETTINGS.md'))
    .action(
      cli.action(async () => {
        const { loadConfig } = await import('../../config/load.js');
        const { options, ...log } = await loadConfig(cli.stateDir, {}, cli.context.env);
        const facts = { schema: FACTS_SCHEMA, settings: { ...options, ...log } };
        return cli.show(facts, ({ settings }, colors) =>
          renderFacts(
            Object.entries(settings).map(([key, value]) => [key, valueText(value)]),
            colors,
          ),
        );
      }),
    );
  command
    .command('reference')
    .description('print the reference of all settings as Markdown')
    .addHelpText('after', example('overlay config reference'))
    .action(
      cli.action(async () => {
        const { generateReference } = await import('../../config/reference.js');
        const facts = { schema: FACTS_SCHEMA, markdown: generateReference() };
        return cli.show(facts, ({ markdown }) => markdown);
      }),
    );
};
