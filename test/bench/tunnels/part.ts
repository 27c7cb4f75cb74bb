/**
 * The overlay beside other tunnels, on two hosts joined by one cable: first by a card that takes a run
 * of UDP datagrams in one piece, as veth and many real cards do, then by one that does not.
 */
import { messageOf } from '../../../overlay/base/errors.js';
import { commandIn } from '../../netns/lab/command.js';
import { Lab } from '../../netns/lab/lab.js';
import { areInstalled } from '../installed.js';
import type { Part } from '../part.js';
import type { TunnelsSize } from '../size.js';
import { cell, markdownTable, number } from '../table.js';
import { BARE } from './bare.js';
import { cable } from './cable.js';
import { measureTunnel, type TunnelFigures } from './measure.js';
import { N2N } from './n2n.js';
import { NEBULA } from './nebula.js';
import { OPENVPN } from './openvpn.js';
import { OVERLAY } from './overlay.js';
import { profileOverlay } from './profile.js';
import { TINC } from './tinc.js';
import type { Pair, Tunnel } from './tunnel.js';
import { WIREGUARD } from './wireguard.js';

/** In the order of the rows. */
const TUNNELS: readonly Tunnel[] = [BARE, OVERLAY, WIREGUARD, NEBULA, TINC, OPENVPN, N2N];

type Outcome = TunnelFigures | 'not installed' | { readonly failures: readonly [string] };

interface Row {
  readonly name: string;
  readonly outcome: Outcome;
}

async function measure(tunnel: Tunnel, pair: Pair, size: TunnelsSize): Promise<Outcome> {
  if (!areInstalled(tunnel.needs)) return 'not installed';
  try {
    const running = await tunnel.start(pair);
    try {
      return await measureTunnel(pair.hosts, running, size);
    } finally {
      await running.stop();
    }
  } catch (error) {
    return { failures: [messageOf(error)] };
  }
}

function failuresOf(outcome: Outcome): readonly string[] {
  return typeof outcome === 'string' ? [] : outcome.failures;
}

async function measureAll(
  size: TunnelsSize,
  isPlainCard: boolean,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const tunnel of TUNNELS) {
    say(`${tunnel.name}${isPlainCard ? ', plain card' : ''}...`);
    // A lab for each: nothing of one is left for the next.
    const lab = await Lab.create({ tools: ['iperf3'] });
    try {
      const pair = cable(lab);
      if (isPlainCard) {
        for (const { netns } of pair.hosts)
          commandIn(netns, 'ethtool', ['-K', 'eth0', 'tx-udp-segmentation', 'off']);
      }
      const outcome = await measure(tunnel, pair, size);
      for (const failure of failuresOf(outcome)) say(`failed: ${failure}`);
      rows.push({ name: tunnel.name, outcome });
    } finally {
      await lab.close();
    }
  }
  return rows;
}

const HEADING = [
  ...['1 TCP there', '1 TCP back', '4 TCP there', '4 TCP back', 'UDP 64 B', 'UDP 1372 B'],
  ...['ping p50', 'ping p99', 'CPU s/Gbit'],
];

function thousands(value: number | null): string {
  return number(value === null ? null : value / 1e3, 1);
}

function cells(outcome: Outcome): readonly string[] {
  if (outcome === 'not installed') return [outcome];
  if (!('oneThereMbps' in outcome)) return ['failed'];
  return [
    number(outcome.oneThereMbps, 0),
    number(outcome.oneBackMbps, 0),
    number(outcome.fourThereMbps, 0),
    number(outcome.fourBackMbps, 0),
    thousands(outcome.smallUdpPps),
    thousands(outcome.largeUdpPps),
    number(outcome.pingP50Ms, 3),
    number(outcome.pingP99Ms, 3),
    number(outcome.cpuSPerGigabit, 2),
  ];
}

/** What failed is told below the table. */
function table(title: string, rows: readonly Row[]): string {
  const body = rows.map(({ name, outcome }) => [name, ...cells(outcome)]);
  const notes = rows.flatMap(({ name, outcome }) =>
    failuresOf(outcome).map((failure) => `- ${name} failed: ${cell(failure)}`),
  );
  return [markdownTable([[title, ...HEADING], ...body]), notes.join('\n')].join('\n\n').trim();
}

export const TUNNELS_PART: Part = {
  name: 'tunnels',
  run: async ({ tunnels: size }, { say, profile }) => {
    const tables = [table('veth', await measureAll(size, false, say))];
    if (size.plainCard) {
      if (areInstalled(['ethtool']))
        tables.push(table('veth without UDP segmentation', await measureAll(size, true, say)));
      else tables.push('The plain card is left out: ethtool is not installed.');
    }
    if (profile) {
      say('profile...');
      tables.push(await profileOverlay(size));
    }
    return tables.join('\n\n');
  },
};
