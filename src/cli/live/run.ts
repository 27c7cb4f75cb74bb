/** Pictures that follow one another: on the whole screen of a terminal, or as lines of JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../../overlay/base/errors.js';
import type { Cli } from '../cli.js';
import type { CliContext, Screen } from '../context.js';
import { EXIT, type ExitCode } from '../exit.js';

/** Returns early when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  await sleep(Math.max(0, ms), undefined, options).catch(() => undefined);
}

/** Something that can be looked at again and again. */
export interface LiveView {
  /** Asks the node anew. */
  refresh(signal: AbortSignal): Promise<void>;
  /**
   * The picture of what was learnt last, for a screen of this size (0: unknown).
   *
   * @param notice why it is old, or null.
   */
  lines(columns: number, rows: number, notice: string | null): readonly string[];
  /** A key that means nothing to all views. */
  key(key: string): void;
}

/** Until `q`, Ctrl-C or a signal. A node that goes away meanwhile may come back; at the start it has to be there. */
export async function runLive(
  context: CliContext,
  view: LiveView,
  intervalMs: number,
): Promise<ExitCode> {
  const ending = new AbortController();
  await view.refresh(ending.signal);
  let notice: string | null = null;
  let screen: Screen | null = null;
  const draw = (): void => {
    if (screen === null) return;
    screen.draw(view.lines(screen.columns, screen.rows, notice));
  };
  const end = (): void => {
    ending.abort();
  };
  screen = context.openScreen({
    key: (key) => {
      if (key === 'q' || key === 'Q') {
        end();
        return;
      }
      view.key(key);
      draw();
    },
    resized: draw,
    ended: end,
  });
  try {
    const isOver = (): boolean => ending.signal.aborted || context.out.closed;
    draw();
    let dueMs = performance.now() + intervalMs;
    for (;;) {
      await pause(dueMs - performance.now(), ending.signal);
      if (isOver()) return EXIT.ok;
      dueMs = performance.now() + intervalMs;
      try {
        await view.refresh(ending.signal);
        notice = null;
      } catch (error) {
        if (!hasCode(error)) throw error;
        notice = error.message;
      }
      if (isOver()) return EXIT.ok;
      draw();
    }
  } finally {
    screen.close();
  }
}

/** One object a line for each interval, until an interrupt, or until nobody reads any more. */
export async function runJson(
  cli: Cli,
  next: (signal: AbortSignal) => Promise<object>,
  intervalMs: number,
): Promise<ExitCode> {
  const ending = new AbortController();
  const stopListening = cli.context.onInterrupt(() => {
    ending.abort();
  });
  try {
    while (!cli.context.out.closed) {
      await pause(intervalMs, ending.signal);
      if (ending.signal.aborted) break;
      cli.printJson(await next(ending.signal));
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    stopListening();
  }
  return EXIT.ok;
}
