/**
 * Introductions: shows this node's certificates to every peer it connects to, judges theirs, and
 * keeps roster and cards by the result. Whoever shows a forged certificate is cut off.
 */
import { equalBytes } from '../../overlay/base/bytes.js';
import { hasCode, messageOf } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Signal } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import { address6Of } from '../../overlay/identity/addresses.js';
import { verifyMembership, type Membership } from '../../overlay/identity/membership.js';
import type { RevocationList } from '../../overlay/identity/revocation.js';
import type { Roster, RosterEntry } from '../../overlay/peers/roster.js';
import type { Clock, Crypto, Logger, Rpc, Swarm } from '../../overlay/ports.js';
import {
  decodeCertificate,
  verifyCertificate,
  type CertificateJudge,
  type LeaseCertificate,
} from '../../dhcp/certificate.js';
import type { MemberHint } from '../../dhcp/messages.js';
import type { SubjectKind } from '../../dhcp/subject.js';
import { isAdmissionOf } from './admission-record.js';
import type { Cards } from './cards.js';
import {
  HELLO_BYTES_MAX,
  HELLO_PROTOCOL,
  helloAnswerCodec,
  helloCodec,
  type Hello,
} from './hello.js';
import type { Result } from '../../overlay/base/result.js';
import type { NodeIdentity } from './identity.js';
import { REFUSED_MS, type TrustGate } from './trust.js';

const HELLO_TIMEOUT_MS = 4_000;
const DIAL_TIMEOUT_MS = 5_000;
/** Members called at the same time for one purpose; handshakes are the costliest thing a node does. */
const MEETINGS_AT_ONCE_MAX = 4;
/** The side that was dialled waits this long for the dialler's hello before it says its own. */
const INBOUND_PATIENCE_MS = 1_500;
/** Changes that come this soon after each other share one hello; the first is told at once. */
const GATHER_MS = 30;
/** A refused peer keeps its connection this long, to learn why. */
const REFUSAL_LINGER_MS = 200;
/** Answer of a node that is about to be gone. */
export const LEAVING = 'leaving';

export interface MetFacts {
  /** Its revocation list is newer than ours. */
  readonly newerRevocations: boolean;
  /** It is new or back, or has become a member or a witness: a claim may now end in another way. */
  readonly viewChanged: boolean;
  /** It was no member so far. */
  readonly newMember: boolean;
}

export interface IntroductionParts {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly rpc: Rpc;
  readonly swarm: Swarm;
  readonly logger: Logger;
  readonly roster: Roster;
  readonly cards: Cards;
  readonly gate: TrustGate;
  readonly judge: CertificateJudge;
  readonly revocations: () => RevocationList | null;
  /** What this node shows at present. */
  readonly card: () => Hello;
  /** A peer's card was read. */
  readonly met: (peer: PeerId, facts: MetFacts) => void;
  /** The peer does not accept this node; `proof` is the revocation list it named, not judged yet. */
  readonly refused: (peer: PeerId, code: string, proof: Uint8Array | null) => void;
  /** Other members that the peer told of. */
  readonly told: (members: readonly MemberHint[]) => void;
}

export class Introductions {
  readonly #parts: IntroductionParts;
  readonly #running = new Map<PeerId, Promise<boolean>>();
  /** Members being dialled because others told of them: several often tell of the same at once. */
  readonly #meeting = new Map<PeerId, Promise<void>>();
  /** Peers whose last hello of ours is out of date, and those that are just being told. */
  readonly #outdated = new Set<PeerId>();
  readonly #telling = new Map<PeerId, Promise<void>>();
  readonly #toldAtMs = new Map<PeerId, number>();
  /** What connected peers said last of whether they vote. */
  readonly #voting = new Map<PeerId, boolean>();
  /** Connected peers that were told of other members. */
  readonly #introduced = new Set<PeerId>();
  #leaving = false;

  constructor(parts: IntroductionParts) {
    this.#parts = parts;
  }

