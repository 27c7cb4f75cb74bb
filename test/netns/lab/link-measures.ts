/** Words for what tests on shaped paths measured, in the log of the run. */
import type { DatagramPathFacts } from '../../../overlay/link/data-plane.js';
import type { ShapedTunnel, Side } from './shaped-tunnel.js';

/** Where a flow goes. */
export type Direction = readonly [from: Side, to: Side, name: string];

export const DIRECTIONS: readonly Direction[] = [
  [0, 1, 'a to b'],
  [1, 0, 'b to a'],
];

/** One line below the title of the test. */
export function measured(what: string): void {
  process.stdout.write(`      ${what}\n`);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** Milliseconds since 1970, as programs of the lab note them. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function pathStory(path: DatagramPathFacts): string {
  const { state, capacityBps, rttUs, lossRatio, windowBytes, mtuBytes, sentBytes } = path;
  const mbps = (capacityBps / 1e6).toFixed(1);
  const lost = (lossRatio * 100).toFixed(2);
  return (
    `${state} ${mbps} Mb/s ${(rttUs / 1000).toFixed(1)} ms lost ${lost} %` +
    ` window ${(windowBytes / 1000).toFixed(0)} kB mtu ${mtuBytes} sent ${(sentBytes / 1000).toFixed(0)} kB`
  );
}

/** What the sender of a flow said since a time, a line each fifth of a second: for a look at a failure. */
export function story(tunnel: ShapedTunnel, from: Side, sinceMs: number): string {
  const lines = tunnel.facts(from, sinceMs).map(({ atMs, facts }, index) => {
    const receiver = tunnel.facts(from === 0 ? 1 : 0, sinceMs)[index]?.facts;
    return (
      `        ${String(atMs - Math.round(sinceMs)).padStart(6)} ${facts.why}; queue ${facts.queuedPackets},` +
      ` dropped ${facts.droppedPackets}, sent again ${facts.repairedPackets}; receiver holds ${receiver?.heldPackets ?? 0}, gave up` +
      ` ${receiver?.lostPackets ?? 0}, had twice ${receiver?.duplicatePackets ?? 0} | ${facts.paths.map(pathStory).join(' | ')}`
    );
  });
  return `${lines.join('\n')}\n`;
}
