/**
 * Whether a path works both ways. Only an answer to something we sent proves it, so whoever hears
 * nothing asks, and whoever asked three times in vain knows that the path is dead. With traffic the
 * question comes as soon as an answer is late; on an idle path every few seconds.
 */

export type LivenessState = 'probing' | 'active' | 'suspect' | 'dead';

/** Three of it pass before a path with a small round trip is dead: well below half a second. */
const PROBE_TIME_US_MIN = 120_000;
const PROBE_TIME_US_MAX = 2_000_000;
/**
 * The first question comes much sooner: until it is answered others carry the packets. Best before a TCP inside
 * probes, after two round trips (RFC 8985, 7.2): when that is lost as well, it waits for 200 ms at the least.
 * Below, busy hosts would be in doubt all the time.
 */
const DOUBT_TIME_US_MIN = 25_000;
const MISSED_PROBES_MAX = 3;
/** Shorter than the mappings of nearly all NATs (RFC 4787: 2 minutes; seen: 20 s). */
const IDLE_US = 5_000_000;
/** A path that is dead, or was never alive, is asked ever more rarely. */
const RETRY_US_MIN = 500_000;
const RETRY_US_MAX = 30_000_000;
/** One that worked often works again soon: for so long it is asked as often as at first. */
const HOPE_US = 30_000_000;

/** Whoever is heard is not asked more often than that. */
const HEARD_PAUSE_US = 50_000;

export class Liveness {
  #state: LivenessState = 'probing';
  /** When the oldest thing left that nobody has answered; `Infinity` if all is answered. */
  #askedUs = Infinity;
  #missed = 0;
  #answeredUs = 0;
  #dueUs: number;
  #retryUs = RETRY_US_MIN;
  #probedUs = -Infinity;
  #hopeUntilUs = 0;
  #probeTimeUs = PROBE_TIME_US_MIN;
  #doubtTimeUs = PROBE_TIME_US_MIN;

  constructor(nowUs: number) {
    this.#dueUs = nowUs;
  }

  get state(): LivenessState {
    return this.#state;
  }

  /** When {@link onTimer} has something to do. */
  get nextUs(): number {
    return this.#dueUs;
  }

  /** When the path last proved that it works; 0: never. */
  get answeredUs(): number {
    return this.#answeredUs;
  }

  /** @param probeTimeoutUs how long an answer may take on this path, without backoff */
  setProbeTimeout(probeTimeoutUs: number): void {
    this.#probeTimeUs = Math.min(Math.max(probeTimeoutUs, PROBE_TIME_US_MIN), PROBE_TIME_US_MAX);
    this.#doubtTimeUs = Math.min(Math.max(probeTimeoutUs, DOUBT_TIME_US_MIN), PROBE_TIME_US_MAX);
  }

  /** Something left that asks for an answer. */
  onAsked(nowUs: number): void {
    if (this.#askedUs !== Infinity) return;
    this.#askedUs = nowUs;
    if (this.#state === 'active') this.#dueUs = nowUs + this.#doubtTimeUs;
  }

  /**
   * An answer came.
   * @param isAllAnswered nothing else is under way; otherwise the clock starts again for the rest
   */
  onAnswered(nowUs: number, isAllAnswered: boolean): void {
    this.#state = 'active';
    this.#missed = 0;
    this.#retryUs = RETRY_US_MIN;
    this.#answeredUs = nowUs;
    this.#askedUs = isAllAnswered ? Infinity : nowUs;
    this.#dueUs = nowUs + (isAllAnswered ? IDLE_US : this.#doubtTimeUs);
  }

  /** Something authentic came. Where no answer ever did, or not for long, it is worth to ask soon. */
  onHeard(nowUs: number): void {
    if (this.#state === 'active' || this.#state === 'suspect') return;
    const soonestUs = Math.max(nowUs, this.#probedUs + HEARD_PAUSE_US);
    this.#dueUs = Math.min(this.#dueUs, soonestUs);
  }

  /** True: send a probe now. */
  onTimer(nowUs: number): boolean {
    if (nowUs < this.#dueUs) return false;
    if (this.#state === 'probing' || this.#state === 'dead') {
      this.#probedUs = nowUs;
      this.#dueUs = nowUs + this.#retryUs;
      if (nowUs >= this.#hopeUntilUs) this.#retryUs = Math.min(this.#retryUs * 2, RETRY_US_MAX);
      return true;
    }
    if (this.#askedUs !== Infinity) this.#missed += 1;
    if (this.#missed >= MISSED_PROBES_MAX) {
      this.#state = 'dead';
      this.#hopeUntilUs = nowUs + HOPE_US;
      this.#askedUs = Infinity;
      this.#dueUs = nowUs + this.#retryUs;
      return false;
    }
    if (this.#missed > 0) this.#state = 'suspect';
    this.#dueUs = nowUs + this.#probeTimeUs;
    return true;
  }
}
