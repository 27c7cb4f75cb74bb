/**
 * How long a receiver waits for what its sender sends again. The sender tells, in five bits of each packet, as it
 * alone knows the round trips of its paths and how soon it hears of a loss:
 *
 *     code   0   1      2      3      4       5       6     ...  31
 *     wait   -   8 ms   9.2    10.6   12.1    13.9    16    ...  512
 */
import { isAlive, type PathView } from './path-view.js';

const CODE_MAX = 31;
const LEAST_US = 8_000;
/** Codes in which the wait doubles. */
const CODES_PER_OCTAVE = 5;
/** The longest wait there is. */
export const REPAIR_WAIT_US_MAX = LEAST_US * 2 ** ((CODE_MAX - 1) / CODES_PER_OCTAVE);

/** A loss is known after a round trip and a few packets; then there is time for a second try. */
const RTTS = 2.5;
/** For delays in between: acknowledgements that wait, and pacing. */
const SPARE_US = 20_000;
/**
 * A TCP inside times out 200 ms after its round trip (Linux), and would send again what it waits for. It hears of each
 * arrival half a round trip later, in which the spare time has to be enough.
 */
const TCP_SPARE_US = 150_000;
const TCP_WAIT_US_MIN = 200_000;

const WAITS_US = Float64Array.from({ length: CODE_MAX + 1 }, (_, code) =>
  code === 0 ? 0 : LEAST_US * 2 ** ((code - 1) / CODES_PER_OCTAVE),
);

/** The wait that a code means, in microseconds; 0: what is lost is not sent again. */
export function repairWaitUs(code: number): number {
  return WAITS_US[code] ?? 0;
}

/** The code for a flow that uses the paths of a mask: the next that is no shorter. */
export function repairWaitCode(paths: readonly PathView[], mask: number): number {
  let rttUs = 0;
  for (const path of paths) {
    if (((1 << path.id) & mask) !== 0 && isAlive(path)) rttUs = Math.max(rttUs, path.rttUs);
  }
  const code = Math.ceil(Math.log2(wantedUs(rttUs) / LEAST_US) * CODES_PER_OCTAVE) + 1;
  return Math.min(Math.max(code, 1), CODE_MAX);
}

/** How long a receiver should wait where a round trip takes so long. */
export function wantedUs(rttUs: number): number {
  const bearableUs = Math.max(TCP_WAIT_US_MIN, rttUs + TCP_SPARE_US);
  return Math.min(RTTS * rttUs + SPARE_US, bearableUs);
}
