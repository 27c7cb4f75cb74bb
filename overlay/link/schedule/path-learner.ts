/**
 * Learns what bulk would meet on a path, without harm: for a while the path gets copies of packets that
 * go on another one as well, so nothing is lost with what it loses. Learning costs only what the path
 * has to spare, and a little delay where losses on the other one are found later; so it is short, and
 * repeated after longer and longer pauses.
 */
import { PATHS_MAX } from './order-header.js';
import type { PathView } from './path-view.js';

/** Fewer packets tell nothing of a loss that matters. */
const KNOWN_PACKETS_MIN = 100;
/** Enough to know a loss of some tenths of a per cent. */
const LEARN_PACKETS = 1_500;
const LEARN_US_MAX = 1_000_000;
const PAUSE_US_MIN = 10_000_000;
const PAUSE_US_MAX = 160_000_000;

export class PathLearner {
  readonly #packets = new Float64Array(PATHS_MAX);
  readonly #knownUs = new Float64Array(PATHS_MAX);
  /** When learning ends, by time and by packets, and when it may begin again. */
  readonly #endUs = new Float64Array(PATHS_MAX);
  readonly #endPackets = new Float64Array(PATHS_MAX);
  readonly #againUs = new Float64Array(PATHS_MAX);
  readonly #pauseUs = new Float64Array(PATHS_MAX);

  constructor() {
    this.forget(-1);
  }

  /** Nothing is known of the paths of a mask. */
  forget(mask: number): void {
    for (let id = 0; id < PATHS_MAX; id++) {
      if ((mask & (1 << id)) === 0) continue;
      this.#packets[id] = 0;
      this.#knownUs[id] = Infinity;
      this.#endUs[id] = Infinity;
      this.#againUs[id] = 0;
      this.#pauseUs[id] = PAUSE_US_MIN;
    }
  }

  /** A packet of bulk, or a copy, went on the paths of the mask. */
  sent(mask: number): void {
    for (let id = 0; id < PATHS_MAX; id++) {
      if ((mask & (1 << id)) !== 0) this.#packets[id] = (this.#packets[id] ?? 0) + 1;
    }
  }

  /** Whether as many packets as needed went on a path, a round trip ago. */
  isKnown(path: PathView, neededPackets: number, nowUs: number): boolean {
    const { id } = path;
    if ((this.#packets[id] ?? 0) < Math.max(neededPackets, KNOWN_PACKETS_MIN)) {
      this.#knownUs[id] = Infinity;
      return false;
    }
    if (this.#knownUs[id] === Infinity) this.#knownUs[id] = nowUs + path.rttUs;
    return nowUs >= (this.#knownUs[id] ?? Infinity);
  }

  /** Whether a path that is not in use gets copies now. */
  learns(path: PathView, neededPackets: number, nowUs: number): boolean {
    const { id } = path;
    if (nowUs < (this.#againUs[id] ?? 0)) return false;
    const packets = this.#packets[id] ?? 0;
    if (this.#endUs[id] === Infinity) {
      this.#endUs[id] = nowUs + LEARN_US_MAX;
      this.#endPackets[id] = packets + Math.max(neededPackets, LEARN_PACKETS);
    }
    const isEnough = packets >= Math.max(neededPackets, KNOWN_PACKETS_MIN);
    const isLate = isEnough && nowUs > (this.#endUs[id] ?? 0);
    if (!isLate && packets < (this.#endPackets[id] ?? 0)) return true;
    const pauseUs = this.#pauseUs[id] ?? 0;
    this.#againUs[id] = nowUs + pauseUs;
    this.#pauseUs[id] = Math.min(PAUSE_US_MAX, pauseUs * 2);
    this.#endUs[id] = Infinity;
    return false;
  }
}
