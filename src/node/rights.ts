/** What members may claim, and whose word counts as a witness's. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { grantExpired } from '../../overlay/identity/grant.js';
import { verifyMembership, type Membership } from '../../overlay/identity/membership.js';
import { isHostName } from '../../overlay/identity/names.js';
import type { RevocationList } from '../../overlay/identity/revocation.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Clock, Crypto } from '../../overlay/ports.js';
import { isUseOf } from '../../dhcp/admission.js';
import type { CertificateJudge } from '../../dhcp/certificate.js';
import type { Subject } from '../../dhcp/subject.js';
import type { Cards } from './cards.js';
import type { NodeIdentity } from './identity.js';

export interface RightsParts {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly roster: Roster;
  readonly cards: Cards;
  readonly revocations: () => RevocationList | null;
  /** Whether a member that this node never met was admitted, as the directory has it. */
  readonly wasAdmitted: (peer: PeerId) => Promise<boolean>;
}

export class Rights implements CertificateJudge {
  readonly crypto: Crypto;
  readonly networkId: string;
  readonly #parts: RightsParts;

  constructor(parts: RightsParts) {
    this.#parts = parts;
    this.crypto = parts.crypto;
    this.networkId = parts.identity.networkId;
  }

  /**
   * A member that showed itself counts. A stranger counts by its certificate, unless the question
   * is a limited invite and the stranger was made by that invite itself: its holder could otherwise
   * be its own crowd of witnesses.
   */
  trustsWitness(witness: PeerId, membership: Uint8Array, subject: Subject): boolean {
    const { identity, roster, crypto } = this.#parts;
    if (witness === identity.self || roster.get(witness)?.trust === 'member') return true;
    const revocations = this.#parts.revocations();
    const judged = verifyMembership(membership, witness, identity.genesis, revocations, crypto);
    if (!judged.ok) return false;
    const { grant, inviteId } = judged.value;
    if (subject.kind !== 'invite' || grant === null || grant.uses === 0) return true;
    return inviteId !== subject.key.split('/')[0];
  }

  mayGrantItself(owner: PeerId): boolean {
    return this.#membershipOf(owner)?.kind === 'root';
  }

  /** Why `peer` may not claim `subject`; null if it may. */
  async forbids(peer: PeerId, subject: Subject): Promise<string | null> {
    const { identity } = this.#parts;
    const membership = this.#membershipOf(peer);
    if (membership === null) return 'unknown-member';
    const { grant } = membership;
    switch (subject.kind) {
      case 'address':
        if (!identity.pool.contains(subject.key)) return 'address-not-in-pool';
        if (grant?.address4 === undefined || grant.address4 === subject.key) return null;
        return 'address-fixed-by-invite';
      case 'name':
        if (!isHostName(subject.key)) return 'bad-name';
        if (grant?.name === undefined || grant.name === subject.key) return null;
        return 'name-fixed-by-invite';
      case 'invite':
        return await this.#forbidsUse(membership, subject.key);
    }
  }

  async #forbidsUse(membership: Membership, key: string): Promise<string | null> {
    const { clock, roster, wasAdmitted, identity } = this.#parts;
    const { grant, inviteId, peer, issuerChain } = membership;
    if (grant === null || inviteId === null) return 'no-invite';
    if (!isUseOf(key, inviteId, grant.uses, peer)) return 'not-its-invite';
    if (grantExpired(grant, clock.wallNow())) return 'invite-expired';
    // An invite is worth no more than the admission of those who issued it.
    for (const issuer of issuerChain) {
      if (issuer.inviteId === null || issuer.peer === identity.self) continue;
      if (roster.get(issuer.peer)?.trust === 'member') continue;
      if (!(await wasAdmitted(issuer.peer))) return 'issuer-not-admitted';
    }
    return null;
  }

  #membershipOf(peer: PeerId): Membership | null {
    const { identity, cards } = this.#parts;
    return peer === identity.self ? identity.membership : (cards.get(peer)?.membership ?? null);
  }
}
