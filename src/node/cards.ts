/** What each known member showed of itself, kept while the roster keeps the member. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Membership } from '../../overlay/identity/membership.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { LeaseCertificate } from '../../dhcp/certificate.js';

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
  readonly #cards = new Map<PeerId, PeerCard>();
  readonly #byAddress4 = new Map<string, PeerId>();
  readonly #byAddress6 = new Map<string, PeerId>();
  readonly #byName = new Map<string, PeerId>();

  constructor(roster: Roster) {
    roster.watch((peer) => {
      if (roster.get(peer) === null) this.#remove(peer);
    });
  }

  get(peer: PeerId): PeerCard | null {
    return this.#cards.get(peer) ?? null;
  }

  put(card: PeerCard): void {
    this.#remove(card.peer);
    this.#cards.set(card.peer, card);
    if (card.address4 !== null) this.#byAddress4.set(card.address4.subject.key, card.peer);
    this.#byAddress6.set(card.address6, card.peer);
    if (card.name !== null) this.#byName.set(card.name.subject.key, card.peer);
  }

  holderOfAddress4(address: string): PeerId | null {
    return this.#byAddress4.get(address) ?? null;
  }

  holderOfAddress6(address: string): PeerId | null {
    return this.#byAddress6.get(address) ?? null;
  }

  holderOfName(name: string): PeerId | null {
    return this.#byName.get(name) ?? null;
  }

  #remove(peer: PeerId): void {
    const card = this.#cards.get(peer);
    if (card === undefined) return;
    this.#cards.delete(peer);
    unset(this.#byAddress4, card.address4?.subject.key, peer);
    unset(this.#byAddress6, card.address6, peer);
    unset(this.#byName, card.name?.subject.key, peer);
  }
}

/** Removes an index entry unless it has passed to another peer meanwhile. */
function unset(index: Map<string, PeerId>, key: string | undefined, peer: PeerId): void {
  if (key !== undefined && index.get(key) === peer) index.delete(key);
}
