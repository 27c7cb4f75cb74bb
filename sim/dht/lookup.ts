/**
 * One iterative search for the nodes nearest to a key, as a machine: it says whom to ask, and is told
 * who answered and what, or failed. It waits for nothing and draws nothing, so that virtual hosts and
 * the model of large networks search alike.
 *
 * A round follows kad-dht's query-path.ts: up to alpha requests at a time, nearest first; a peer heard
 * of is asked only if it is nearer to the key than the one that told of it, and if it can still be
 * among the k nearest that answered. The real host (`src/io/libp2p/lookup.ts`) then connects to
 * those among the wanted that were passed over, and searches again with what its table has become.
 * One thing differs: kad-dht shuffles its first contacts, here the nearest is asked first.
 */
import { assert } from '../../overlay/base/errors.js';
import { type ContactList, NONE, isNewer, nodeOf } from './contacts.js';
import { ID_WORDS, type KadId, type NodeIds } from './node-ids.js';

/**
 * Peers remembered by one search, the nearest. One that is pushed out would be asked only if three
 * quarters of these were dead, where k is 16.
 */
export const HEARD_MAX = 64;

/** To be asked in this round. */
const QUEUED = 1;
/** Asked in this round. */
const ASKED = 2;
/** Has answered in this round. */
const ANSWERED = 4;
/** Has answered in some round, or is the searching node itself. */
const PRESENT = 8;
/** Has failed to answer, or could not be met. */
const FAILED = 16;
const SELF = 32;
/** Some peer has told of it, or it comes from the own table. */
const TOLD = 64;

const THIS_ROUND = QUEUED | ASKED | ANSWERED;

export interface LookupOptions {
  /** Kademlia's k and alpha. */
  readonly bucketSize: number;
  readonly alpha: number;
  /** Nodes wanted: those among so many nearest that were not asked begin another round. */
  readonly wanted: number;
  /** 0: one round, and nobody is met. */
  readonly roundsMax: number;
  /** The search ends after this many answers and failures. */
  readonly answersMax: number;
}

/**
 * `asking`: ask who `next` says, and wait for answers; `meeting`: connect to those of `passedOver`,
 * tell about each by `met`, then begin another round; `done`: take the result.
 */
export type LookupState = 'asking' | 'meeting' | 'done';

export class Lookup {
  readonly key: KadId = new Uint32Array(ID_WORDS);
  readonly #contacts = new Int32Array(HEARD_MAX);
  readonly #distances = new Float64Array(HEARD_MAX);
  readonly #flags = new Uint8Array(HEARD_MAX);
  #length = 0;
  #ids: NodeIds;
  #options: LookupOptions;
  #state: LookupState = 'done';
  #inFlight = 0;
  #meetings = 0;
  #rounds = 0;
  #answers = 0;
  /** The k-th nearest that answered in this round; NONE before there are so many. */
  #boundNode = NONE;
  #boundDistance = Infinity;

  constructor(ids: NodeIds, options: LookupOptions) {
    this.#ids = ids;
    this.#options = options;
  }

  get state(): LookupState {
    return this.#state;
  }

  /**
   * Starts over, for another key; `beginRound` comes next.
   * @param self contact of the searching node, which belongs to the result
   */
  begin(self: number, key: KadId, options: LookupOptions): void {
    this.key.set(key);
    this.#options = options;
    this.#length = 0;
    this.#inFlight = 0;
    this.#meetings = 0;
    this.#rounds = 0;
    this.#answers = 0;
    this.#state = 'meeting';
    const at = this.#hear(self);
    this.#flags[at] = PRESENT | SELF;
  }

  /** A peer that may be among the nearest, though nobody told of it: one with a connection, say. */
  hear(contact: number): void {
    this.#hear(contact);
  }

