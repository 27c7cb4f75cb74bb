/**
 * How long messages take. Hosts on the Internet: round trips between pairs are drawn from a log-normal distribution with the
 * median and mean of the King data set (median 156 ms, mean 180 ms of 1740 hosts, as used by p2psim), each pair always the
 * same, and each message a little longer. The triangle inequality does not hold, as it does not there.
 *
 * Source: Gummadi, Saroiu and Gribble, "King: Estimating latency between arbitrary Internet end hosts", 2002; Dabek et
 * al., "Designing a DHT for low latency and high throughput", 2004 (the data set).
 */
import type { Rng } from '../../overlay/ports.js';
import { SeededRng } from '../memory/seeded-rng.js';

const MEDIAN_RTT_MS = 156;
const MEAN_RTT_MS = 180;
/** Of a log-normal distribution, from its mean and median. */
const SIGMA = Math.sqrt(2 * Math.log(MEAN_RTT_MS / MEDIAN_RTT_MS));
/** Queues on the way: exponential, so many parts of the delay in the mean. */
const JITTER = 0.05;
const LAN_RTT_MS = 0.4;
/** Pairs whose round trip is remembered; it is drawn anew, to the same value, after that. */
const REMEMBERED_MAX = 1 << 20;
/** Room for the number of a host in the key of a pair. */
const HOSTS_MAX = 2 ** 26;

export type LatencyModel = 'internet' | 'lan';

export class Latency {
  readonly #seed: number;
  readonly #jitter: Rng;
  readonly #model: LatencyModel;
  readonly #rttMs = new Map<number, number>();

  /** @param jitter drawn from for each message */
  constructor(model: LatencyModel, seed: number, jitter: Rng) {
    this.#model = model;
    this.#seed = seed;
    this.#jitter = jitter;
  }

  /** Round trip between two hosts without queues, in milliseconds; hosts are small integers. */
  rttMs(a: number, b: number): number {
    if (this.#model === 'lan') return LAN_RTT_MS;
    const [low, high] = a < b ? [a, b] : [b, a];
    const pair = low * HOSTS_MAX + high;
    const known = this.#rttMs.get(pair);
    if (known !== undefined) return known;
    const rng = new SeededRng([this.#seed | 0, low, high, 1]);
    // The first numbers of a state with so few bits set are small.
    for (let skipped = 0; skipped < 8; skipped++) rng.u32();
    const rttMs = MEDIAN_RTT_MS * Math.exp(SIGMA * normal(rng));
    if (this.#rttMs.size >= REMEMBERED_MAX) this.#rttMs.clear();
    this.#rttMs.set(pair, rttMs);
    return rttMs;
  }

  /** One way of one message. */
  oneWayMs(from: number, to: number): number {
    const meanJitter = -Math.log(1 - this.#jitter.float()) * JITTER;
    return (this.rttMs(from, to) / 2) * (1 + meanJitter);
  }
}

/** Box and Muller, "A note on the generation of random normal deviates", 1958. */
function normal(rng: Rng): number {
  const radius = Math.sqrt(-2 * Math.log(1 - rng.float()));
  return radius * Math.cos(2 * Math.PI * rng.float());
}
