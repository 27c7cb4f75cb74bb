/** From what a person or a packet names, an address, a host name or a peer id, to a connected peer. */
import { utf8Bytes } from '../../overlay/base/bytes.js';
import { parsePeerId, type PeerId } from '../../overlay/base/peer-id.js';
import type { Signal } from '../../overlay/base/signal.js';
import { address6Of, parseAddress4 } from '../../overlay/identity/addresses.js';
import { normalizeHostName } from '../../overlay/identity/names.js';
import type { Subject } from '../../dhcp/subject.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Crypto, Directory } from '../../overlay/ports.js';
import type { Resolver } from '../../dhcp/resolver.js';
import type { Cards } from './cards.js';
import type { NodeIdentity } from './identity.js';
import type { Introductions } from './introductions.js';

const PROVIDERS_TIMEOUT_MS = 4_000;

/** Directory key under which a node can be found by its IPv6 address. */
export function address6Key(address: string): Uint8Array {
  return utf8Bytes(`address6/${address}`);
}

/** What a search needs of its node. */
export interface SearchScope {
  readonly identity: NodeIdentity;
  readonly cards: Cards;
  readonly roster: Roster;
  readonly resolver: Resolver;
  readonly introductions: Introductions;
  /** Own IPv4 address and name, as far as held. */
  readonly address: { readonly key: string | null };
  readonly name: { readonly key: string | null };
  readonly ports: { readonly crypto: Crypto; readonly directory: Directory };
}

/** @returns null if nobody goes by it, as far as can be found out */
export async function findPeer(
  node: SearchScope,
  query: string,
  signal: Signal,
): Promise<PeerId | null> {
  const { identity, cards, roster } = node;
  const peerId = parsePeerId(query);
  if (peerId.ok) return peerId.value;
  if (query.includes(':')) return await findAddress6(node, query.toLowerCase(), signal);
  const subject = subjectOf(query, identity.genesis.name);
  if (subject === null) return null;
  if (subject.key === node.address.key || subject.key === node.name.key) return identity.self;
  const known =
    subject.kind === 'address'
      ? cards.holderOfAddress4(subject.key)
      : cards.holderOfName(subject.key);
  if (known !== null) return known;
  const owner = await node.resolver.resolve(subject, signal);
  if (owner === null) return null;
  if (roster.get(owner)?.connected !== true) await node.introductions.meet([[owner, []]], signal);
  // A record may be older than the lease: what the owner shows of itself decides. What it showed last
  // may be older than the record, though, so it is asked once more.
  if (shows(node, owner, subject)) return owner;
  await node.introductions.greet(owner, signal);
  if (shows(node, owner, subject)) return owner;
  node.resolver.forget(subject);
  return null;
}

/** False only if the owner was met and shows something else. */
function shows(node: SearchScope, owner: PeerId, subject: Subject): boolean {
  const card = node.cards.get(owner);
  const shown = subject.kind === 'address' ? card?.address4 : card?.name;
  return card === null || shown?.subject.key === subject.key;
}

/** An IPv6 address follows from the peer id, so whoever answers can be checked. */
async function findAddress6(
  node: SearchScope,
  address: string,
  signal: Signal,
): Promise<PeerId | null> {
  const { identity, cards, ports } = node;
  if (address === identity.address6) return identity.self;
  const known = cards.holderOfAddress6(address);
  if (known !== null) return known;
  const providers = await ports.directory.providers(address6Key(address), {
    timeoutMs: PROVIDERS_TIMEOUT_MS,
    signal,
  });
  const holder = providers.find(
    (peer) => address6Of(identity.networkId, peer, ports.crypto) === address,
  );
  if (holder === undefined) return null;
  await node.introductions.meet([[holder, []]], signal);
  return holder;
}

/** `nas`, `nas.home` or `10.77.3.9`. */
function subjectOf(query: string, networkName: string): Subject | null {
  if (parseAddress4(query) !== null) return { kind: 'address', key: query };
  const lower = query.toLowerCase();
  const suffix = `.${networkName}`;
  const label = lower.endsWith(suffix) ? lower.slice(0, -suffix.length) : lower;
  return normalizeHostName(label) === label ? { kind: 'name', key: label } : null;
}
