/** Keeps the newest revocation list signed by the root key, and spreads it from peer to peer. */
import { messageOf } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { verifyMembership } from '../../overlay/identity/membership.js';
import {
  newerRevocations,
  verifyRevocations,
  type RevocationList,
} from '../../overlay/identity/revocation.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Crypto, Logger, Rpc } from '../../overlay/ports.js';
import { REVOCATIONS_PROTOCOL, revocationsCodec } from './hello.js';
import type { NodeIdentity } from './identity.js';
import { REFUSED_MS, type TrustGate } from './trust.js';
import type { Vault } from './vault.js';

const FETCH_TIMEOUT_MS = 5_000;

export interface RevocationParts {
  readonly identity: NodeIdentity;
  readonly crypto: Crypto;
  readonly rpc: Rpc;
  readonly logger: Logger;
  readonly roster: Roster;
  readonly gate: TrustGate;
  readonly vault: Vault;
  /** This node itself is on the list. */
  readonly expelled: () => void;
}

export class Revocations {
  readonly #parts: RevocationParts;
  #current: RevocationList | null = null;

  constructor(parts: RevocationParts) {
    this.#parts = parts;
  }

  get current(): RevocationList | null {
    return this.#current;
  }

  async load(): Promise<void> {
    const { vault, identity, crypto, logger } = this.#parts;
    const stored = await vault.revocations();
    if (stored === null) return;
    const verified = verifyRevocations(stored, identity.genesis, crypto);
    if (verified.ok) await this.adopt(verified.value);
    else logger.warn('the stored revocation list is not valid', { code: verified.code });
  }

  serve(): void {
    this.#parts.rpc.serve(REVOCATIONS_PROTOCOL, { trust: 'guest', requestBytesMax: 16 }, () =>
      Promise.resolve(revocationsCodec.encode(this.#current === null ? [] : [this.#current.bytes])),
    );
  }

  /** Asks a peer that has a newer list for it. */
  async fetch(peer: PeerId): Promise<void> {
    const { rpc, logger } = this.#parts;
    try {
      const response = await rpc.request(peer, REVOCATIONS_PROTOCOL, new Uint8Array(), {
        timeoutMs: FETCH_TIMEOUT_MS,
      });
      const decoded = revocationsCodec.decode(response);
      if (!decoded.ok) this.#parts.gate.misbehaved(peer, `revocations: ${decoded.detail}`);
      const raw = decoded.ok ? decoded.value[0] : undefined;
      if (raw !== undefined) await this.shown(peer, raw);
    } catch (error) {
      logger.debug('no revocation list', { peer, reason: messageOf(error) });
    }
  }

  /** Judges a list that a peer showed. */
  async shown(peer: PeerId, raw: Uint8Array): Promise<void> {
    const { identity, crypto, gate } = this.#parts;
    const verified = verifyRevocations(raw, identity.genesis, crypto);
    if (verified.ok) await this.adopt(verified.value);
    else gate.misbehaved(peer, `revocation list: ${verified.detail}`);
  }

  /** Takes a verified list if it is newer, and cuts off whoever is on it. */
  async adopt(list: RevocationList): Promise<void> {
    const { vault, roster, identity, crypto, gate } = this.#parts;
    const newest = newerRevocations(this.#current, list);
    if (newest === this.#current) return;
    this.#current = newest;
    const isOut = (peer: PeerId, membership: Uint8Array): boolean =>
      !verifyMembership(membership, peer, identity.genesis, newest, crypto).ok;
    const expelled = roster.all().filter(({ peer, membership }) => isOut(peer, membership));
    // Nobody stays in because a disk is full: all are cut off before anything is written.
    for (const { peer } of expelled) {
      roster.remove(peer);
      gate.deny(peer, 'its membership was revoked', REFUSED_MS);
    }
    if (isOut(identity.self, identity.membershipBytes)) this.#parts.expelled();
    await vault.saveRevocations(newest.bytes);
    for (const { peer } of expelled) await vault.forgetMember(peer);
  }
}
