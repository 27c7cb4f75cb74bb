#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=4
/**
 * The `overlay` program: binds the command line to this process. A node allocates little between
 * packets, so a small nursery for young objects and few heaps for threads save it 25 MB.
 */
import { isatty } from 'node:tty';
import { runCli } from './app.js';
import type { CliContext, Output, Screen } from './context.js';
import { describeError, EXIT } from './exit.js';
import { openScreen } from './live/screen.js';

/** Standard input is at most an invite; more is a mistake. */
const STDIN_BYTES_MAX = 64 * 1024;

function output(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  // A reader that has seen enough (`overlay peers | head -1`) must not end a node with EPIPE.
  let closed = false;
  stream.on('error', () => {
    closed = true;
  });
  return {
    isTTY: isatty(stream.fd),
    get closed() {
      return closed;
    },
    get columns() {
      // Absent where the stream is no terminal, whatever its type says.
      return (stream as { readonly columns?: number }).columns ?? 0;
    },
    write: (text) => {
      stream.write(text);
    },
  };
}

/** The last one opened; what is printed must not vanish with it. */
let screen: Screen | null = null;

/** The one place where the command line meets the process. */
const context: CliContext = {
  env: process.env,
  uid: process.getuid?.() ?? -1,
  out: output(process.stdout),
  err: output(process.stderr),
  readStdin: async () => {
    let text = '';
    for await (const chunk of process.stdin.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      if (text.length > STDIN_BYTES_MAX) break;
    }
    return text;
  },
  onInterrupt: (fn) => {
    process.on('SIGINT', fn);
    return () => process.off('SIGINT', fn);
  },
  openScreen: (events) => {
    screen = openScreen(process, events);
    return screen;
  },
  hideArguments: () => {
    process.title = 'overlay';
  },
  loadRunNode: async () => (await import('../run/run.js')).runNode,
};

/** Ends at once: by now everything is closed, and a library's forgotten timer must not hold the process. */
function exit(code: number): void {
  // An empty write calls back after all earlier ones: pipes are written behind our back.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

/** A bug that no verb caught. Going on would be in an unknown state; the system cleans up after us. */
function crash(error: unknown): void {
  screen?.close();
  context.err.write(`${describeError(error, process.env['OVERLAY_LOG'] === 'debug')}\n`);
  exit(EXIT.failure);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
exit(await runCli(process.argv.slice(2), context));