  serve(): void {
    this.#parts.rpc.serve(
      HELLO_PROTOCOL,
      { trust: 'unknown', requestBytesMax: HELLO_BYTES_MAX },
      (from, payload) => {
        const hello = helloCodec.decode(payload);
        const refusal = this.#leaving ? LEAVING : this.#read(from, hello);
        const isAsked = hello.ok && hello.value[7].length > 0;
        const answer = refusal === null ? this.#cardFor(from, isAsked) : this.#refusal(refusal);
        return Promise.resolve(helloAnswerCodec.encode(answer));
      },
    );
    this.#parts.swarm.watch({
      opened: (facts) => {
        this.#opened(facts.peer, facts.direction);
      },
      closed: (peer) => {
        const { roster, clock } = this.#parts;
        this.#voting.delete(peer);
        this.#introduced.delete(peer);
        this.#toldAtMs.delete(peer);
        roster.patch(peer, { connected: false, lastHeardMs: clock.now() });
      },
    });
  }

  /** From here on nobody is told that this node is a member: it leaves for good. */
  leave(): void {
    this.#leaving = true;
  }

  /** Exchanges cards with a connected peer. True: the peer proved to be a guest or member. */
  async greet(peer: PeerId, signal?: Signal): Promise<boolean> {
    const running = this.#running.get(peer);
    if (running !== undefined) return await running;
    const exchange = this.#exchange(peer, signal);
    this.#running.set(peer, exchange);
    try {
      return await exchange;
    } finally {
      this.#running.delete(peer);
    }
  }

  /** Shows every connected peer what has changed. Resolves when all have it or failed. */
  async announce(): Promise<void> {
    const peers = new Set(this.#parts.swarm.connections().map((facts) => facts.peer));
    await Promise.all([...peers].map((peer) => this.#tell(peer)));
  }

  /** One hello after another to each peer, so that none overtakes a newer one; several changes share one. */
  async #tell(peer: PeerId): Promise<void> {
    this.#outdated.add(peer);
    const telling = this.#telling.get(peer) ?? this.#tellAll(peer);
    this.#telling.set(peer, telling);
    await telling;
  }

  async #tellAll(peer: PeerId): Promise<void> {
    const { clock } = this.#parts;
    try {
      const waitMs =
        (this.#toldAtMs.get(peer) ?? Number.NEGATIVE_INFINITY) + GATHER_MS - clock.now();
      if (waitMs > 0) await sleep(clock, waitMs);
      while (this.#outdated.delete(peer)) {
        this.#toldAtMs.set(peer, clock.now());
        await this.#exchange(peer);
      }
    } finally {
      this.#telling.delete(peer);
    }
  }

  /** Connects to members told of and greets them, as far as they can be reached. */
  async meet(members: readonly MemberHint[], signal?: Signal): Promise<void> {
    const { identity, roster } = this.#parts;
    const open = [...members];
    const meetNext = async (): Promise<void> => {
      for (let next = open.shift(); next !== undefined; next = open.shift()) {
        const [peer, addresses] = next;
        if (peer === identity.self || roster.get(peer)?.connected === true) continue;
        const meeting = this.#meeting.get(peer) ?? this.#dialAndGreet(peer, addresses, signal);
        this.#meeting.set(peer, meeting);
        await meeting;
      }
    };
    await Promise.all(Array.from({ length: MEETINGS_AT_ONCE_MAX }, meetNext));
  }

  async #dialAndGreet(
    peer: PeerId,
    addresses: readonly string[],
    signal: Signal | undefined,
  ): Promise<void> {
    try {
      await this.#parts.swarm.learn(peer, addresses);
      await this.#parts.swarm.dial(peer, {
        timeoutMs: DIAL_TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
      });
      await this.greet(peer, signal);
    } catch (error) {
      this.#parts.logger.debug('member not reached', { peer, reason: messageOf(error) });
    } finally {
      this.#meeting.delete(peer);
    }
  }

  #opened(peer: PeerId, direction: 'inbound' | 'outbound'): void {
    const { roster, clock, gate } = this.#parts;
    roster.patch(peer, { connected: true, lastHeardMs: clock.now() });
    if (direction === 'outbound') {
      void this.greet(peer);
      return;
    }
    clock.after(INBOUND_PATIENCE_MS, () => {
      if (gate.trust(peer) === 'unknown') void this.greet(peer);
    });
  }

  async #exchange(peer: PeerId, signal?: Signal): Promise<boolean> {
    const { rpc, logger } = this.#parts;
    const card = this.#cardFor(peer, false);
    try {
      const response = await rpc.request(peer, HELLO_PROTOCOL, helloCodec.encode(card), {
        timeoutMs: HELLO_TIMEOUT_MS,
        trust: 'unknown',
        ...(signal === undefined ? {} : { signal }),
      });
      const answer = helloAnswerCodec.decode(response);
      if (answer.ok && answer.value[0] === 'refused') {
        this.#parts.refused(peer, answer.value[1], answer.value[2][0] ?? null);
        return false;
      }
      return this.#read(peer, helloCodec.decode(response)) === null;
    } catch (error) {
      logger.debug('no hello', {
        peer,
        reason: messageOf(error),
        refused: hasCode(error, 'refused'),
      });
      return false;
    }
  }

  /** Other members are named once on a connection, and when the peer names its own: most hellos tell of something else. */
  #cardFor(peer: PeerId, isAsked: boolean): Hello {
    const card = this.#parts.card();
    if (isAsked || !this.#introduced.has(peer)) {
      this.#introduced.add(peer);
      return card;
    }
    const brief: Hello = [...card];
    brief[7] = [];
    return brief;
  }

  #refusal(code: string): ['refused', string, Uint8Array[]] {
    const list = code === 'revoked' ? this.#parts.revocations() : null;
    return ['refused', code, list === null ? [] : [list.bytes]];
  }

  /** Judges a card and keeps it. @returns why it was refused, or null */
  #read(peer: PeerId, hello: Result<Hello>): string | null {
    const { identity, crypto, gate, roster, cards, clock } = this.#parts;
    if (!hello.ok) {
      gate.misbehaved(peer, `hello: ${hello.detail}`);
      return 'malformed';
    }
    const [, membershipBytes, admissions, leases, settled, offloads, addresses, neighbours] =
      hello.value;
    const revocations = this.#parts.revocations();
    const judged = verifyMembership(membershipBytes, peer, identity.genesis, revocations, crypto);
    if (!judged.ok) {
      roster.remove(peer);
      // The answer has to leave before the connection is cut.
      clock.after(REFUSAL_LINGER_MS, () => {
        gate.deny(peer, judged.detail, REFUSED_MS);
      });
      return judged.code;
    }
    const membership = judged.value;
    const shown = admissions[0];
    const isAdmitted = shown !== undefined && isAdmissionOf(shown, membership, this.#parts.judge);
    // Hellos may overtake each other, and who was admitted once stays so.
    const before = cards.get(peer);
    const sameBefore =
      before !== null && equalBytes(before.membershipBytes, membershipBytes) ? before : null;
    const admission = isAdmitted ? shown : (sameBefore?.admission ?? null);
    const isMember = membership.kind !== 'invite' || admission !== null;
    const known = roster.get(peer);
    const entry: RosterEntry = {
      peer,
      trust: isMember ? 'member' : 'guest',
      membership: membershipBytes,
      roles: membership.roles,
      connected: true,
      lastHeardMs: clock.now(),
      settled: isMember && (settled || known?.settled === true),
      recalled: false,
    };
    roster.put(entry);
    const certificates = leases.map((raw) => this.#lease(membership, raw));
    const find = (kind: SubjectKind): LeaseCertificate | null =>
      certificates.find((certificate) => certificate?.subject.kind === kind) ?? null;
    cards.put({
      peer,
      membership,
      membershipBytes,
      admission,
      address4: find('address'),
      name: find('name'),
      address6: address6Of(identity.networkId, peer, crypto),
      offloads,
      addresses,
      version: hello.value[9],
    });
    const newerRevocations = hello.value[8] > (revocations?.sequence ?? 0);
    const viewChanged = this.#voting.get(peer) !== settled || countsAnew(known, entry);
    this.#voting.set(peer, settled);
    const newMember = isMember && known?.trust !== 'member';
    this.#parts.met(peer, { newerRevocations, viewChanged, newMember });
    if (before?.addresses.join(' ') !== addresses.join(' ')) {
      this.#parts.swarm.learn(peer, addresses).catch((error: unknown) => {
        this.#parts.logger.debug('addresses not kept', { peer, reason: messageOf(error) });
      });
    }
    if (isMember) this.#parts.told(neighbours);
    return null;
  }

  #lease(membership: Membership, raw: Uint8Array): LeaseCertificate | null {
    const certificate = this.#verified(membership, raw);
    if (certificate === null) return null;
    const { kind, key } = certificate.subject;
    // A member whose invite fixes its address or name may show no other.
    const { grant } = membership;
    if (kind === 'address') {
      if (!this.#parts.identity.pool.contains(key)) return null;
      return grant?.address4 === undefined || grant.address4 === key ? certificate : null;
    }
    if (kind === 'name')
      return grant?.name === undefined || grant.name === key ? certificate : null;
    return null;
  }

  #verified(membership: Membership, raw: Uint8Array): LeaseCertificate | null {
    const { judge } = this.#parts;
    const decoded = decodeCertificate(raw);
    if (!decoded.ok || decoded.value.owner !== membership.peer) return null;
    // The roster may not know this peer yet, so its right to be its own witness is judged here.
    const verified = verifyCertificate(decoded.value, {
      crypto: judge.crypto,
      networkId: judge.networkId,
      trustsWitness: (witness, bytes, subject) => judge.trustsWitness(witness, bytes, subject),
      mayGrantItself: () => membership.kind === 'root',
    });
    if (verified.ok) return verified.value;
    this.#parts.logger.debug('certificate not accepted', {
      peer: membership.peer,
      code: verified.code,
      detail: verified.detail,
    });
    return null;
  }
}

/** Whether a peer counts in another way than it did. */
function countsAnew(before: RosterEntry | null, now: RosterEntry): boolean {
  if (before === null || before.recalled) return true;
  return before.trust !== now.trust || before.settled !== now.settled;
}
