/** A run told as events, one JSON object a line, for scripts. */
import type { Logger } from '../../../overlay/ports.js';
import { FACTS_SCHEMA, type StatusFacts } from '../../node/control.js';
import type { CliContext } from '../context.js';
import type { ClosableUi } from './ui.js';

export class JsonUi implements ClosableUi {
  readonly logger: Logger;
  readonly #context: CliContext;

  constructor(context: CliContext, logger: Logger) {
    this.#context = context;
    this.logger = logger;
  }

  progress(text: string): void {
    this.#emit('progress', { text });
  }

  ready(status: StatusFacts): void {
    this.#emit('ready', status);
  }

  invite(line: string): void {
    this.#emit('invite', { invite: line });
  }

  notice(text: string): void {
    this.#emit('notice', { text });
  }

  close(): void {
    // Every line was complete when it was written.
  }

  #emit(event: string, facts: object): void {
    this.#context.out.write(`${JSON.stringify({ schema: FACTS_SCHEMA, event, ...facts })}\n`);
  }
}
