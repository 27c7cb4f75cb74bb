/**
 * A run told to a person: results on standard output, the way there on standard error, as a spinner
 * on a terminal and as plain lines elsewhere.
 */
import type { Ora } from 'ora';
import type { Logger } from '../../../overlay/ports.js';
import type { StatusFacts } from '../../node/control.js';
import type { CliContext } from '../context.js';
import { clean } from '../text/format.js';
import { readyLine } from '../text/ready-line.js';
import type { ClosableUi } from './ui.js';

/** A start that is quicker than this needs no spinner, and should not pay for loading one. */
const SPINNER_DELAY_MS = 300;

export class HumanUi implements ClosableUi {
  readonly logger: Logger;
  readonly #context: CliContext;
  #step: string | null = null;
  #spinner: Ora | null = null;
  #delay: NodeJS.Timeout | null = null;

  constructor(context: CliContext, logger: Logger) {
    this.#context = context;
    this.logger = logger;
  }

  progress(text: string): void {
    const step = `${clean(text)}...`;
    // A spinner that cannot know how many lines it fills would never finish clearing them.
    if (!this.#context.err.isTTY || this.#context.err.columns === 0) {
      this.#context.err.write(`${step}\n`);
      return;
    }
    this.#step = step;
    if (this.#spinner !== null) this.#spinner.text = step;
    else this.#delay ??= setTimeout(() => void this.#spin(), SPINNER_DELAY_MS);
  }

  ready(status: StatusFacts): void {
    this.#endStep();
    this.#context.out.write(`${readyLine(status)}\n`);
  }

  invite(line: string): void {
    this.#pause(() => {
      this.#context.err.write('to add a machine, run there:\n');
      this.#context.out.write(`overlay join ${clean(line)}\n`);
    });
  }

  notice(text: string): void {
    this.writeAside(`${clean(text)}\n`);
  }

  /** Writes whole lines to standard error, around a spinner. */
  writeAside(text: string): void {
    this.#pause(() => {
      this.#context.err.write(text);
    });
  }

  close(): void {
    this.#endStep();
  }

  async #spin(): Promise<void> {
    const { default: ora } = await import('ora');
    // The step may have ended while the module was loaded.
    if (this.#step === null || this.#spinner !== null) return;
    // Neither the cursor nor the keyboard is touched: a signal must find the terminal as it was.
    this.#spinner = ora({ text: this.#step, hideCursor: false, discardStdin: false }).start();
  }

  /** Also forgets a spinner that is still to come. */
  #endStep(): void {
    if (this.#delay !== null) clearTimeout(this.#delay);
    this.#delay = null;
    this.#step = null;
    this.#spinner?.stop();
    this.#spinner = null;
  }

  /** Two writers on one terminal line would garble it. */
  #pause(write: () => void): void {
    this.#spinner?.clear();
    write();
    this.#spinner?.render();
  }
}
