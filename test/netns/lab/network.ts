/** Members of one overlay network on hosts of the lab. */
import { expect } from 'chai';
import { CodedError } from '../../../overlay/base/errors.js';
import { LabError } from './errors.js';
import type { Host, RunOptions } from './host.js';
import type { Lab } from './lab.js';
import type { OverlayNode } from './overlay-node.js';
import { eventually, orderedPairs, systemPing } from './scenario.js';

export interface Member {
  readonly host: Host;
  readonly node: OverlayNode;
  readonly peerId: string;
  readonly address4: string;
  readonly address6: string;
  /** Name of its network device, or null without one. */
  readonly device: string | null;
}

// A fresh member's address must be known to the others by now; the first packet resolves it.
const REACHABLE_TIMEOUT_MS = 15_000;

/** Waits until a started node is usable. */
export async function memberOf(host: Host, node: OverlayNode): Promise<Member> {
  const status = await node.ready();
  return {
    host,
    node,
    peerId: status.peerId,
    address4: status.address4,
    address6: status.address6,
    device: status.device.name,
  };
}

/** Starts a new network on a host. Multicast discovery stays off unless `flags` turn it on. */
export async function create(
  host: Host,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<Member & { readonly invite: string }> {
  const node = host.start(['create', '--no-mdns', ...flags], options);
  const invite = await node.invite();
  return { ...(await memberOf(host, node)), invite };
}

/** Joins all hosts at the same instant, each with a node of its own, and waits for all of them. */
export async function joinAll(
  hosts: readonly Host[],
  bootstrap: string,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<readonly Member[]> {
  const started = hosts.map(
    (host) => [host, host.start(['join', bootstrap, '--no-mdns', ...flags], options)] as const,
  );
  return Promise.all(started.map(([host, node]) => memberOf(host, node)));
}

export async function join(
  host: Host,
  bootstrap: string,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<Member> {
  const [member] = await joinAll([host], bootstrap, flags, options);
  if (member === undefined) throw new LabError('command-failed', 'no member joined');
  return member;
}

/** Every member pings every other by IPv4 and IPv6 with the system's own tool. */
export async function expectAllPing(members: readonly Member[]): Promise<void> {
  for (const [from, to] of orderedPairs(members)) {
    for (const address of [to.address4, to.address6]) {
      await eventually(`${from.host.name} pings ${address}`, REACHABLE_TIMEOUT_MS, () =>
        systemPing(from.host, address),
      );
    }
  }
}

/** `overlay ping` from one member finds a peer by name, address or id; all probes come back. */
export async function expectOverlayPing(from: Member, query: string): Promise<'direct' | 'relay'> {
  const facts = await from.host.overlayJson('ping', [query, '-c', '2', '--interval', '100ms']);
  expect(facts.received, `${from.host.name} to ${query}`).to.equal(facts.sent);
  if (facts.via !== 'direct' && facts.via !== 'relay') {
    throw new CodedError('unexpected', `${query} answered via ${String(facts.via)}`);
  }
  return facts.via;
}

/** What a node may leave on a host, as three texts that say nothing about the lab's own cards. */
export function tracesOn(host: Host): Readonly<Record<'devices' | 'routes4' | 'routes6', string>> {
  const foreign = (text: string): string =>
    text
      .split('\n')
      .filter((line) => line !== '' && !/^lo\b|\beth\d|\bdev lo\b/.test(line))
      .join('\n');
  return {
    devices: foreign(host.ip('-br', 'link')),
    routes4: foreign(host.ip('route', 'show', 'table', 'all')),
    routes6: foreign(host.ip('-6', 'route', 'show', 'table', 'all')),
  };
}

export const NO_TRACES = { devices: '', routes4: '', routes6: '' } as const;

/** Two members, `a` and `b`, on hosts with IPv4 and IPv6 on one switch, that reach each other. */
export async function pairOnSwitch(lab: Lab): Promise<readonly [Member, Member]> {
  const lan = lab.switch('lan');
  const [hostA, hostB] = [lab.host('a'), lab.host('b')];
  hostA.connect(lan, { v4: '192.0.2.1/24', v6: '2001:db8::1/64' });
  hostB.connect(lan, { v4: '192.0.2.2/24', v6: '2001:db8::2/64' });
  const a = await create(hostA);
  const b = await join(hostB, a.invite);
  await eventually('the first ping', REACHABLE_TIMEOUT_MS, () => systemPing(hostA, b.address4));
  return [a, b];
}
