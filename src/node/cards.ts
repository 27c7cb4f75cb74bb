/**
 * What each known member showed of itself, kept while the roster keeps the member. Two may show the
 * same address, for a moment after a split, or for as long as one of them cheats: then the one that is
 * connected stands before the one that is not, and else the one that showed it first.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Membership } from '../../overlay/identity/membership.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { LeaseCertificate } from '../../dhcp/certificate.js';
import { ADDRESS_CHARS_MAX, type MemberHint } from '../../dhcp/messages.js';

export interface PeerCard {
  readonly peer: PeerId;
  readonly membership: Membership;
  readonly membershipBytes: Uint8Array;
  readonly admission: Uint8Array | null;
  readonly address4: LeaseCertificate | null;
  readonly name: LeaseCertificate | null;
  readonly address6: string;
  /** Its device takes super-packets. */
  readonly offloads: boolean;
  readonly addresses: readonly string[];
  readonly version: string;
}

export class Cards {
  readonly #roster: Roster;
  readonly #cards = new Map<PeerId, PeerCard>();
  readonly #byAddress4 = new Map<string, Set<PeerId>>();
  readonly #byAddress6 = new Map<string, Set<PeerId>>();
  readonly #byName = new Map<string, Set<PeerId>>();

  constructor(roster: Roster) {
    this.#roster = roster;
    roster.watch((peer) => {
      if (roster.get(peer) === null) this.#remove(peer);
    });
  }

  get(peer: PeerId): PeerCard | null {
    return this.#cards.get(peer) ?? null;
  }

  put(card: PeerCard): void {
    const { peer } = card;
    const before = this.#cards.get(peer);
    this.#cards.set(peer, card);
    for (const [index, keyOf] of this.#indexes()) {
      const [old, fresh] = [before === undefined ? null : keyOf(before), keyOf(card)];
      // Whoever shows the same again keeps its place before those that came later.
      if (old === fresh) continue;
      unset(index, old, peer);
      if (fresh !== null) index.set(fresh, (index.get(fresh) ?? new Set<PeerId>()).add(peer));
    }
  }

  /** A member as it is named to others. What one says of itself must fit what all may say. */
  hintOf(peer: PeerId): MemberHint {
    const addresses = this.#cards.get(peer)?.addresses ?? [];
    return [peer, addresses.filter((address) => address.length <= ADDRESS_CHARS_MAX)];
  }

  holderOfAddress4(address: string): PeerId | null {
    return this.#holder(this.#byAddress4.get(address));
  }

  holderOfAddress6(address: string): PeerId | null {
    return this.#holder(this.#byAddress6.get(address));
  }

  holderOfName(name: string): PeerId | null {
    return this.#holder(this.#byName.get(name));
  }

  #holder(showing: ReadonlySet<PeerId> | undefined): PeerId | null {
    let first: PeerId | null = null;
    for (const peer of showing ?? []) {
      if (this.#roster.get(peer)?.connected === true) return peer;
      first ??= peer;
    }
    return first;
  }

  #indexes(): [Map<string, Set<PeerId>>, (card: PeerCard) => string | null][] {
    return [
      [this.#byAddress4, (card) => card.address4?.subject.key ?? null],
      [this.#byAddress6, (card) => card.address6],
      [this.#byName, (card) => card.name?.subject.key ?? null],
    ];
  }

  #remove(peer: PeerId): void {
    const card = this.#cards.get(peer);
    if (card === undefined) return;
    this.#cards.delete(peer);
    for (const [index, keyOf] of this.#indexes()) unset(index, keyOf(card), peer);
  }
}

function unset(index: Map<string, Set<PeerId>>, key: string | null, peer: PeerId): void {
  const showing = key === null ? undefined : index.get(key);
  if (key === null || showing?.delete(peer) !== true) return;
  if (showing.size === 0) index.delete(key);
}
