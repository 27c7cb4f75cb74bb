/** Paths drawn at random: rates and delays evenly on a logarithmic scale, loss on most of them. */
import type { Rng } from '../../../overlay/ports.js';
import type { PathConfig } from './sim-path.js';

const RATE_MBPS_MIN = 2;
/** One way: round trips of 1 to 200 ms. */
const DELAY_MS = [0.5, 100] as const;
const LOSS_MAX = 0.03;
const LOSSLESS_SHARE = 0.4;

/** Two to four paths. */
export function drawPaths(rng: Rng, rateMbpsMax = 100): PathConfig[] {
  const configs: PathConfig[] = [];
  const count = 2 + Math.floor(rng.float() * 3);
  while (configs.length < count) {
    configs.push({
      rateMbps: logarithmic(rng, RATE_MBPS_MIN, rateMbpsMax),
      delayMs: logarithmic(rng, ...DELAY_MS),
      loss: rng.float() < LOSSLESS_SHARE ? 0 : rng.float() * LOSS_MAX,
    });
  }
  return configs;
}

function logarithmic(rng: Rng, from: number, to: number): number {
  return from * (to / from) ** rng.float();
}
