/**
 * How long members stay, and how long they are away.
 *
 * - `exp`: memoryless, with this mean.
 * - `weibull`: what was measured in peer-to-peer networks, with shapes of 0.34 to 0.59: most sessions are short, some very
 *   long. Stutzbach and Rejaie, "Understanding churn in peer-to-peer networks", 2006.
 * - `pareto`: with a heavy tail; its shape must be more than 1, or it has no mean.
 * - `fixed`: always the same.
 * - `trace`: those of a list, each as likely.
 *
 * A network that has been there for a while is in the middle of sessions: what is left of the present one is drawn from
 * the equilibrium distribution, whose density is (1 - F(x)) / mean. That is a uniform part of a session that was chosen in
 * proportion to its length. Cox, "Renewal theory", 1962.
 */
import type { Rng } from '../../overlay/ports.js';

export type Lengths =
  | { readonly kind: 'exp'; readonly meanMs: number }
  | { readonly kind: 'weibull'; readonly shape: number; readonly scaleMs: number }
  | { readonly kind: 'pareto'; readonly shape: number; readonly minMs: number }
  | { readonly kind: 'fixed'; readonly ms: number }
  | { readonly kind: 'trace'; readonly ms: readonly number[] };

/** In (0, 1]. */
function positive(rng: Rng): number {
  return 1 - rng.float();
}

/** One whole length, in milliseconds. */
export function drawLengthMs(lengths: Lengths, rng: Rng): number {
  switch (lengths.kind) {
    case 'exp':
      return -Math.log(positive(rng)) * lengths.meanMs;
    case 'weibull':
      return lengths.scaleMs * (-Math.log(positive(rng))) ** (1 / lengths.shape);
    case 'pareto':
      return lengths.minMs * positive(rng) ** (-1 / lengths.shape);
    case 'fixed':
      return lengths.ms;
    case 'trace':
      return lengths.ms[Math.floor(rng.float() * lengths.ms.length)] ?? 0;
  }
}

/** What is left of a length that is under way at an instant, in milliseconds. */
export function drawRestMs(lengths: Lengths, rng: Rng): number {
  return rng.float() * drawUnderWayMs(lengths, rng);
}

/** A length drawn in proportion to itself. */
function drawUnderWayMs(lengths: Lengths, rng: Rng): number {
  switch (lengths.kind) {
    case 'exp':
      return (-Math.log(positive(rng)) - Math.log(positive(rng))) * lengths.meanMs;
    case 'weibull': {
      // Of X weighted by itself, (X / scale)^shape has a gamma distribution with shape 1 + 1 / shape.
      const { shape, scaleMs } = lengths;
      return scaleMs * drawGamma(1 + 1 / shape, rng) ** (1 / shape);
    }
    case 'pareto':
      return lengths.minMs * positive(rng) ** (-1 / (lengths.shape - 1));
    case 'fixed':
      return lengths.ms;
    case 'trace': {
      let left = rng.float() * lengths.ms.reduce((sum, ms) => sum + ms, 0);
      return lengths.ms.find((ms) => (left -= ms) < 0) ?? lengths.ms.at(-1) ?? 0;
    }
  }
}

export function meanLengthMs(lengths: Lengths): number {
  switch (lengths.kind) {
    case 'exp':
      return lengths.meanMs;
    case 'weibull':
      return lengths.scaleMs * Math.exp(logGamma(1 + 1 / lengths.shape));
    case 'pareto':
      return (lengths.minMs * lengths.shape) / (lengths.shape - 1);
    case 'fixed':
      return lengths.ms;
    case 'trace':
      return lengths.ms.reduce((sum, ms) => sum + ms, 0) / lengths.ms.length;
  }
}

/** For shapes of 1 and more. Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. */
function drawGamma(shape: number, rng: Rng): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const radius = Math.sqrt(-2 * Math.log(positive(rng)));
    const x = radius * Math.cos(2 * Math.PI * rng.float());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(positive(rng)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
] as const;
const LANCZOS_G = 7;

/** Natural logarithm of the gamma function, for x >= 1. Lanczos, "A precision approximation of the gamma function", 1964. */
function logGamma(x: number): number {
  const y = x - 1;
  const t = y + LANCZOS_G + 0.5;
  const sum = LANCZOS.reduce((total, c, index) => total + c / (y + index + 1), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}
