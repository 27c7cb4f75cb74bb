/**
 * Two hosts with a `data-plane-tunnel` between them over delay lines, one path on each. Lines, scheduler
 * and the paths in use change while it runs, so that many measurements share one start.
 */
import { join } from 'node:path';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { DatagramTransport } from '../../../overlay/link/data-plane.js';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';
import type { SchedulerName } from '../../../overlay/link/schedule/scheduler.js';
import { command, commandIn } from './command.js';
import {
  TUNNEL_DEVICE,
  tunnelAddress,
  type DataPlaneTunnelOptions,
  type TunnelChange,
  type TunnelFacts,
  type TunnelPathUse,
} from './data-plane-tunnel-control.js';
import { delayLine, type DelayLine, type LineEnd } from './delay-line.js';
import type { LineChange } from './delay-line-settings.js';
import type { Host } from './host.js';
import type { Lab } from './lab.js';
import type { Link, LinkAddresses } from './link.js';
import type { Program } from './program.js';
import { eventually } from './scenario.js';
import { scriptArgs } from './scripts.js';

const PORT = 5000;
/** Keys must be younger than three minutes, and with the same keys there are 25 ids for each path. */
const CHANGES_PER_EPOCH = 5;
const START_TIMEOUT_MS = 15_000;
const CHANGE_TIMEOUT_MS = 10_000;

/** No flow may start with what the one before it has learnt. */
const TCP_SETUP = 'echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save';
/**
 * Congestion control of inner TCP, as most systems have it: how much one flow gets depends on it, so it
 * is not left to the machine's default.
 */
const INNER_TCP = 'cubic';

export type Side = 0 | 1;

export interface ShapedTunnelOptions {
  /** A line for each path. */
  readonly lines: readonly LineChange[];
  /** Further paths, over plain cables, which are faster than any line. None when left out. */
  readonly cables?: number;
  readonly transport?: DatagramTransport;
  /** Addresses of the datagrams. */
  readonly family?: 4 | 6;
  readonly scheduler?: SchedulerName;
  /** Congestion control of TCP inside; `cubic` when left out. */
  readonly tcp?: 'cubic' | 'bbr' | 'reno';
}

/** How the link works from now on. */
export interface LinkUse {
  readonly scheduler: SchedulerName;
  readonly overflow?: boolean;
  /** Those left out are not paths of the link. All, without a metric, when left out. */
  readonly paths?: readonly PathUse[];
}

export interface PathUse {
  /** Cables come after the lines. */
  readonly line: number;
  readonly metric?: number;
  readonly backup?: boolean;
}

/** One end: a host and the program on it. */
export interface TunnelEnd {
  readonly host: Host;
  readonly program: Program;
  readonly changesPipe: string;
  readonly factsFile: string;
}

export class ShapedTunnel {
  readonly ends: readonly [TunnelEnd, TunnelEnd];
  readonly lines: readonly DelayLine[];
  readonly #paths: number;
  #changes = 0;

  private constructor(
    ends: readonly [TunnelEnd, TunnelEnd],
    lines: readonly DelayLine[],
    paths: number,
  ) {
    this.ends = ends;
    this.lines = lines;
    this.#paths = paths;
  }

  /** Ready when all paths work both ways. */
  static async open(lab: Lab, name: string, options: ShapedTunnelOptions): Promise<ShapedTunnel> {
    const hosts = [lab.host(`${name}-a`), lab.host(`${name}-b`)] as const;
    for (const host of hosts) commandIn(host.netns, 'sh', ['-c', TCP_SETUP]);
    const lines: DelayLine[] = [];
    for (const [index, settings] of options.lines.entries()) {
      const end = (side: Side): LineEnd => ({ host: hosts[side], ...addresses(index, side) });
      const named = `${name}-${index}`;
      lines.push(await delayLine(lab, named, end(0), end(1), { seed: index + 1, ...settings }));
    }
    const cards: Cards[] = lines.map(({ a, b }) => [a, b]);
    for (let cable = 0; cable < (options.cables ?? 0); cable++) {
      const index = cards.length;
      const between = lab.switch(`${name}-${index}`);
      const plug = (side: Side): Link => hosts[side].connect(between, addresses(index, side));
      cards.push([plug(0), plug(1)]);
    }
    for (const [a, b] of cards) introduce(a, b);
    const ends = [start(hosts[0], 0, cards, options), start(hosts[1], 1, cards, options)] as const;
    const tunnel = new ShapedTunnel(ends, lines, cards.length);
    for (const { program } of ends) await program.match(/^ready$/m, START_TIMEOUT_MS);
    setInnerTcp(hosts[0], 1, options.tcp);
    setInnerTcp(hosts[1], 0, options.tcp);
    await tunnel.#allWork(cards.length);
    return tunnel;
  }

