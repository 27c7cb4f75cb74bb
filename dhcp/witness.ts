/**
 * The witness: answers claims, commits, releases, lookups and requests for its state. Every
 * decision is one synchronous step on the ledger; what it promises is on disk before it answers.
 */
import { messageOf } from '../overlay/base/errors.js';
import type { PeerId } from '../overlay/base/peer-id.js';
import {
  decodeCertificate,
  encodeCertificate,
  signGrant,
  verifyCertificate,
  type ClaimTerms,
  type LeaseCertificate,
} from './certificate.js';
import type { LeaseContext } from './context.js';
import { Door } from './door.js';
import { firstPortion, remainingOf } from './handover.js';
import type { Journal } from './journal.js';
import { knownLeases, knownMembers } from './known.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import {
  LEASE_PROTOCOL,
  LEASE_REQUEST_BYTES_MAX,
  leaseRequestCodec,
  leaseResponseCodec,
  MEMBERS_TOLD_MAX,
  type LeaseRequest,
  type LeaseResponse,
  type MemberHint,
  type PendingGrant,
} from './messages.js';
import { slackOf, toleranceOf, WITNESSES } from './quorum.js';
import { subjectHashKey, subjectText, type Subject } from './subject.js';
import type { Views } from './views.js';

/**
 * So many members nearest to a subject are told of it: its witnesses, and those that become it when a few of them leave, as
 * they would not know of it before they ask again.
 */
const HANDED_OVER = WITNESSES + 2 * slackOf(WITNESSES);

/** Thrown at the transport, which answers `refused`; the text stays here. */
class RefusedRequest extends Error {}

export class Witness {
  readonly #context: LeaseContext;
  readonly #ledger: Ledger;
  readonly #journal: Journal;
  readonly #views: Views;
  readonly #door = new Door();
  readonly #watchers = new Set<(certificate: LeaseCertificate) => void>();
  #hasHistory = false;
  #resigned = false;

  constructor(context: LeaseContext, ledger: Ledger, journal: Journal, views: Views) {
    this.#context = context;
    this.#ledger = ledger;
    this.#journal = journal;
    this.#views = views;
  }

