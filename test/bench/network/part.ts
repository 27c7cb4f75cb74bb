/**
 * Joining and idling, and TCP beside a bare link and nebula, on hosts of one switch.
 *
 *   a ---+              +--- c
 *        +-- switch lan +--- d        b is where joins are measured;
 *   b ---+              +--- e        a to e form the idle network of five
 */
import { messageOf } from '../../../overlay/base/errors.js';
import type { Host } from '../../netns/lab/host.js';
import { Lab } from '../../netns/lab/lab.js';
import { create, joinAll, type Member } from '../../netns/lab/network.js';
import { areInstalled } from '../installed.js';
import type { Part } from '../part.js';
import type { NetworkSize } from '../size.js';
import { percentile } from '../statistics.js';
import { markdownTable, number } from '../table.js';
import { pings, tcp } from '../traffic.js';
import { NEBULA } from '../tunnels/nebula.js';
import { measureColdStart, measureIdle, type ColdStart, type Idle } from './overlay.js';

interface Traffic {
  readonly mbpsThere: number;
  readonly mbpsBack: number;
  readonly pingP50Ms: number;
}

interface NetworkFigures {
  readonly coldStart: ColdStart;
  readonly idle: Idle;
  /** In the order of the table's columns; null where it could not be measured. */
  readonly traffic: readonly (readonly [name: string, traffic: Traffic | null])[];
}

const OUTER = ['192.0.2.1', '192.0.2.2'] as const;
const PING_INTERVAL_MS = 20;

function buildHosts(lab: Lab): readonly [Host, Host, Host, Host, Host] {
  const lan = lab.switch('lan');
  return ['a', 'b', 'c', 'd', 'e'].map((name, index) => {
    const host = lab.host(name);
    host.connect(lan, { v4: `192.0.2.${String(index + 1)}/24` });
    return host;
  }) as [Host, Host, Host, Host, Host];
}

async function measureTraffic(
  [a, b]: readonly [Host, Host],
  addresses: readonly [string, string],
  size: NetworkSize,
): Promise<Traffic> {
  const there = { from: a, to: b, address: addresses[1] };
  const back = { from: b, to: a, address: addresses[0] };
  return {
    // Before the streams, on an idle link: afterwards queues may still be draining.
    pingP50Ms: percentile(await pings(there, size.pings, PING_INTERVAL_MS), 0.5),
    mbpsThere: (await tcp(there, { seconds: size.streamS })).mbps,
    mbpsBack: (await tcp(back, { seconds: size.streamS })).mbps,
  };
}

async function measureNebula(
  hosts: readonly [Host, Host],
  size: NetworkSize,
  say: (line: string) => void,
): Promise<Traffic | null> {
  if (!areInstalled(NEBULA.needs)) {
    say(`nebula is left out, not installed: ${NEBULA.needs.join(', ')}`);
    return null;
  }
  try {
    const running = await NEBULA.start({ hosts, outer: OUTER });
    return await measureTraffic(hosts, running.inner, size).finally(() => running.stop());
  } catch (error) {
    say(`nebula failed: ${messageOf(error)}`);
    return null;
  }
}

async function measureAll(
  lab: Lab,
  size: NetworkSize,
  say: (line: string) => void,
): Promise<NetworkFigures> {
  const [a, b, c, d, e] = buildHosts(lab);
  say('bare link...');
  const bare = await measureTraffic([a, b], OUTER, size);
  say('nebula...');
  const nebula = await measureNebula([a, b], size, say);
  const creator = await create(a);
  const others = await joinAll([c, d, e], creator.invite);
  say(`${String(size.joins)} joins...`);
  const coldStart = await measureColdStart(b, creator.invite, creator, size);
  const [memberB] = (await joinAll([b], creator.invite)) as [Member];
  say('an idle network of five...');
  const idle = await measureIdle([creator, memberB, ...others], size);
  say('overlay...');
  const overlay = await measureTraffic([a, b], [creator.address4, memberB.address4], size);
  return {
    coldStart,
    idle,
    traffic: [
      ['bare link', bare],
      ['nebula', nebula],
      ['overlay', overlay],
    ],
  };
}

function tables({ coldStart, idle, traffic }: NetworkFigures): string {
  const row = (name: string, pick: (t: Traffic) => number, digits: number): readonly string[] => [
    name,
    ...traffic.map(([, t]) => number(t === null ? null : pick(t), digits)),
  ];
  const compared = markdownTable([
    ['two hosts, one link', ...traffic.map(([name]) => name)],
    row('TCP there, Mbit/s', (t) => t.mbpsThere, 0),
    row('TCP back, Mbit/s', (t) => t.mbpsBack, 0),
    row('ping p50, ms', (t) => t.pingP50Ms, 3),
  ]);
  const runs = String(coldStart.runs);
  const own = markdownTable([
    ['overlay', 'measured'],
    ['`join` to usable address, p50, ms', number(coldStart.p50Ms, 0)],
    [`\`join\` to usable address, p90 of ${runs}, ms`, number(coldStart.p90Ms, 0)],
    ['idle with 4 peers, processor, % of one core', number(idle.cpuPercent, 2)],
    ['idle with 4 peers, memory (RSS), MB', number(idle.rssMb, 0)],
  ]);
  return `${compared}\n\n${own}`;
}

export const NETWORK_PART: Part = {
  name: 'network',
  run: async ({ network: size }, { say }) => {
    const lab = await Lab.create({ tools: ['iperf3'] });
    try {
      return tables(await measureAll(lab, size, say));
    } catch (error) {
      say(lab.logs(40));
      throw error;
    } finally {
      await lab.close();
    }
  },
};
