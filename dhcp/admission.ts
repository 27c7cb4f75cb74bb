/**
 * Spending one use of an invite. The use is a subject like any other, claimed for good: witnesses
 * hand out each of the allowed uses once, and judge the invite's expiry at that moment, so neither
 * needs the network's owner to be online.
 */
import { utf8Bytes } from '../overlay/base/bytes.js';
import type { Signal } from '../overlay/base/signal.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import type { LeaseCertificate } from './certificate.js';
import { claim, type ClaimOutcome, type ClaimParts } from './claim.js';
import type { Subject } from './subject.js';
import { RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS_MIN } from './terms.js';

export type AdmissionOutcome =
  | { readonly kind: 'admitted'; readonly certificate: LeaseCertificate }
  | { readonly kind: 'used-up' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'aborted' };

/** The subject for one use of an invite; `uses` 0 means unlimited, one subject for each peer. */
export function inviteSubject(inviteId: string, uses: number, use: number, peer: PeerId): Subject {
  return { kind: 'invite', key: `${inviteId}/${uses === 0 ? peer : String(use)}` };
}

/** Whether a key names a use that this peer may claim under this invite. */
export function isUseOf(key: string, inviteId: string, uses: number, peer: PeerId): boolean {
  if (uses === 0) return key === `${inviteId}/${peer}`;
  const [id, use, more] = key.split('/');
  if (id !== inviteId || use === undefined || more !== undefined) return false;
  return /^(0|[1-9]\d{0,6})$/.test(use) && Number(use) < uses;
}

export interface AdmissionOptions {
  readonly signal: Signal;
  /** Tells what admission waits for. */
  progress(hindrance: string): void;
  /** Before the next attempt; may end sooner when there is news. */
  pause(pauseMs: number): Promise<void>;
}

/** Until pauses have grown to this, a node that is just starting cannot have met anybody. */
const REACHED_PAUSE_MS = 8 * RETRY_PAUSE_MS_MIN;

function hindranceOf(outcome: ClaimOutcome & { readonly kind: 'no-quorum' }): string {
  if (outcome.witnesses === 0) return 'no member of the network can be reached yet';
  const { granted, needed, answered, witnesses } = outcome;
  return `${String(granted)} of ${String(needed)} needed members admitted this node, ${String(answered)} of ${String(witnesses)} answered`;
}

/** Tries until one use is won, all are seen to be spent, or the witnesses refuse. */
export async function admit(
  parts: ClaimParts,
  invite: { readonly inviteId: string; readonly uses: number },
  options: AdmissionOptions,
): Promise<AdmissionOutcome> {
  const { context } = parts;
  const count = invite.uses === 0 ? 1 : invite.uses;
  // The same in every run: one that died between commit and note finds the use it won already.
  const hash = context.crypto.sha256(utf8Bytes(context.self));
  let first = new DataView(hash.buffer, hash.byteOffset).getUint32(0) % count;
  let pauseMs = RETRY_PAUSE_MS_MIN;
  const isAborted = (): boolean => options.signal.aborted;
  while (!isAborted()) {
    let spent = 0;
    for (let index = 0; index < count && !isAborted(); index++) {
      const use = (first + index) % count;
      const subject = inviteSubject(invite.inviteId, invite.uses, use, context.self);
      const outcome = await claim(parts, { subject, termS: 0, signal: options.signal });
      if (outcome.kind === 'won') return { kind: 'admitted', certificate: outcome.certificate };
      if (outcome.kind === 'refused') return { kind: 'refused', why: outcome.why };
      if (outcome.kind === 'held' && (outcome.certain || !outcome.committing)) {
        // One witness may have kept a claim that came to nothing; only a quorum of them decides.
        if (outcome.certain) spent += 1;
        continue;
      }
      // Some witnesses may have this use as spent by this node: any other would be one too many.
      if (outcome.committing) first = use;
      if (outcome.kind === 'held') break;
      const isEarly = outcome.witnesses === 0 && pauseMs < REACHED_PAUSE_MS;
      if (!isEarly) options.progress(hindranceOf(outcome));
      break;
    }
    if (spent === count) return { kind: 'used-up' };
    await options.pause(pauseMs * (0.5 + context.rng.float()));
    pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS_MAX);
  }
  return { kind: 'aborted' };
}