  /** Serves `lease/1`. */
  serve(): void {
    this.#context.rpc.serve(
      LEASE_PROTOCOL,
      // A guest may claim the use of its invite; everything else is refused below.
      { trust: 'guest', requestBytesMax: LEASE_REQUEST_BYTES_MAX },
      async (from, payload) => {
        const request = leaseRequestCodec.decode(payload);
        if (!request.ok) {
          this.#context.misbehaved(from, `lease request: ${request.detail}`);
          throw new RefusedRequest(request.detail);
        }
        return leaseResponseCodec.encode(await this.answer(from, request.value));
      },
    );
  }

  /** Set at start when this node settled in an earlier run: its journal counts as testimony. */
  set hasHistory(has: boolean) {
    this.#hasHistory = has;
  }

  /** Called with every certificate newly committed here. */
  watch(watcher: (certificate: LeaseCertificate) => void): void {
    this.#watchers.add(watcher);
  }

  /** Answers a request of `from`, which may be this node itself. */
  async answer(from: PeerId, request: LeaseRequest): Promise<LeaseResponse> {
    if (!this.#isMember(from) && !isForGuests(request)) return ['refused', 'members-only'];
    switch (request[0]) {
      case 'claim': {
        const [, kind, key, claimId, epoch, renewal, termS, view] = request;
        const subject: Subject = { kind, key };
        return await this.#claim(from, {
          subject,
          owner: from,
          claimId,
          epoch,
          renewal,
          termS,
          view,
        });
      }
      case 'commit':
        return await this.#commit(from, request[1]);
      case 'release':
        return await this.#release(from, { kind: request[1], key: request[2] }, request[3]);
      case 'sync': {
        const [, cursor, standing, leases, members] = request;
        const laterMs = standing === 'waiting' ? this.#admitLater(from) : 0;
        if (laterMs > 0) return ['later', laterMs];
        return this.#handOver(from, cursor, standing !== 'voter', { leases, members });
      }
      case 'lookup':
        return this.#lookup({ kind: request[1], key: request[2] });
      case 'resign':
        return await this.#takeOver(from, request[1], request[2]);
    }
  }

  /**
   * Stops voting and leaves what is committed here to the other witnesses, as on a clean exit.
   * @param leaves the node gives up its membership, and the others may forget it
   */
  async resign(timeoutMs: number, leaves: boolean): Promise<void> {
    const { clock, rpc, logger } = this.#context;
    // Others count this node from when it registered with them, long before it votes itself.
    if (this.#resigned) return;
    this.#resigned = true;
    this.#views.selfSettled = false;
    const nowMs = clock.now();
    await Promise.all(
      this.#views.others().map(async (peer) => {
        if (this.#context.roster.get(peer)?.connected !== true) return;
        let rest = this.#dutiesOf(peer, nowMs).filter((entry) => entry.certificate !== null);
        do {
          const portion = firstPortion(rest, nowMs);
          rest = rest.slice(portion.taken);
          const request = leaseRequestCodec.encode(['resign', leaves, portion.certificates]);
          try {
            await rpc.request(peer, LEASE_PROTOCOL, request, { timeoutMs });
          } catch (error) {
            logger.debug('resignation not heard', { peer, reason: messageOf(error) });
            return;
          }
        } while (rest.length > 0);
      }),
    );
  }

  /** Checks and stores a certificate that another witness handed over. */
  async import(raw: Uint8Array, remainingMs: number): Promise<boolean> {
    const { clock } = this.#context;
    const decoded = decodeCertificate(raw);
    // Witnesses hand over again and again, and most of it is known: that costs no signatures.
    if (!decoded.ok || this.#ledger.knows(decoded.value, clock.now())) return false;
    const certificate = this.#verified(raw);
    if (certificate === null) return false;
    const life = remainingMs < 0 ? Number.POSITIVE_INFINITY : remainingMs;
    const decision = this.#ledger.commit(certificate, clock.now(), life);
    if (decision.kind !== 'committed' || !decision.changed) return false;
    await this.#journal.save(this.#ledger, certificate.subject);
    this.#committed(certificate);
    return true;
  }

  async #claim(from: PeerId, terms: ClaimTerms): Promise<LeaseResponse> {
    const { clock, self, crypto, secretKey, networkId } = this.#context;
    const forbidden = await this.#context.forbids(from, terms.subject);
    if (forbidden !== null) return ['refused', forbidden];
    if (!this.#views.selfSettled) return ['abstain'];
    const { missing, isStale } = this.#compareView(terms);
    if (!terms.view.includes(self) || isStale) return this.#stale(missing);
    if (!this.#views.knowsPast(this.#views.witnesses(terms.subject, terms.view))) {
      return ['abstain'];
    }
    const wallS = Math.floor(clock.wallNow() / 1000);
    const decision = this.#ledger.claim(terms, clock.now(), wallS);
    switch (decision.kind) {
      case 'grant':
        await this.#journal.save(this.#ledger, terms.subject);
        return ['granted', signGrant(crypto, secretKey, networkId, terms)];
      case 'held':
        return held(decision.entry, clock.now());
      case 'old-epoch':
        return ['old-epoch', decision.epoch];
      case 'future-epoch':
      case 'full':
      case 'greedy':
        return ['refused', decision.kind];
    }
  }

  async #commit(from: PeerId, raw: Uint8Array): Promise<LeaseResponse> {
    const certificate = this.#verified(raw);
    // Certificates are public: from anybody else it is a replay, of a lease that may be over.
    if (certificate !== null && certificate.owner !== from) return ['refused', 'not-the-owner'];
    if (certificate === null) {
      this.#context.misbehaved(from, 'certificate without a valid quorum');
      return ['refused', 'bad-certificate'];
    }
    const nowMs = this.#context.clock.now();
    const known = this.#ledger.at(certificate.subject, nowMs);
    const isOthers = known?.phase === 'committed' && known.owner !== certificate.owner;
    // Who registered after the grant has not copied what is committed now, and would not know of it.
    const { missing, isStale } = this.#compareView(certificate);
    if (!isOthers && isStale) return this.#stale(missing);
    const decision = this.#ledger.commit(certificate, nowMs);
    if (decision.kind === 'held') return held(decision.entry, nowMs);
    if (decision.kind === 'full') return ['refused', 'full'];
    await this.#journal.save(this.#ledger, certificate.subject);
    this.#committed(certificate);
    return ['done'];
  }

  async #release(from: PeerId, subject: Subject, claimId: Uint8Array): Promise<LeaseResponse> {
    if (this.#ledger.release(subject, from, claimId, this.#context.clock.now())) {
      await this.#journal.save(this.#ledger, subject);
    }
    return ['done'];
  }

  /** What the claimant counts on has to be nearly what this witness would count on. */
  #compareView({ subject, view }: Pick<ClaimTerms, 'subject' | 'view'>): {
    readonly missing: readonly PeerId[];
    readonly isStale: boolean;
  } {
    const mine = this.#views.witnesses(subject, view);
    const missing = mine.filter((peer) => !view.includes(peer));
    return { missing, isStale: missing.length > toleranceOf(view.length) };
  }

  #stale(missing: readonly PeerId[]): LeaseResponse {
    return ['stale', missing.map((peer) => this.#context.hintOf(peer))];
  }

  /** Milliseconds after which a newcomer may register; 0: it may now, or has already. */
  #admitLater(from: PeerId): number {
    const { roster, clock } = this.#context;
    if (roster.get(from)?.settled === true) return 0;
    const nowMs = clock.now();
    const isBusy = [...this.#ledger.live(nowMs)].some((entry) => entry.phase === 'granted');
    return this.#door.admit(nowMs, isBusy);
  }

  /** Registers `from` as a witness and gives it, in one step, what it will have to watch over. */
  #handOver(
    from: PeerId,
    cursor: string,
    isFresh: boolean,
    known: { readonly leases: Uint8Array; readonly members: string },
  ): LeaseResponse {
    const { clock, roster } = this.#context;
    const standing = this.#views.selfSettled
      ? 'settled'
      : this.#hasHistory
        ? 'recovering'
        : 'fresh';
    roster.patch(from, { settled: true });
    // It votes later than this node, and after it knows at least as much.
    if (isFresh && this.#views.selfSettled) this.#views.noteHeard(from);
    const nowMs = clock.now();
    const isKnown = knownLeases(known.leases);
    const wanted = this.#dutiesOf(from, nowMs)
      .filter((entry) => subjectText(entry.subject) > cursor)
      .filter((entry) => entry.phase !== 'committed' || !isKnown(entry))
      .sort((a, b) => (subjectText(a.subject) < subjectText(b.subject) ? -1 : 1));
    const portion = firstPortion(wanted, nowMs);
    const page = wanted.slice(0, portion.taken);
    const last = page.at(-1);
    return [
      'state',
      standing,
      cursor === '' ? this.#membersFor(from, known.members) : [],
      portion.certificates,
      page
        .filter((entry) => entry.phase === 'granted' && entry.hearsay !== true)
        .map((entry): PendingGrant => {
          const { subject, owner, claimId, epoch } = entry;
          return [subject.kind, subject.key, owner, claimId, epoch];
        }),
      wanted.length > page.length && last !== undefined ? subjectText(last.subject) : null,
    ];
  }

  /** What is live here that a member has to know as a witness, now or when a few others are gone. */
  #dutiesOf(member: PeerId, nowMs: number): LedgerEntry[] {
    const { networkId, distance, self } = this.#context;
    const voters = [...this.#views.others(), member, self];
    return [...this.#ledger.live(nowMs)].filter((entry) => {
      const key = subjectHashKey(networkId, entry.subject);
      return distance.nearest(key, voters, HANDED_OVER).includes(member);
    });
  }

  /** Voters that watch over subjects together with a member; without addresses where it knows them. */
  #membersFor(member: PeerId, marks: string): MemberHint[] {
    const isKnown = knownMembers(marks);
    return this.#views
      .neighboursOf(member)
      .filter((peer) => peer !== this.#context.self)
      .slice(0, MEMBERS_TOLD_MAX)
      .map((peer) => (isKnown(peer) ? [peer, []] : this.#context.hintOf(peer)));
  }

  #lookup(subject: Subject): LeaseResponse {
    const entry = this.#ledger.at(subject, this.#context.clock.now());
    if (entry?.phase !== 'committed' || entry.certificate === null) return ['record', []];
    return ['record', [encodeCertificate(entry.certificate)]];
  }

  async #takeOver(
    from: PeerId,
    leaves: boolean,
    entries: readonly (readonly [Uint8Array, number])[],
  ): Promise<LeaseResponse> {
    this.#context.roster.patch(from, { settled: false });
    for (const [raw, remainingMs] of entries) await this.import(raw, remainingMs);
    if (leaves) this.#context.departed(from);
    return ['done'];
  }

  #verified(raw: Uint8Array): LeaseCertificate | null {
    const decoded = decodeCertificate(raw);
    if (!decoded.ok) return null;
    const verified = verifyCertificate(decoded.value, this.#context.judge);
    return verified.ok ? verified.value : null;
  }

  #committed(certificate: LeaseCertificate): void {
    for (const watcher of this.#watchers) watcher(certificate);
  }

  #isMember(peer: PeerId): boolean {
    if (peer === this.#context.self) return true;
    return this.#context.roster.get(peer)?.trust === 'member';
  }
}

/** What one who is not admitted yet may ask: for its admission. */
function isForGuests(request: LeaseRequest): boolean {
  switch (request[0]) {
    case 'claim':
    case 'release':
      return request[1] === 'invite';
    case 'commit': {
      const certificate = decodeCertificate(request[1]);
      return certificate.ok && certificate.value.subject.kind === 'invite';
    }
    default:
      return false;
  }
}

function held(entry: LedgerEntry, nowMs: number): LeaseResponse {
  const certificates = entry.certificate === null ? [] : [encodeCertificate(entry.certificate)];
  return ['held', entry.owner, entry.epoch, remainingOf(entry, nowMs), certificates];
}
