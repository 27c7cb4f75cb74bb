/** `overlay top`: where the traffic goes, live. */
import { parseDuration } from '../../config/quantity.js';
import { FACTS_SCHEMA } from '../../node/control.js';
import { example, type Cli, type RegisterVerb } from '../cli.js';
import { EXIT, usageError, type ExitCode } from '../exit.js';
import type { Followed, NodeFollower } from '../live/follower.js';
import type { LiveView } from '../live/run.js';
import type { Colors } from '../text/colors.js';
import type { Frame, FrameSize, TopView } from '../text/top-frame.js';

interface TopOptions {
  readonly interval: string;
  readonly once?: boolean;
}

/** Oftener than this looking itself is what the node does. */
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;

function intervalOf({ interval }: TopOptions): number {
  const ms = parseDuration(interval);
  if (!ms.ok) throw usageError(`--interval: ${ms.detail}`);
  if (ms.value < INTERVAL_MS_MIN || ms.value > INTERVAL_MS_MAX) {
    throw usageError(`--interval: '${interval}' is not between 100ms and 1h`);
  }
  return ms.value;
}

type Render = (view: TopView, size: FrameSize, showPaths: boolean | null, colors: Colors) => Frame;

class TopScreen implements LiveView {
  readonly #follower: NodeFollower;
  readonly #render: Render;
  readonly #colors: Colors;
  #followed: Followed | null = null;
  /** Null as long as nobody has chosen. */
  #showPaths: boolean | null = null;
  #withPaths = false;

  constructor(follower: NodeFollower, render: Render, colors: Colors) {
    this.#follower = follower;
    this.#render = render;
    this.#colors = colors;
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    this.#followed = await this.#follower.next(signal);
  }

  lines(columns: number, rows: number, notice: string | null): readonly string[] {
    if (this.#followed === null) return [];
    const { status, peers } = this.#followed;
    const history = this.#follower.history;
    const view = { status, peers, notice, history };
    const frame = this.#render(view, { columns, rows }, this.#showPaths, this.#colors);
    this.#withPaths = frame.withPaths;
    return frame.lines;
  }

  key(key: string): void {
    if (key === 'p' || key === 'P') this.#showPaths = !this.#withPaths;
  }
}

/** The node's own facts are in `status`, those of its links in `peers`, each with its rates. */
async function nextJson(follower: NodeFollower, signal?: AbortSignal): Promise<object> {
  const { totalRates } = await import('../live/rates.js');
  const { status, peers, elapsedMs } = await follower.next(signal);
  const at = new Date().toISOString();
  return { schema: FACTS_SCHEMA, at, elapsedMs, ...totalRates(peers), status, peers };
}

/** Rates need two looks, so one picture takes as long as an interval. */
async function top(cli: Cli, options: TopOptions): Promise<ExitCode> {
  const intervalMs = intervalOf(options);
  const { NodeFollower } = await import('../live/follower.js');
  const { pause, runJson, runLive } = await import('../live/run.js');
  const follower = new NodeFollower(await cli.client());
  const { out } = cli.context;
  const once = options.once === true || (!cli.json && !out.isTTY);
  if (cli.json) {
    await follower.next();
    if (!once) return runJson(cli, (signal) => nextJson(follower, signal), intervalMs);
    await pause(intervalMs);
    cli.printJson(await nextJson(follower));
    return EXIT.ok;
  }
  const { renderTop } = await import('../text/top-frame.js');
  const screen = new TopScreen(follower, renderTop, await cli.colors());
  if (!once) return runLive(cli.context, screen, intervalMs);
  await screen.refresh();
  await pause(intervalMs);
  await screen.refresh();
  cli.print(`${screen.lines(out.isTTY ? out.columns : 0, 0, null).join('\n')}\n`);
  return EXIT.ok;
}

export const topVerb: RegisterVerb = (program, cli) => {
  program
    .command('top')
    .description('watch the traffic to each peer and over each path, live')
    .option('--interval <duration>', 'time between two looks', '1s')
    .option('--once', 'print one picture after one interval, and end; so it is without a terminal')
    .addHelpText(
      'after',
      `\nKeys: q or Ctrl-C ends, p shows or hides the paths.\n${example('overlay top', 'overlay top --json --interval 10s')}`,
    )
    .action(cli.action((options: TopOptions) => top(cli, options)));
};
