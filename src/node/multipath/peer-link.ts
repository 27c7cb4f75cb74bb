/**
 * One link of datagrams to a peer, as the node keeps it: makes the session, keeps its keys and paths, and
 * makes it anew when it has broken down and is still wanted. The packets themselves never come here.
 */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Canceller } from '../../../overlay/base/signal.js';
import type { Endpoint, LinkFacts, LinkScheduling } from '../../../overlay/link/data-plane.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import type { Role } from '../../../overlay/link/session/key-epochs.js';
import type { SessionKeys } from '../../../overlay/link/session/key-exchange.js';
import { Asking } from './asking.js';
import { ControlChannel } from './control-channel.js';
import { Exchanges, type FinishedExchange } from './exchanges.js';
import {
  LINK_PROTOCOL,
  linkAnswerCodec,
  linkRequestCodec,
  type LinkAnswer,
  type LinkRequest,
  type OfferAnswer,
  type OfferRequest,
} from './link-messages.js';
import type { LinkParts } from './link-parts.js';
import { PathAgreement } from './path-agreement.js';
import { SessionChain } from './session-chain.js';

/** All paths have been dead for this long: the peer may have forgotten the session. */
const LOST_MS = 1_000;
/** No path has worked for this long since the session began. */
const FIRST_PATH_MS = 5_000;
/** A link is made anew only for traffic of late. */
const WANTED_MS = 60_000;
/** New sessions that a peer may ask for: more often is `busy`. Each costs a key agreement. */
const FRESH_PAUSE_MS = 200;

type ToldRequest = Exclude<LinkRequest, OfferRequest>;

export class PeerLink {
  readonly id: number;
  readonly peer: PeerId;
  /** Addresses that the data plane was told. */
  toldAddresses: string | null = null;
  scheduling: LinkScheduling;
  readonly #parts: LinkParts;
  readonly #life = new Canceller();
  readonly #chain: SessionChain;
  readonly #control: ControlChannel;
  readonly #asking: Asking;
  readonly #exchanges: Exchanges;
  readonly #agreement: PathAgreement;
  /** Indexes whose keys the data plane has. */
  readonly #installed = new Set<number>();
  #isUsable = false;
  #wasUsable = false;
  #unusableMs = 0;
  #sessionMs = Number.NEGATIVE_INFINITY;
  #wantedMs = Number.NEGATIVE_INFINITY;
  #usedMs: number;
  #cancelTimer: () => void = () => undefined;

