/**
 * What the two ends of a link know of each other's sockets, and which paths they make of it. Either side
 * tells the other when its sockets change; the controller, which is the one with the lower peer id, chooses
 * the paths and sets them when the other has said yes. One thing is asked after another, so that what is
 * chosen is never told before what it is chosen from.
 */
import type { Endpoint } from '../../../overlay/link/data-plane.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { Reply } from './asking.js';
import {
  candidatesMessage,
  readCandidates,
  type Candidate,
  type CandidatesMessage,
  type OwnCandidate,
} from './candidates.js';
import type { LinkAnswer, LinkRequest, PathsMessage } from './link-messages.js';
import type { LinkParts } from './link-parts.js';
import { LinkPaths, type PathEnds } from './link-paths.js';
import { pairOptions } from './pair-options.js';
import { Pairing, type Pair } from './pairing.js';

/** After a message that was not accepted; doubles each time. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

const NO_PATHS = '[]';

/** What this side says of itself: sequence and candidates. */
export interface Description {
  readonly own: readonly OwnCandidate[];
  readonly message: readonly [number, CandidatesMessage];
}

export interface AgreementHooks {
  readonly ask: (request: LinkRequest) => Promise<Reply>;
  /** Counts sessions; 0 while there is none. */
  readonly session: () => number;
  /** The peer knows of no session. */
  readonly lost: () => void;
  /** Paths that others were set for are gone now. */
  readonly left: () => void;
  /** The session has no ids for paths left. @returns when to look again */
  readonly exhausted: () => number;
}

export class PathAgreement {
  readonly paths: LinkPaths;
  readonly #parts: LinkParts;
  readonly #peer: PeerId;
  readonly #hooks: AgreementHooks;
  readonly #isController: boolean;
  readonly #pairing: Pairing;
  #remote: readonly Candidate[] = [];
  #candidatesSequence = 0;
  #pathsSequence = 0;
  /** Of this side's messages. */
  #sequence = 0;
  /** What the peer knows of this side, and the paths that both have set. */
  #toldOwn: readonly OwnCandidate[] | null = null;
  #toldPaths = NO_PATHS;
  #isRunning = false;
  #failures = 0;
  #retryMs = 0;
  #planDueMs = Infinity;

  constructor(parts: LinkParts, link: number, peer: PeerId, hooks: AgreementHooks) {
    this.#parts = parts;
    this.#peer = peer;
    this.#hooks = hooks;
    this.#isController = parts.self < peer;
    this.#pairing = new Pairing(parts.isOverlayAddress);
    this.paths = new LinkPaths({ ...parts, link, left: hooks.left });
  }

