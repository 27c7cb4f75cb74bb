/** Chooses how a run talks to whoever started it. */
import type { CliContext } from '../context.js';
import { HumanUi } from './human.js';
import { JsonUi } from './json.js';
import { jsonLogger, textLogger, type LogLevel } from './log.js';
import type { ClosableUi } from './ui.js';

export interface UiOptions {
  readonly json: boolean;
  readonly logFormat: 'json' | 'text';
  readonly logLevel: LogLevel;
}

/** The logger comes with the interface, because both write to the same terminal. */
export async function openUi(context: CliContext, options: UiOptions): Promise<ClosableUi> {
  let writeLine = (line: string): void => {
    context.err.write(line);
  };
  const write = (line: string): void => {
    writeLine(line);
  };
  const logger =
    options.logFormat === 'json'
      ? await jsonLogger(options.logLevel, write)
      : textLogger(options.logLevel, write);
  if (options.json) return new JsonUi(context, logger);
  const ui = new HumanUi(context, logger);
  // From here on through the interface: a log line would tear a turning spinner.
  writeLine = (line) => {
    ui.writeAside(line);
  };
  return ui;
}
