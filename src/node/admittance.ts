/** How this node is admitted by the others, and how it knows that others were. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Canceller, type Signal } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type { Clock, Directory, Logger, Swarm } from '../../overlay/ports.js';
import { admit, type AdmissionOutcome } from '../../dhcp/admission.js';
import {
  decodeCertificate,
  encodeCertificate,
  verifyCertificate,
  type CertificateJudge,
} from '../../dhcp/certificate.js';
import type { ClaimParts } from '../../dhcp/claim.js';
import { ADMISSION_RECORD_KIND, admissionKey, isAdmissionOf } from './admission-record.js';
import { inBackground } from './background.js';
import type { Cards } from './cards.js';
import type { NodeIdentity } from './identity.js';
import { refusalText } from './refusals.js';
import type { TrustGate } from './trust.js';
import type { Vault } from './vault.js';

const DIRECTORY_TIMEOUT_MS = 10_000;
/** Members who never met this node look its admission up; nobody does in its first second. */
const PUBLISH_AFTER_MS = 1_000;

export interface AdmittanceParts {
  readonly identity: NodeIdentity;
  readonly directory: Directory;
  readonly swarm: Swarm;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly roster: Roster;
  readonly cards: Cards;
  readonly gate: TrustGate;
  readonly vault: Vault;
  readonly judge: CertificateJudge;
  /** Ends at the end of the run. */
  readonly signal: Signal;
  readonly announce: () => Promise<void>;
  readonly changed: () => void;
  /** `peer` is a member now, or takes this node for one. */
  readonly admitted: (peer: PeerId) => void;
  readonly failed: (code: string, message: string) => void;
}

export class Admittance {
  readonly #parts: AdmittanceParts;
  #certificate: Uint8Array | null = null;
  #hindrance: string | null = null;
  /** Ends the pause before the next attempt. */
  #wake: Canceller | null = null;

  constructor(parts: AdmittanceParts) {
    this.#parts = parts;
  }

  /** Certificate that a use of the invite was granted to this node; null without one. */
  get certificate(): Uint8Array | null {
    return this.#certificate;
  }

  get admitted(): boolean {
    return this.#parts.identity.membership.kind !== 'invite' || this.#certificate !== null;
  }

  /** What admission waits for, in a sentence; null if for nothing. */
  get hindrance(): string | null {
    return this.#hindrance;
  }

  /** Takes up the admission of an earlier run. */
  async load(): Promise<void> {
    const { vault, identity, judge, gate } = this.#parts;
    const stored = await vault.admission();
    if (stored !== null && isAdmissionOf(stored, identity.membership, judge)) {
      this.#certificate = stored;
    }
    gate.selfTrust = this.admitted ? 'member' : 'guest';
  }

  /** Spends a use of the invite, if one is needed. False: the node is not let in. */
  async admit(claimParts: ClaimParts): Promise<boolean> {
    const { identity, signal, clock, changed } = this.#parts;
    const { grant, inviteId } = identity.membership;
    if (this.admitted || grant === null || inviteId === null) return true;
    const progress = (hindrance: string): void => {
      this.#hindrance = hindrance;
      changed();
    };
    const uses = { inviteId, uses: grant.uses };
    const pause = async (pauseMs: number): Promise<void> => {
      const wake = new Canceller(signal);
      this.#wake = wake;
      await sleep(clock, pauseMs, wake.signal);
      wake.dispose();
    };
    return await this.#conclude(await admit(claimParts, uses, { signal, progress, pause }));
  }

  /** A member was met, so that the next attempt may end in another way. */
  nudge(): void {
    this.#wake?.abort('met');
  }

  async #conclude(outcome: AdmissionOutcome): Promise<boolean> {
    const { gate, vault, swarm, logger, announce, admitted, changed, failed } = this.#parts;
    switch (outcome.kind) {
      case 'admitted':
        this.#hindrance = null;
        this.#certificate = encodeCertificate(outcome.certificate);
        gate.selfTrust = 'member';
        await vault.saveAdmission(this.#certificate);
        // Whoever committed it knows already, and what is asked of the others comes after their hello.
        inBackground(logger, 'admission not shown', announce());
        for (const { peer } of swarm.connections()) admitted(peer);
        inBackground(logger, 'admission not published', this.#publish(this.#certificate));
        changed();
        return true;
      case 'used-up':
        failed('used-up', 'this invite is used up: ask for a new one');
        return false;
      case 'refused':
        failed('refused', refusalText(outcome.why));
        return false;
      case 'aborted':
        return false;
    }
  }

  /** A witness committed the use of an invite: the guest is a member from here on. */
  noteAdmitted(peer: PeerId, admission: Uint8Array): void {
    const { cards, roster, judge, admitted } = this.#parts;
    const card = cards.get(peer);
    if (card?.admission !== null) return;
    if (!isAdmissionOf(admission, card.membership, judge)) return;
    cards.put({ ...card, admission });
    roster.patch(peer, { trust: 'member' });
    admitted(peer);
  }

  /** Whether a member that this node never met was admitted, as the directory has it. */
  async wasAdmitted(peer: PeerId): Promise<boolean> {
    const { directory, judge, signal } = this.#parts;
    const values = await directory.get(ADMISSION_RECORD_KIND, admissionKey(peer), {
      timeoutMs: DIRECTORY_TIMEOUT_MS,
      signal,
    });
    return values.some(({ value }) => {
      const decoded = decodeCertificate(value);
      if (!decoded.ok || decoded.value.owner !== peer) return false;
      return decoded.value.subject.kind === 'invite' && verifyCertificate(decoded.value, judge).ok;
    });
  }

  async #publish(certificate: Uint8Array): Promise<void> {
    const { directory, identity, signal, clock } = this.#parts;
    await sleep(clock, PUBLISH_AFTER_MS, signal);
    if (signal.aborted) return;
    await directory.put(ADMISSION_RECORD_KIND, admissionKey(identity.self), certificate, {
      timeoutMs: DIRECTORY_TIMEOUT_MS,
      signal,
    });
  }
}
