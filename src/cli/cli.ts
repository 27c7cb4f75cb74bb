/** What every verb is given: its common options, the node behind the socket, and ways to print. */
import type { Command } from 'commander';
import type { AdminClient } from '../admin/client.js';
import { adminSocketPath, resolveStateDir } from '../io/state/resolve.js';
import type { CliContext } from './context.js';
import { EXIT, type ExitCode } from './exit.js';
import type { Colors } from './text/colors.js';

interface CommonOptions {
  readonly state?: string;
  readonly json?: boolean;
}

export class Cli {
  readonly context: CliContext;
  readonly #program: Command;
  /** Set by the verb that ran. */
  exitCode: number = EXIT.ok;

  constructor(context: CliContext, program: Command) {
    this.context = context;
    this.#program = program;
  }

  /** Wraps what a verb does, so that its exit code reaches the process. */
  action<Args extends unknown[]>(
    run: (...args: Args) => Promise<number>,
  ): (...args: Args) => Promise<void> {
    return async (...args) => {
      this.exitCode = await run(...args);
    };
  }

  get json(): boolean {
    return this.#program.opts<CommonOptions>().json === true;
  }

  get stateDir(): string {
    const { state } = this.#program.opts<CommonOptions>();
    return resolveStateDir(state, this.context.env, this.context.uid);
  }

  /** The running node; that it runs shows at the first call. */
  async client(): Promise<AdminClient> {
    const { AdminClient } = await import('../admin/client.js');
    return new AdminClient(adminSocketPath(this.stateDir));
  }

  async colors(): Promise<Colors> {
    const { loadColors } = await import('./text/colors.js');
    return loadColors(this.context.out, this.context.env);
  }

  print(text: string): void {
    this.context.out.write(text);
  }

  /** One JSON object on a line. */
  printJson(value: object): void {
    this.context.out.write(`${JSON.stringify(value)}\n`);
  }

  /** For people only; keeps standard output to what scripts read. */
  note(text: string): void {
    this.context.err.write(`${text}\n`);
  }

  /** Prints facts as the reply itself with `--json`, else as `render` puts them. */
  async show<Facts extends object>(
    facts: Facts,
    render: (facts: Facts, colors: Colors) => string | Promise<string>,
  ): Promise<ExitCode> {
    if (this.json) this.printJson(facts);
    else this.print(await render(facts, await this.colors()));
    return EXIT.ok;
  }
}

/** Adds one sub-command to the program. */
export type RegisterVerb = (program: Command, cli: Cli) => void;

/** The example at the end of a verb's help. */
export function example(...lines: readonly string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
