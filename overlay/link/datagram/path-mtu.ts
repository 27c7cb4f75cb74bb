/**
 * Finds the largest IP packet that a path carries, by padded probes (DPLPMTUD, RFC 8899), and notices when
 * it carries less than it did. Sizes are whole IP packets.
 *
 *    searching --(found)--> complete --(raise timer)--> searching
 *    any --(black hole)--> base --(wait)--> searching
 */

/** Every IPv6 path carries it (RFC 8200), and IPv4 paths that do not are hardly found. */
export const BASE_MTU_BYTES = 1_280;
const MTU_BYTES_MAX = 65_535;
/** RFC 8899, MAX_PROBES. */
const PROBES_MAX = 3;
/** RFC 8899, PMTU_RAISE_TIMER. */
const RAISE_US = 600_000_000;
/** After a black hole the path may be in motion. */
const BLACK_HOLE_WAIT_US = 10_000_000;
/** The last few bytes are not worth their probes. */
const STEP_BYTES_MIN = 16;
/** So many large packets lost in a row, while small ones pass or nothing does. */
const BLACK_HOLE_PACKETS = 8;
/** Sizes that are common, larger first: ethernet jumbo, ethernet, PPPoE, WireGuard and other tunnels. */
const LIKELY_BYTES = [9_000, 1_500, 1_492, 1_420, 1_400, 1_350] as const;

export type MtuState = 'base' | 'searching' | 'complete';

export class PathMtu {
  #state: MtuState = 'searching';
  readonly #interfaceBytes: number;
  #mtuBytes = BASE_MTU_BYTES;
  /** The least size that is known not to pass. */
  #failedBytes: number;
  #probeBytes = 0;
  #probesLost = 0;
  #isInFlight = false;
  #waitUntilUs = 0;
  #lostLarge = 0;
  #newestLarge = -1;
  #blackHoles = 0;

  /** @param interfaceBytes MTU of the local interface, the upper limit of the search */
  constructor(interfaceBytes: number) {
    this.#interfaceBytes = Math.min(Math.max(interfaceBytes, BASE_MTU_BYTES), MTU_BYTES_MAX);
    this.#failedBytes = this.#interfaceBytes + 1;
    this.#choose();
  }

  get state(): MtuState {
    return this.#state;
  }

  /** What may be sent. */
  get mtuBytes(): number {
    return this.#mtuBytes;
  }

  get blackHoles(): number {
    return this.#blackHoles;
  }

  /** When {@link probeBytes} has something to say: 0 at once, `Infinity` while a probe is under way. */
  get nextUs(): number {
    if (this.#isInFlight) return Infinity;
    return this.#state === 'searching' ? 0 : this.#waitUntilUs;
  }

  /** Size of the probe that should leave now, or 0. One is in flight at a time. */
  probeBytes(nowUs: number): number {
    if (this.#isInFlight) return 0;
    if (this.#state !== 'searching') {
      if (nowUs < this.#waitUntilUs) return 0;
      this.#restart();
    }
    // The search may have nothing left to try: then the raise timer starts here.
    if (this.#probeBytes === 0) this.#complete(nowUs);
    return this.#probeBytes;
  }

  onProbeSent(): void {
    this.#isInFlight = true;
  }

  /** @param bytes size of the packet that arrived; a stale probe proves its size as well */
  onProbeAcked(bytes: number, nowUs: number): void {
    this.#isInFlight = false;
    this.#lostLarge = 0;
    if (bytes <= this.#mtuBytes || bytes >= this.#failedBytes) return;
    this.#mtuBytes = bytes;
    this.#probesLost = 0;
    this.#choose();
    if (this.#probeBytes === 0) this.#complete(nowUs);
  }

  onProbeLost(bytes: number, nowUs: number): void {
    this.#isInFlight = false;
    if (bytes !== this.#probeBytes) return;
    this.#probesLost += 1;
    if (this.#probesLost < PROBES_MAX) return;
    this.#failedBytes = bytes;
    this.#probesLost = 0;
    this.#choose();
    if (this.#probeBytes === 0) this.#complete(nowUs);
  }

  /** A packet of this number and size arrived. */
  onAcked(number: number, bytes: number): void {
    if (bytes <= BASE_MTU_BYTES || number < this.#newestLarge) return;
    this.#newestLarge = number;
    this.#lostLarge = 0;
  }

  /**
   * A packet of this number and size was lost; no probe.
   * @returns true: the path became a black hole, and the size is small again
   */
  onLost(number: number, bytes: number, nowUs: number): boolean {
    if (bytes <= BASE_MTU_BYTES || this.#mtuBytes === BASE_MTU_BYTES) return false;
    // A later one of that kind arrived, so this one fell to a full queue.
    if (number < this.#newestLarge) return false;
    this.#lostLarge += 1;
    if (this.#lostLarge < BLACK_HOLE_PACKETS) return false;
    this.#blackHoles += 1;
    this.#lostLarge = 0;
    this.#state = 'base';
    this.#mtuBytes = BASE_MTU_BYTES;
    this.#probeBytes = 0;
    this.#waitUntilUs = nowUs + BLACK_HOLE_WAIT_US;
    return true;
  }

  /** The kernel or a router says what fits (RFC 8899, section 4.6); what makes no sense is ignored. */
  onTooBig(bytes: number, nowUs: number): void {
    if (bytes < BASE_MTU_BYTES || bytes >= this.#failedBytes) return;
    this.#failedBytes = bytes + 1;
    this.#mtuBytes = Math.min(this.#mtuBytes, bytes);
    this.#probesLost = 0;
    this.#choose();
    if (this.#probeBytes === 0) this.#complete(nowUs);
  }

  #restart(): void {
    this.#state = 'searching';
    this.#failedBytes = this.#interfaceBytes + 1;
    this.#probesLost = 0;
    this.#choose();
  }

  #complete(nowUs: number): void {
    this.#state = 'complete';
    this.#probeBytes = 0;
    this.#waitUntilUs = nowUs + RAISE_US;
  }

  /** The largest size first, then likely ones, then halves of what is left. */
  #choose(): void {
    const low = this.#mtuBytes;
    const high = this.#failedBytes - 1;
    this.#probeBytes = 0;
    if (low >= high) return;
    this.#probeBytes = high;
    if (high === this.#interfaceBytes) return;
    const likely = LIKELY_BYTES.find((bytes) => bytes > low && bytes <= high);
    if (likely !== undefined) this.#probeBytes = likely;
    else if (high - low < STEP_BYTES_MIN) this.#probeBytes = 0;
    else this.#probeBytes = low + Math.ceil((high - low) / 2);
  }
}
