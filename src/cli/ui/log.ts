/** The log on standard error, as text for people or as JSON for collectors. */
import type { Logger } from '../../../overlay/ports.js';
import { clean } from '../text/format.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
type Severity = Exclude<LogLevel, 'silent'>;
type Fields = Readonly<Record<string, unknown>>;

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Plain words stay plain; whatever could be mistaken for another field is quoted. */
function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@+-]+$/.test(value)) return value;
  if (value instanceof Error) return JSON.stringify(value.message);
  try {
    return clean(JSON.stringify(value));
  } catch {
    // Cycles and big integers: the line must come out all the same.
    return clean(String(value));
  }
}

/** `12:03:04.123 warn  peer refused  peer=12D3... code=timeout`. */
export function textLine(time: Date, severity: Severity, message: string, fields?: Fields): string {
  const extra = Object.entries(fields ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${clean(key)}=${valueText(value)}`)
    .join('');
  const clock = time.toISOString().slice(11, 23);
  return `${clock} ${severity.padEnd(5)} ${clean(message)}${extra}\n`;
}

/** What both forms share: the four calls, and the level below which they do nothing. */
function logger(
  level: LogLevel,
  emit: (severity: Severity, message: string, fields?: Fields) => void,
): Logger {
  const at =
    (severity: Severity) =>
    (message: string, fields?: Fields): void => {
      if (ORDER.indexOf(severity) >= ORDER.indexOf(level)) emit(severity, message, fields);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** @param write takes whole lines. */
export function textLogger(level: LogLevel, write: (line: string) => void): Logger {
  return logger(level, (severity, message, fields) => {
    write(textLine(new Date(), severity, message, fields));
  });
}

/** One JSON object a line with `time` (ISO 8601), `level`, `msg` and the fields. @param write takes whole lines. */
export async function jsonLogger(level: LogLevel, write: (line: string) => void): Promise<Logger> {
  const { default: pino } = await import('pino');
  const sink = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Fields of ours stay apart from pino's own `time`, `level` and `msg`.
      nestedKey: 'fields',
    },
    { write },
  );
  return logger(level, (severity, message, fields) => {
    sink[severity](fields ?? {}, message);
  });
}
