/**
 * The claimant: asks all witnesses of a subject at once, makes a certificate of a quorum of grants,
 * and has it committed by a quorum before it uses anything. A claim that fails frees at once what
 * it was granted.
 *
 *   claimant                       witnesses (8 nearest)
 *      | ---- claim(view) ------------> | check-and-set, store, sign
 *      | <--- granted / held / stale -- |
 *      |   q grants = certificate       |
 *      | ---- commit(certificate) ----> | verify, store
 *      | <--- done -------------------- |
 *      |   q commits: the lease is held |
 */
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Signal } from '../overlay/base/signal.js';
import { ask } from './ask.js';
import {
  CLAIM_ID_BYTES,
  decodeCertificate,
  encodeCertificate,
  verifyCertificate,
  verifyGrant,
  type ClaimTerms,
  type Grant,
  type LeaseCertificate,
} from './certificate.js';
import type { LeaseContext } from './context.js';
import type { LeaseResponse, MemberHint } from './messages.js';
import { quorumOf, slackOf } from './quorum.js';
import type { Subject } from './subject.js';
import { CLAIM_DEADLINE_MS } from './terms.js';
import type { Views } from './views.js';
import type { Witness } from './witness.js';

/**
 * Refusals of a witness that has not heard the claimant's hello yet, as after a connection that was lost. They say nothing of what
 * the network thinks of it, so a claimant that took them for its word would give up for good.
 */
const NOT_HEARD: ReadonlySet<string> = new Set(['unknown-member', 'members-only']);

/** Times a claim is asked anew because its view or epoch was out of date. */
const REASKS_MAX = 6;

export type ClaimOutcome =
  | {
      readonly kind: 'won';
      readonly certificate: LeaseCertificate;
      /** Monotonic milliseconds; measured from before the first question, so always the safe side. */
      readonly heldUntilMs: number;
    }
  | {
      readonly kind: 'held';
      readonly owner: PeerId;
      readonly certificate: LeaseCertificate | null;
      /** So many witnesses showed a certificate that nobody else can have a quorum now. */
      readonly certain: boolean;
      /** This claim got as far as its commit, which some witnesses may have stored. */
      readonly committing: boolean;
    }
  | {
      readonly kind: 'no-quorum';
      readonly granted: number;
      readonly needed: number;
      readonly witnesses: number;
      readonly answered: number;
      readonly committing: boolean;
    }
  | { readonly kind: 'refused'; readonly why: string };

export interface ClaimParts {
  readonly context: LeaseContext;
  readonly witness: Witness;
  readonly views: Views;
}

export interface ClaimRequest {
  readonly subject: Subject;
  /** Seconds; 0 for good. */
  readonly termS: number;
  /** The certificate to renew, if this is a renewal. */
  readonly renews?: LeaseCertificate;
  readonly signal?: Signal;
}

/** Claims or renews a subject for this node. */
export async function claim(parts: ClaimParts, request: ClaimRequest): Promise<ClaimOutcome> {
  const { context, views } = parts;
  const { renews } = request;
  let claimId = renews?.claimId ?? context.rng.bytes(CLAIM_ID_BYTES);
  let epoch = renews?.epoch ?? Math.floor(context.clock.wallNow() / 1000);
  let renewal = renews === undefined ? 0 : renews.renewal + 1;
  let outcome: ClaimOutcome = nobody();
  // Members that witnesses insist on count in the view even while this node cannot reach them.
  const insisted = new Set<PeerId>();
  // Those of the present claim. A release between two of them would free what the second was granted.
  let rounds: Round[] = [];
  for (let attempt = 0; attempt <= REASKS_MAX; attempt++) {
    const view = await views.lookup(request.subject, [...insisted], request.signal);
    if (view.length === 0) {
      release(parts, request, rounds);
      return nobody();
    }
    const { subject, termS } = request;
    const terms = { subject, owner: context.self, claimId, epoch, renewal, termS, view };
    const round = new Round(parts, terms, request);
    rounds.push(round);
    outcome = await round.run();
    if (outcome.kind === 'won') return outcome;
    if (request.signal?.aborted === true) break;
    if (round.newerEpoch > 0) {
      // The subject has a past this node did not know of; a new claim has to come after it.
      release(parts, request, rounds);
      rounds = [];
      epoch = Math.max(round.newerEpoch, epoch) + 1;
      claimId = context.rng.bytes(CLAIM_ID_BYTES);
      renewal = 0;
    } else if (round.missed.length > 0 && outcome.kind === 'no-quorum') {
      await context.meet(round.missed, request.signal);
      for (const peer of round.insisted()) insisted.add(peer);
    } else break;
  }
  release(parts, request, rounds);
  return outcome;
}

