/** A list of named facts, one a line, values aligned. */
import type { Colors } from './colors.js';

/** Values are printed as they are: clean what came from elsewhere. Null leaves the line out. */
export type Fact = readonly [label: string, value: string | null];

/** Ends with a line break. */
export function renderFacts(facts: readonly Fact[], colors: Colors): string {
  const shown = facts.filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([label]) => label.length)) + 2;
  return shown
    .map(([label, value]) => `${colors.faint(label.padEnd(width))}${value ?? ''}\n`)
    .join('');
}
