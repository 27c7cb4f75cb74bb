/** The command line as a function: reads arguments, runs one verb, returns the exit code. */
import { Command, CommanderError } from 'commander';
import { Cli } from './cli.js';
import type { CliContext } from './context.js';
import { describeError, EXIT, exitCodeOf } from './exit.js';
import { VERBS } from './verbs/index.js';

const DESCRIPTION = 'A private mesh network of your own machines, with no server to run.';
const FIRST_STEPS = `
First steps:
  $ sudo overlay create            the first machine; prints a line for the next one
  $ sudo overlay join ovl1...      every other machine
  $ overlay status                 what this machine has

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 the node is not running, 4 timed out.`;

/** `error: unknown command 'stat'\n(Did you mean status?)` as one line of ours. */
function usageLine(text: string): string {
  const [what = '', hint] = text
    .trim()
    .replace(/^error: /, '')
    .split('\n');
  const next = hint?.replace(/^\(Did you mean (.*)\?\)$/, 'did you mean $1?');
  return `overlay: ${what.replace(/\.$/, '')}: ${next ?? 'see overlay --help'}\n`;
}

/** Names and help of all verbs, but none of the code that carries them out: that is loaded when called. */
function buildProgram(context: CliContext): { program: Command; cli: Cli } {
  const program = new Command('overlay');
  const cli = new Cli(context, program);
  // Sub-commands copy these settings when they are made, so they come first.
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        context.out.write(text);
      },
      writeErr: (text) => {
        context.err.write(text);
      },
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => {
        write(usageLine(text));
      },
    })
    .configureHelp({ showGlobalOptions: true })
    .description(DESCRIPTION)
    .option('--state <dir>', 'state directory of the node (also OVERLAY_STATE)')
    .option('--json', 'print JSON for scripts')
    .addHelpText('after', FIRST_STEPS);
  for (const register of VERBS) register(program, cli);
  return { program, cli };
}

/** @param args without the program's own name. Never throws. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const { program, cli } = buildProgram(context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    // Commander has printed by now: help that was asked for is a success, all else wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    context.err.write(`${describeError(error, context.env['OVERLAY_LOG'] === 'debug')}\n`);
    return exitCodeOf(error);
  }
}