  /** @param start the nearest of the node's own table, all of which may be asked */
  beginRound(start: ContactList): void {
    assert(this.#state === 'meeting' && this.#meetings === 0, 'rounds follow one another');
    if (this.#rounds > 0 && this.#rounds >= this.#options.roundsMax) {
      this.#state = 'done';
      return;
    }
    this.#rounds++;
    this.#boundNode = NONE;
    this.#boundDistance = Infinity;
    for (let at = 0; at < this.#length; at++) {
      this.#flags[at] = (this.#flags[at] ?? 0) & ~THIS_ROUND;
    }
    for (let index = 0; index < start.length; index++) {
      const at = this.#hear(start.at(index));
      if (at === NONE) continue;
      this.#flags[at] = (this.#flags[at] ?? 0) | TOLD;
      this.#queue(at);
    }
    this.#state = 'asking';
    this.#endRoundIfIdle();
  }

  /** The next contact to ask, or NONE if nobody is to be asked now. */
  next(): number {
    if (this.#state !== 'asking' || this.#inFlight >= this.#options.alpha) return NONE;
    const at = this.#nextQueued();
    if (at === NONE) return NONE;
    this.#flags[at] = (this.#flags[at] ?? 0) | ASKED;
    this.#inFlight++;
    return this.#contacts[at] ?? NONE;
  }

  /**
   * @param closer whom the peer told of
   * @param fresh filled with those of them that this search had not heard of: whoever is told of
   *   again by the next peer needs no second try at the routing table
   */
  answered(contact: number, closer: ContactList, fresh?: ContactList): void {
    fresh?.clear();
    if (this.#state !== 'asking') return;
    this.#inFlight--;
    const from = nodeOf(contact);
    const fromDistance = this.#ids.distance(from, this.key);
    const at = this.#find(from, fromDistance);
    // One pushed out by nearer ones since it was asked counts no more.
    if (at !== NONE) {
      this.#flags[at] = (this.#flags[at] ?? 0) | ANSWERED | PRESENT;
      this.#moveBound();
    }
    for (let index = 0; index < closer.length; index++) {
      const heard = this.#hear(closer.at(index));
      if (heard === NONE) continue;
      const flags = this.#flags[heard] ?? 0;
      if ((flags & TOLD) === 0) {
        this.#flags[heard] = flags | TOLD;
        fresh?.push(closer.at(index));
      }
      if ((flags & QUEUED) !== 0) continue;
      if (this.#isNearer(heard, from, fromDistance) && this.#mayEnter(heard)) this.#queue(heard);
    }
    this.#countAnswer();
  }

  failed(contact: number): void {
    if (this.#state !== 'asking') return;
    this.#inFlight--;
    this.#giveUp(contact);
    this.#countAnswer();
  }

  /** Those among the wanted that nobody has asked: `met` has to be called for each of them. */
  passedOver(out: ContactList): void {
    out.clear();
    let wanted = this.#options.wanted;
    for (let at = 0; at < this.#length && wanted > 0; at++) {
      const flags = this.#flags[at] ?? 0;
      if ((flags & PRESENT) === 0 && (flags & FAILED) !== 0) continue;
      wanted--;
      if ((flags & PRESENT) === 0) out.push(this.#contacts[at] ?? NONE);
    }
  }

  /** Whether a peer passed over could be connected to. After the last of them a round may begin. */
  met(contact: number, isMet: boolean): void {
    if (this.#state !== 'meeting') return;
    if (!isMet) this.#giveUp(contact);
    this.#meetings--;
  }

  /** Peers passed over that `met` has not been called for. */
  get meetings(): number {
    return this.#meetings;
  }

  /** Ends the search early: what has been found is the result. */
  stop(): void {
    this.#state = 'done';
  }

  /**
   * The nearest of those that answered, nearest first.
   * @param out filled with at most as many as it has room for
   */
  nearest(withSelf: boolean, out: ContactList): void {
    out.clear();
    for (let at = 0; at < this.#length && out.length < out.contacts.length; at++) {
      const flags = this.#flags[at] ?? 0;
      if ((flags & PRESENT) === 0 || (!withSelf && (flags & SELF) !== 0)) continue;
      out.push(this.#contacts[at] ?? NONE);
    }
  }

  #countAnswer(): void {
    this.#answers++;
    if (this.#answers >= this.#options.answersMax) this.#state = 'done';
    else this.#endRoundIfIdle();
  }

  #endRoundIfIdle(): void {
    if (this.#inFlight > 0 || this.#nextQueued() !== NONE) return;
    const passed = this.#options.roundsMax === 0 ? 0 : this.#countPassedOver();
    this.#meetings = passed;
    this.#state = passed === 0 ? 'done' : 'meeting';
  }

  #countPassedOver(): number {
    let [wanted, passed] = [this.#options.wanted, 0];
    for (let at = 0; at < this.#length && wanted > 0; at++) {
      const flags = this.#flags[at] ?? 0;
      if ((flags & PRESENT) === 0 && (flags & FAILED) !== 0) continue;
      wanted--;
      if ((flags & PRESENT) === 0) passed++;
    }
    return passed;
  }

  #giveUp(contact: number): void {
    const node = nodeOf(contact);
    const at = this.#find(node, this.#ids.distance(node, this.key));
    if (at !== NONE) this.#flags[at] = (this.#flags[at] ?? 0) | FAILED;
  }

  #queue(at: number): void {
    const flags = this.#flags[at] ?? 0;
    if ((flags & SELF) === 0) this.#flags[at] = flags | QUEUED;
  }

  /** Index of the nearest that is to be asked and can still be among the k nearest, or NONE. */
  #nextQueued(): number {
    for (let at = 0; at < this.#length; at++) {
      if (((this.#flags[at] ?? 0) & (QUEUED | ASKED)) !== QUEUED) continue;
      return this.#mayEnter(at) ? at : NONE;
    }
    return NONE;
  }

  #mayEnter(at: number): boolean {
    return this.#boundNode === NONE || this.#isNearer(at, this.#boundNode, this.#boundDistance);
  }

  #moveBound(): void {
    let left = this.#options.bucketSize;
    for (let at = 0; at < this.#length; at++) {
      if (((this.#flags[at] ?? 0) & ANSWERED) === 0 || --left > 0) continue;
      this.#boundNode = nodeOf(this.#contacts[at] ?? 0);
      this.#boundDistance = this.#distances[at] ?? 0;
      return;
    }
  }

  /** Whether the peer at an index is nearer to the key than a node. */
  #isNearer(at: number, node: number, distance: number): boolean {
    const own = this.#distances[at] ?? 0;
    if (own !== distance) return own < distance;
    return this.#ids.compare(nodeOf(this.#contacts[at] ?? 0), node, this.key) < 0;
  }

  /** First index whose peer is not nearer than a node. */
  #lowerBound(node: number, distance: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isNearer(middle, node, distance)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #find(node: number, distance: number): number {
    const at = this.#lowerBound(node, distance);
    return at < this.#length && nodeOf(this.#contacts[at] ?? 0) === node ? at : NONE;
  }

  /** Notes a peer; returns its index, or NONE if it is too far to be remembered. */
  #hear(contact: number): number {
    const node = nodeOf(contact);
    const distance = this.#ids.distance(node, this.key);
    const at = this.#lowerBound(node, distance);
    const held = this.#contacts[at] ?? NONE;
    if (at < this.#length && nodeOf(held) === node) {
      // Somebody knows of a restart that the one before did not.
      const asked = ((this.#flags[at] ?? 0) & (ASKED | SELF)) !== 0;
      if (!asked && isNewer(contact, held)) this.#contacts[at] = contact;
      return at;
    }
    if (at >= HEARD_MAX) return NONE;
    if (this.#length < HEARD_MAX) this.#length++;
    for (let index = this.#length - 1; index > at; index--) {
      this.#contacts[index] = this.#contacts[index - 1] ?? 0;
      this.#distances[index] = this.#distances[index - 1] ?? 0;
      this.#flags[index] = this.#flags[index - 1] ?? 0;
    }
    this.#contacts[at] = contact;
    this.#distances[at] = distance;
    this.#flags[at] = 0;
    return at;
  }
}
