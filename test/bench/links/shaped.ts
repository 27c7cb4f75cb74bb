/**
 * One TCP flow over several shaped paths: how much of what the paths give one by one it gets, by our link
 * and by kernel MPTCP over the same lines. Each is compared with its own kind: our link with what it gets
 * of each path alone, MPTCP with what plain TCP gets.
 */
import { messageOf } from '../../../overlay/base/errors.js';
import type { SchedulerName } from '../../../overlay/link/schedule/scheduler.js';
import type { ShapedTunnel } from '../../netns/lab/shaped-tunnel.js';
import type { Part } from '../part.js';
import type { ShapedSize } from '../size.js';
import { cell, markdownTable, number, percent } from '../table.js';
import type { TcpOptions } from '../traffic.js';
import { MPTCP_WRAPPER, prepareMptcp } from './mptcp.js';
import { linkMbps, plainMbps, withRig, type PathShape } from './rig.js';

type Say = (line: string) => void;

interface Configuration {
  readonly name: string;
  readonly shapes: readonly PathShape[];
}

type Direction = 'there' | 'back';

/** Megabits per second, or why there is no such number. */
type Measured = number | string;

interface ShapedFigures {
  /** Of each path by itself. */
  readonly plainMbps: readonly Measured[];
  readonly failoverMbps: readonly Measured[];
  readonly mptcpMbps: Measured;
  readonly adaptiveMbps: Measured;
  readonly aggregateMbps: Measured;
}

interface Row {
  readonly name: string;
  readonly direction: Direction;
  readonly figures: ShapedFigures;
}

const DELAY_MS = 10;
const SEED = 1;

function equalDelays(...rates: readonly number[]): readonly PathShape[] {
  return rates.map((rateMbps) => ({ rateMbps, delayMs: DELAY_MS }));
}

const CONFIGURATIONS: readonly Configuration[] = [
  { name: '50 + 50 Mb/s', shapes: equalDelays(50, 50) },
  { name: '50 + 20 Mb/s', shapes: equalDelays(50, 20) },
  { name: '50 + 5 Mb/s', shapes: equalDelays(50, 5) },
  { name: '4 x 25 Mb/s', shapes: equalDelays(25, 25, 25, 25) },
  {
    name: '40 + 40 Mb/s, 10 and 60 ms',
    shapes: [
      { rateMbps: 40, delayMs: 10 },
      { rateMbps: 40, delayMs: 60 },
    ],
  },
];

/** A failure is kept as its reason, and said. */
async function attempt(say: Say, what: string, measure: () => Promise<number>): Promise<Measured> {
  try {
    return await measure();
  } catch (error) {
    say(`${what} failed: ${messageOf(error)}`);
    return cell(`failed: ${messageOf(error)}`);
  }
}

async function measureMptcp(rig: ShapedTunnel, options: TcpOptions, say: Say): Promise<Measured> {
  const obstacle = prepareMptcp(rig);
  if (obstacle !== null) return obstacle;
  return attempt(say, 'MPTCP', () => plainMbps(rig, 0, { ...options, wrapper: MPTCP_WRAPPER }));
}

async function measureOne(
  rig: ShapedTunnel,
  direction: Direction,
  size: ShapedSize,
  say: Say,
): Promise<ShapedFigures> {
  const options = {
    seconds: size.streamS,
    omitS: size.omitS,
    reverse: direction === 'back',
  };
  const ofLink = (scheduler: SchedulerName, lines?: readonly number[]): Promise<Measured> =>
    attempt(say, scheduler, () => linkMbps(rig, scheduler, options, lines));
  const [plain, failover]: [Measured[], Measured[]] = [[], []];
  for (const line of rig.lines.keys()) {
    plain.push(await attempt(say, 'plain TCP', () => plainMbps(rig, line, options)));
    failover.push(await ofLink('failover', [line]));
  }
  return {
    plainMbps: plain,
    failoverMbps: failover,
    adaptiveMbps: await ofLink('adaptive'),
    aggregateMbps: await ofLink('aggregate'),
    mptcpMbps: await measureMptcp(rig, options, say),
  };
}

/** Not a number if one of them could not be measured. */
function sum(values: readonly Measured[]): number {
  return values.reduce<number>(
    (total, value) => total + (typeof value === 'number' ? value : Number.NaN),
    0,
  );
}

/** Goodput with its share of what the paths give alone. */
function share(measured: Measured, alone: readonly Measured[]): string {
  if (typeof measured === 'string') return measured;
  return `${number(measured, 1)} (${percent(measured / sum(alone))})`;
}

function table(rows: readonly Row[]): string {
  const list = (values: readonly Measured[]): string =>
    values.map((value) => (typeof value === 'number' ? number(value, 1) : '-')).join(' + ');
  const body = rows.map(({ name, direction, figures }) => [
    `${name}, ${direction}`,
    list(figures.plainMbps),
    share(figures.mptcpMbps, figures.plainMbps),
    list(figures.failoverMbps),
    share(figures.adaptiveMbps, figures.failoverMbps),
    share(figures.aggregateMbps, figures.failoverMbps),
  ]);
  const heading = ['paths', 'TCP alone', 'MPTCP', 'our link alone', 'adaptive', 'aggregate'];
  return markdownTable([heading, ...body]);
}

export const SHAPED_PART: Part = {
  name: 'shaped',
  run: async ({ shaped: size }, { say }) => {
    const rows: Row[] = [];
    for (const { name, shapes } of CONFIGURATIONS.slice(0, size.configurations)) {
      for (const direction of size.directions) {
        say(`${name}, ${direction}...`);
        // Lines of their own for each row: the second has not seen traffic before either.
        const figures = await withRig(shapes, SEED, (rig) => measureOne(rig, direction, size, say));
        rows.push({ name, direction, figures });
      }
    }
    return table(rows);
  },
};