/**
 * Gives back what was granted, beside whatever comes next. A renewal that fails gives nothing
 * back, also when it had to start over as a new claim: witnesses may have committed it in place
 * of the lease that is still in use.
 */
function release(parts: ClaimParts, request: ClaimRequest, rounds: readonly Round[]): void {
  const last = rounds.at(-1);
  if (request.renews !== undefined || last === undefined) return;
  const { subject, claimId } = last.terms;
  const view = rounds.flatMap((round) => round.terms.view);
  for (const peer of informed(parts, { subject, view })) {
    // A release that overtook its claim would leave the grant behind, so it waits for the answers.
    void Promise.all(rounds.map((round) => round.answered(peer))).then(() =>
      releaseAt(parts, { subject, claimId }, peer),
    );
  }
}

function nobody(): ClaimOutcome {
  const nothing = { granted: 0, needed: 1, witnesses: 0, answered: 0 };
  return { kind: 'no-quorum', ...nothing, committing: false };
}

/** One asking of all witnesses under one set of terms. */
class Round {
  readonly terms: ClaimTerms;
  readonly #parts: ClaimParts;
  readonly #signal: Signal | undefined;
  readonly #needed: number;
  readonly #grants: Grant[] = [];
  readonly #startedMs: number;
  #answered = 0;
  #cannot = 0;
  /** The last question to each witness, answered or not. */
  readonly #questions = new Map<PeerId, Promise<unknown>>();
  #held: { readonly owner: PeerId; readonly certificate: LeaseCertificate | null } | null = null;
  /** Witnesses that showed a certificate of somebody else. */
  readonly #certified = new Set<PeerId>();
  #committing = false;
  #refused: string | null = null;
  /** Members that witnesses miss in the view. */
  readonly missed: MemberHint[] = [];
  /** How many witnesses named each of them. */
  readonly #named = new Map<PeerId, number>();
  /** An epoch of the subject that a witness remembers and that is not below this claim's. */
  newerEpoch = 0;

  constructor(parts: ClaimParts, terms: ClaimTerms, request: ClaimRequest) {
    this.#parts = parts;
    this.terms = terms;
    this.#signal = request.signal;
    this.#needed = quorumOf(terms.view.length);
    this.#startedMs = parts.context.clock.now();
  }