  /** @param scheduling what the data plane was told */
  constructor(parts: LinkParts, id: number, peer: PeerId, scheduling: LinkScheduling) {
    this.id = id;
    this.peer = peer;
    this.scheduling = scheduling;
    this.#parts = parts;
    this.#usedMs = parts.clock.now();
    const { signal } = this.#life;
    const { dataPlane, gate } = parts;
    this.#chain = new SessionChain({ ...parts, peer, link: id, ciphers: dataPlane.ciphers });
    this.#control = new ControlChannel({
      ...parts,
      send: (message) => {
        dataPlane.sendControl(id, message);
      },
      serve: (request) => this.serve(request, true),
      misbehaved: (what) => {
        gate.misbehaved(peer, what);
      },
    });
    this.#asking = new Asking(parts, peer, this.#control, signal);
    this.#agreement = new PathAgreement(parts, id, peer, {
      ask: (request) => this.#asking.ask(request, this.#isUsable),
      session: () => (this.#chain.last === 0 ? 0 : this.#chain.session),
      lost: () => {
        this.#down();
      },
      left: () => {
        this.#settle();
      },
      exhausted: () => this.#renew(),
    });
    this.#exchanges = new Exchanges(parts, peer, this.#chain, signal, {
      ask: (request, isFresh) => this.#asking.ask(request, !isFresh && this.#isUsable),
      describe: () => this.#agreement.describe(),
      finished: (finished) => {
        this.#finished(finished);
      },
      refused: () => {
        parts.refused(peer);
      },
    });
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Whether there is a session, whether or not a path of it works. */
  get isUp(): boolean {
    return this.#chain.last !== 0;
  }

  /** When packets last went by it, or should have. */
  get usedMs(): number {
    return Math.max(this.#usedMs, this.#wantedMs);
  }

  /** Packets for the peer went another way. Cheap when nothing is to be done. */
  wanted(): void {
    this.#wantedMs = this.#parts.clock.now();
    if (!this.#isUsable && this.#wantedMs >= this.#attemptMs()) this.#attempt();
  }

  /** A message of the peer; null if it is none. @param isInside it came sealed, in the session */
  serve(payload: Uint8Array, isInside: boolean): Uint8Array | null {
    const decoded = linkRequestCodec.decode(payload);
    if (!decoded.ok) {
      this.#parts.gate.misbehaved(this.peer, `${LINK_PROTOCOL}: ${decoded.detail}`);
      return null;
    }
    const request = decoded.value;
    const answer = request[0] === 'offer' ? this.#offered(request, isInside) : this.#told(request);
    this.#settle();
    return linkAnswerCodec.encode(answer);
  }

  control(message: Uint8Array): void {
    this.#control.received(message);
  }

  pathChanged(path: number, state: LivenessState): void {
    this.#agreement.pathChanged(path, state);
    this.#settle();
  }

  rebound(path: number, remote: Endpoint): void {
    this.#agreement.rebound(path, remote);
  }

  keysFreed(indexes: readonly number[]): void {
    for (const index of indexes) {
      this.#installed.delete(index);
      this.#parts.indexes.free(this.id, index);
    }
    if (this.isUp && this.#installed.size === 0) this.#down();
  }

  rekeyDue(): void {
    void this.#exchanges.rekey();
  }

  /** Paths without a socket go at once; what the peer must know it is told by {@link refresh}. */
  socketsChanged(): void {
    this.#agreement.socketsChanged();
    this.#noteUsable();
  }

  refresh(): void {
    this.#settle();
  }

  /** What the data plane knows better than events that came and went with paths of the same id. */
  look(facts: LinkFacts): void {
    this.#usedMs = Math.max(this.#usedMs, this.#parts.clock.now() - facts.idleMs);
    for (const { id, state } of facts.paths) {
      const known = this.#agreement.paths.stateOf(id);
      if (known !== null && known !== state) this.#agreement.pathChanged(id, state);
    }
    this.#settle();
  }

  close(): void {
    this.#life.abort('the link is closed');
    this.#cancelTimer();
    this.#control.reset();
    this.#chain.end();
    this.#agreement.end();
    this.#noteUsable();
    this.#parts.dataPlane.closeLink(this.id);
    this.#parts.indexes.freeAll(this.id);
  }

  #offered(request: OfferRequest, isInside: boolean): LinkAnswer {
    const [, offer, base, sequence, candidates] = request;
    const { self, gate, clock } = this.#parts;
    const before = this.#chain.answerBefore(offer);
    if (before !== null) return before;
    const isFresh = base === 0;
    // Its answer would leave under keys that it makes void.
    if (isFresh && isInside) return ['refused', 'unsupported'];
    if (this.#exchanges.isPending && self < this.peer) return ['refused', 'glare'];
    if (isFresh && clock.now() - this.#sessionMs < FRESH_PAUSE_MS) return ['refused', 'busy'];
    const answered = this.#chain.answer(offer, base);
    if (!answered.ok) {
      if (answered.code === 'no-session') return ['refused', 'no-session'];
      if (answered.code !== 'no-cipher') {
        gate.misbehaved(this.peer, `${LINK_PROTOCOL}: ${answered.detail}`);
      }
      return ['refused', 'unsupported'];
    }
    this.#install(answered.value.keys, 'responder', isFresh);
    this.#agreement.described(sequence, candidates);
    const paths = isFresh ? this.#agreement.firstPaths() : null;
    const described = this.#agreement.describe();
    const answer: OfferAnswer = ['answer', answered.value.answer, ...described.message, paths];
    this.#chain.keepAnswer(offer, answer);
    // Without this answer the other side has no session at all; a later one it may have missed.
    if (isFresh) this.#agreement.describedTo(described);
    return answer;
  }

  #told([kind, sequence, list]: ToldRequest): LinkAnswer {
    // The other side may have the new session already, and mean that.
    if (this.#exchanges.isBeginning) return ['refused', 'busy'];
    if (!this.isUp) return ['refused', 'no-session'];
    return kind === 'candidates'
      ? this.#agreement.takeCandidates(sequence, list)
      : this.#agreement.takePaths(sequence, list);
  }

  #finished({ keys, isFresh, described, answer }: FinishedExchange): void {
    const [, , sequence, candidates, paths] = answer;
    this.#install(keys, 'initiator', isFresh);
    this.#agreement.describedTo(described);
    this.#agreement.described(sequence, candidates);
    if (isFresh && paths !== null) this.#agreement.takePaths(null, paths);
    this.#settle();
  }

  #install(keys: SessionKeys, role: Role, isFresh: boolean): void {
    if (isFresh) {
      this.#agreement.begin();
      this.#control.reset();
      this.#sessionMs = this.#parts.clock.now();
      this.#noteUsable();
      this.#wasUsable = false;
    }
    this.#installed.add(keys.localIndex);
    this.#parts.dataPlane.installKeys(this.id, keys, role, isFresh);
  }

  /** The session is of no use any more. */
  #down(): void {
    this.#chain.end();
    this.#agreement.end();
    this.#control.reset();
    this.#settle();
  }

  /** @returns when it may be tried again */
  #renew(): number {
    const { nextMs, isPending } = this.#exchanges;
    if (!isPending && this.#parts.clock.now() >= nextMs) this.#attempt();
    return this.#exchanges.nextMs;
  }

  #attempt(): void {
    void this.#exchanges.attempt().then(() => {
      this.#settle();
    });
  }

  /** Looks at everything anew after something has changed. */
  #settle(): void {
    if (this.#life.signal.aborted) return;
    this.#noteUsable();
    void this.#agreement.run().then(() => {
      this.#schedule();
    });
    this.#schedule();
  }

  #noteUsable(): void {
    const isUsable = this.isUp && this.#agreement.paths.isUsable;
    if (isUsable === this.#isUsable) return;
    this.#isUsable = isUsable;
    if (isUsable) {
      this.#wasUsable = true;
      this.#exchanges.worked();
    } else {
      this.#unusableMs = this.#parts.clock.now();
    }
    this.#parts.changed();
  }

  /** When a new session is worth an attempt, if it is still wanted then. */
  #attemptMs(): number {
    if (this.#isUsable || this.#exchanges.isPending) return Infinity;
    const { nextMs } = this.#exchanges;
    if (!this.isUp) return nextMs;
    if (!this.#agreement.isPossible) return Infinity;
    const lostMs = this.#wasUsable ? this.#unusableMs + LOST_MS : this.#sessionMs + FIRST_PATH_MS;
    return Math.max(lostMs, nextMs);
  }

  #schedule(): void {
    this.#cancelTimer();
    if (this.#life.signal.aborted) return;
    const { clock } = this.#parts;
    const nowMs = clock.now();
    const attemptMs = this.#attemptMs();
    const isWanted = Math.max(attemptMs, nowMs) - this.#wantedMs < WANTED_MS;
    const dueMs = Math.min(this.#agreement.dueMs, isWanted ? attemptMs : Infinity);
    if (dueMs === Infinity) return;
    this.#cancelTimer = clock.after(Math.max(0, dueMs - nowMs), () => {
      const isDue = clock.now() >= this.#attemptMs();
      if (isDue && clock.now() - this.#wantedMs < WANTED_MS) this.#attempt();
      else this.#settle();
    });
  }
}