  host(side: Side): Host {
    return this.ends[side].host;
  }

  /** Inner address of a side. */
  address(side: Side, family: 4 | 6 = 4): string {
    return tunnelAddress(side, family);
  }

  /**
   * Another scheduler, other paths. All begin anew: nothing that was learnt before goes on. Returns when
   * all of them work both ways.
   */
  async use({ scheduler, overflow = false, paths }: LinkUse): Promise<void> {
    this.#changes += 1;
    const change = this.#changes;
    const all = Array.from({ length: this.#paths }, (_, line) => ({ line }));
    const uses: readonly PathUse[] = paths ?? all;
    const message: TunnelChange = {
      change,
      epoch: Math.floor(change / CHANGES_PER_EPOCH),
      scheduling: { scheduler, overflow },
      // The same slot, but each id only once with the same keys.
      paths: uses.map(({ line, metric = 0, backup = false }): TunnelPathUse => {
        const id = line + (change % CHANGES_PER_EPOCH) * PATHS_MAX;
        return { index: line, id, metric, backup };
      }),
    };
    const said = new RegExp(`^\\{"changed":${change}\\}$`, 'm');
    for (const { changesPipe } of this.ends) {
      appendFileSync(changesPipe, `${JSON.stringify(message)}\n`);
    }
    for (const { program } of this.ends) await program.match(said, CHANGE_TIMEOUT_MS);
    await this.#allWork(uses.length);
  }

  /** What a side has said, a fifth of a second apart, since a time in milliseconds since 1970. */
  facts(side: Side, sinceMs: number): readonly TunnelFacts[] {
    const lines = readFileSync(this.ends[side].factsFile, 'utf8').split('\n').slice(0, -1);
    const facts = lines.map((line) => JSON.parse(line) as TunnelFacts);
    return facts.filter(({ atMs }) => atMs >= sinceMs);
  }

  async #allWork(paths: number): Promise<void> {
    const sinceMs = performance.timeOrigin + performance.now();
    await eventually(`${paths} paths work`, START_TIMEOUT_MS, () => {
      for (const side of [0, 1] as const) {
        const states = this.facts(side, sinceMs)
          .at(-1)
          ?.facts.paths.map(({ state }) => state);
        const working = states?.filter((state) => state === 'active') ?? [];
        if (working.length === paths && states?.length === paths) continue;
        throw new Error(states?.join(', ') ?? 'no facts');
      }
    });
  }
}

/** Of a cable, on the first and on the second host. */
type Cards = readonly [Link, Link];

function addresses(index: number, side: Side): LinkAddresses {
  return { v4: `192.0.${index}.${side + 1}/24`, v6: `2001:db8:${index}::${side + 1}/64` };
}

function start(
  host: Host,
  side: Side,
  cards: readonly Cards[],
  { family = 4, transport = 'udp', scheduler = 'adaptive' }: ShapedTunnelOptions,
): TunnelEnd {
  const changesPipe = join(host.folder, 'changes');
  const factsFile = join(host.folder, 'facts');
  command('mkfifo', [changesPipe]);
  writeFileSync(factsFile, '');
  const links = cards.map(([a, b]) => (side === 0 ? ([a, b] as const) : ([b, a] as const)));
  const options: DataPlaneTunnelOptions = {
    ...{ side, scheduler, changes: changesPipe, factsFile, cipher: 'aes-256-gcm' },
    paths: links.map(([own, other]) => ({
      ...{ device: own.host.device, transport, family, port: PORT },
      remote: family === 4 ? other.v4 : other.v6,
    })),
  };
  const args = scriptArgs('data-plane-tunnel', [JSON.stringify(options)]);
  const program = host.spawn(process.execPath, args);
  return { host, program, changesPipe, factsFile };
}

/** By the route to the peer: namespaces cannot choose what the machine does not allow all programs. */
function setInnerTcp(host: Host, peer: Side, tcp: string = INNER_TCP): void {
  for (const family of [4, 6] as const) {
    const route = ['route', 'replace', tunnelAddress(peer, family), 'dev', TUNNEL_DEVICE];
    host.ip(`-${family}`, ...route, 'congctl', tcp);
  }
}

/** Nothing is to be asked about the neighbour: such frames would be lost, and counted, like others. */
function introduce(a: Link, b: Link): void {
  for (const [own, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const printed = commandIn(other.host.netns, 'ip', ['-j', 'link', 'show', other.host.device]);
    const [card] = JSON.parse(printed) as [{ address: string }];
    for (const address of [other.v4, other.v6]) {
      const entry = [address, 'lladdr', card.address, 'dev', own.host.device];
      commandIn(own.host.netns, 'ip', ['neighbour', 'replace', ...entry]);
    }
  }
}
