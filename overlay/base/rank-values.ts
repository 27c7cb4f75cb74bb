/** Puts values found in the directory in order, best first, by the rules of their kind. */
import { equalBytes } from './bytes.js';

/**
 * Selects the best again and again. Equal values stay together, so that the order does not depend on
 * who answered first.
 * @param select index of the best of several values, as `RecordRules.select` gives it
 */
export function rankValues<Entry extends { readonly value: Uint8Array }>(
  entries: readonly Entry[],
  select: (values: readonly Uint8Array[]) => number,
): readonly Entry[] {
  const ranked: Entry[] = [];
  let rest = entries;
  while (rest.length > 0) {
    const index = select(rest.map((entry) => entry.value));
    const best = (rest[index] ?? rest[0])?.value;
    if (best === undefined) break;
    ranked.push(...rest.filter((entry) => equalBytes(entry.value, best)));
    rest = rest.filter((entry) => !equalBytes(entry.value, best));
  }
  return ranked;
}