  /** When {@link run} has something to do though nothing happened. */
  get dueMs(): number {
    if (this.#isRunning || this.#hooks.session() === 0) return Infinity;
    return this.#failures > 0 ? this.#retryMs : this.#planDueMs;
  }

  /** Whether any path could be made of what is known. */
  get isPossible(): boolean {
    return pairOptions(this.#parts.own(), this.#remote, this.#parts.isOverlayAddress).length > 0;
  }

  /** Sequence and candidates, for an offer or an answer. */
  describe(): Description {
    const own = this.#parts.own();
    this.#sequence += 1;
    return { own, message: [this.#sequence, candidatesMessage(own)] };
  }

  /** The peer has taken it. */
  describedTo({ own }: Description): void {
    this.#toldOwn = own;
  }

  /** A session begins: all paths are gone, before its keys are used. */
  begin(): void {
    this.paths.clear();
    this.#pairing.renew(this.#parts.clock.now());
    this.#pathsSequence = 0;
    this.#candidatesSequence = 0;
    this.#toldOwn = null;
    this.#toldPaths = NO_PATHS;
    this.#failures = 0;
    this.#planDueMs = Infinity;
  }

  /** There is no session any more. */
  end(): void {
    this.paths.clear();
    this.#planDueMs = Infinity;
  }

  /** What an offer or an answer says of the peer. */
  described(sequence: number, candidates: CandidatesMessage): void {
    if (this.takeCandidates(sequence, candidates)[0] !== 'ok') return;
    // Paths of this session have not been before.
    this.#pathsSequence = Math.max(this.#pathsSequence, sequence);
  }

  /** The paths that go with an answer, of the controller; null of the other side. */
  firstPaths(): PathsMessage | null {
    if (!this.#isController) return null;
    const { pairs } = this.#plan();
    this.#setOwn(pairs);
    return pathsMessage(pairs);
  }

  takeCandidates(sequence: number, candidates: CandidatesMessage): LinkAnswer {
    // The same one may come again by another way, when the answer to it was lost.
    if (sequence < this.#candidatesSequence) return ['refused', 'stale'];
    this.#candidatesSequence = sequence;
    this.#remote = readCandidates(candidates);
    this.paths.keep(this.#parts.own(), this.#remote);
    return ['ok'];
  }

  /** @param sequence null: they came with an answer */
  takePaths(sequence: number | null, paths: PathsMessage): LinkAnswer {
    const { gate, own } = this.#parts;
    if (this.#isController) {
      gate.misbehaved(this.#peer, 'it chooses paths, which is for the other side');
      return ['refused', 'stale'];
    }
    if (sequence !== null && sequence < this.#pathsSequence) return ['refused', 'stale'];
    this.#pathsSequence = sequence ?? this.#pathsSequence;
    const ends = paths.map(([id, remote, mine]): PathEnds => ({ id, own: mine, remote }));
    if (!this.paths.set(ends, own(), this.#remote)) {
      gate.misbehaved(this.#peer, 'it uses the id of a path again');
    }
    return ['ok'];
  }

  /** Own sockets are others: paths without one are gone at once. The peer is told by {@link run}. */
  socketsChanged(): void {
    this.paths.keep(this.#parts.own(), this.#remote);
  }

  pathChanged(id: number, state: LivenessState): void {
    this.paths.changed(id, state);
    this.#pairing.changed(id, state, this.#parts.clock.now());
  }

  rebound(id: number, remote: Endpoint): void {
    this.paths.moved(id, remote);
    this.#pairing.moved(id, remote);
  }

  /** Tells the peer what it does not know yet, until there is nothing. Never throws. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#hooks.session() !== 0 && this.#isTime() && (await this.#step()));
    } finally {
      this.#isRunning = false;
    }
  }

  #isTime(): boolean {
    return this.#failures === 0 || this.#parts.clock.now() >= this.#retryMs;
  }

  /** @returns whether there may be more to do */
  async #step(): Promise<boolean> {
    const own = this.#parts.own();
    if (own !== this.#toldOwn) {
      const message = candidatesMessage(own);
      return await this.#tell(['candidates', ++this.#sequence, message], () => {
        this.#toldOwn = own;
      });
    }
    if (!this.#isController) return false;
    const { pairs, exhausted, dueMs } = this.#plan();
    this.#planDueMs = exhausted ? Math.min(dueMs, this.#hooks.exhausted()) : dueMs;
    const message = pathsMessage(pairs);
    if (JSON.stringify(message) === this.#toldPaths) return false;
    return await this.#tell(['paths', ++this.#sequence, message], () => {
      this.#setOwn(pairs);
    });
  }

  async #tell(request: LinkRequest, accepted: () => void): Promise<boolean> {
    const session = this.#hooks.session();
    const reply = await this.#hooks.ask(request);
    if (session !== this.#hooks.session()) return true;
    if (reply[0] === 'ok') {
      this.#failures = 0;
      accepted();
      return true;
    }
    const retryMs = Math.min(RETRY_MS_MIN * 2 ** this.#failures, RETRY_MS_MAX);
    this.#failures += 1;
    this.#retryMs = this.#parts.clock.now() + retryMs;
    if (reply[0] === 'refused' && reply[1] === 'no-session') this.#hooks.lost();
    return false;
  }

  #plan(): ReturnType<Pairing['plan']> {
    return this.#pairing.plan(this.#parts.own(), this.#remote, this.#parts.clock.now());
  }

  /** The other side has these paths, or gets them with what is being answered. */
  #setOwn(pairs: readonly Pair[]): void {
    const ends = pairs.map(({ id, own, remote }) => ({ id, own: own.id, remote: remote.id }));
    this.#toldPaths = JSON.stringify(pathsMessage(pairs));
    this.#pairing.started(this.#parts.clock.now());
    this.paths.set(ends, this.#parts.own(), this.#remote);
  }
}

function pathsMessage(pairs: readonly Pair[]): PathsMessage {
  return pairs.map(({ id, own, remote }) => [id, own.id, remote.id]);
}