  async run(): Promise<ClaimOutcome> {
    await this.#collect();
    if (this.#grants.length < this.#needed) {
      return this.#failure();
    }
    const certificate: LeaseCertificate = { ...this.terms, grants: [...this.#grants] };
    const committed = await this.#commit(certificate);
    const elapsedMs = this.#parts.context.clock.now() - this.#startedMs;
    if (!committed || elapsedMs > CLAIM_DEADLINE_MS) {
      return this.#failure();
    }
    const { termS } = this.terms;
    const heldUntilMs = termS === 0 ? Number.POSITIVE_INFINITY : this.#startedMs + termS * 1000;
    return { kind: 'won', certificate, heldUntilMs };
  }

  /** Members named by more witnesses than may be wrong: fewer could fill the view with nobodies. */
  insisted(): PeerId[] {
    const wrongMax = slackOf(this.terms.view.length);
    return [...this.#named].filter(([, times]) => times > wrongMax).map(([peer]) => peer);
  }

  #failure(): ClaimOutcome {
    const committing = this.#committing;
    if (this.#held !== null) {
      const certain = this.terms.view.length - this.#certified.size < this.#needed;
      return { kind: 'held', ...this.#held, certain, committing };
    }
    if (this.#refused !== null) return { kind: 'refused', why: this.#refused };
    return {
      kind: 'no-quorum',
      granted: this.#grants.length,
      needed: this.#needed,
      witnesses: this.terms.view.length,
      answered: this.#answered,
      committing,
    };
  }

  /** Resolves as soon as the outcome is certain. */
  async #collect(): Promise<void> {
    const { view, subject, claimId, epoch, renewal, termS } = this.terms;
    await new Promise<void>((resolve) => {
      for (const peer of view) {
        const question = ask(
          this.#parts.context,
          this.#parts.witness,
          peer,
          ['claim', subject.kind, subject.key, claimId, epoch, renewal, termS, [...view]],
          this.#signal,
        );
        this.#questions.set(peer, question);
        void question.then((response) => {
          this.#take(peer, response);
          const canStill = view.length - this.#cannot >= this.#needed;
          if (this.#grants.length >= this.#needed || !canStill) resolve();
        });
      }
    });
  }

  #take(peer: PeerId, response: LeaseResponse | null): void {
    const { context } = this.#parts;
    if (response !== null) this.#answered += 1;
    switch (response?.[0]) {
      case 'granted': {
        const signature = response[1];
        if (verifyGrant(context.crypto, context.networkId, this.terms, peer, signature)) {
          const entry = peer === context.self ? null : context.roster.get(peer);
          const membership = entry === null ? context.membership : entry.membership;
          this.#grants.push({ witness: peer, signature, membership });
          return;
        }
        context.misbehaved(peer, 'grant with a wrong signature');
        break;
      }
      case 'held':
        this.#noteHolder(peer, response[1], response[4][0]);
        break;
      case 'stale':
        this.#noteMissed(response[1]);
        break;
      case 'old-epoch':
        this.newerEpoch = Math.max(this.newerEpoch, response[1]);
        break;
      case 'refused':
        if (!NOT_HEARD.has(response[1])) this.#refused = response[1];
        break;
      default:
        break;
    }
    this.#cannot += 1;
  }

  #noteHolder(witness: PeerId, owner: PeerId, raw: Uint8Array | undefined): void {
    const decoded = raw === undefined ? null : decodeCertificate(raw);
    let certificate: LeaseCertificate | null = null;
    if (decoded?.ok === true && decoded.value.owner === owner) {
      const verified = verifyCertificate(decoded.value, this.#parts.context.judge);
      if (verified.ok) {
        certificate = verified.value;
        this.#certified.add(witness);
      }
    }
    // A certified holder is surer knowledge than a claim that is only under way.
    if (this.#held?.certificate == null) this.#held = { owner, certificate };
  }

  #noteMissed(members: readonly MemberHint[]): void {
    this.missed.push(...members);
    for (const member of new Set(members.map(([named]) => named))) {
      this.#named.set(member, (this.#named.get(member) ?? 0) + 1);
    }
  }

  async #commit(certificate: LeaseCertificate): Promise<boolean> {
    this.#committing = true;
    const raw = encodeCertificate(certificate);
    const { view } = this.terms;
    let done = 0;
    let failed = 0;
    return await new Promise<boolean>((resolve) => {
      for (const peer of view) {
        const { context, witness } = this.#parts;
        const question = ask(context, witness, peer, ['commit', raw], this.#signal);
        this.#questions.set(peer, question);
        void question.then((response) => {
          if (response?.[0] === 'done') done += 1;
          else failed += 1;
          if (response?.[0] === 'held') this.#noteHolder(peer, response[1], response[4][0]);
          if (response?.[0] === 'stale') this.#noteMissed(response[1]);
          if (done >= this.#needed) resolve(true);
          else if (view.length - failed < this.#needed) resolve(false);
        });
      }
    });
  }

  /** Resolves when the last question to a witness was answered, or never will be. */
  async answered(peer: PeerId): Promise<void> {
    await this.#questions.get(peer);
  }
}

/** Tells the witnesses of a claim that it is given up. Unreachable ones forget it by themselves. */
export async function releaseClaim(
  parts: ClaimParts,
  terms: Pick<ClaimTerms, 'subject' | 'claimId' | 'view'>,
): Promise<void> {
  await Promise.all([...informed(parts, terms)].map((peer) => releaseAt(parts, terms, peer)));
}

/** Those who may know of a claim: its witnesses, and who became one since and copied their state. */
function informed(parts: ClaimParts, terms: Pick<ClaimTerms, 'subject' | 'view'>): Set<PeerId> {
  return new Set([...terms.view, ...parts.views.witnesses(terms.subject)]);
}

async function releaseAt(
  parts: ClaimParts,
  terms: Pick<ClaimTerms, 'subject' | 'claimId'>,
  peer: PeerId,
): Promise<void> {
  const { kind, key } = terms.subject;
  await ask(parts.context, parts.witness, peer, ['release', kind, key, terms.claimId]);
}
