/** Splits hosts of one switch into two groups that cannot reach each other, by a filter on the hosts of one of them. */
import { commandIn } from './command.js';
import type { Host } from './host.js';

const TABLE = 'overlay_lab_split';

function addressesOf(hosts: readonly Host[]): string {
  return hosts.flatMap(({ links }) => links.map(({ v4 }) => v4)).join(', ');
}

/** @param some every other host is in the other group */
export function split(some: readonly Host[], others: readonly Host[]): void {
  const far = addressesOf(others);
  const rules = [
    `table inet ${TABLE} {`,
    `chain in { type filter hook input priority 0; ip saddr { ${far} } drop; }`,
    `chain out { type filter hook output priority 0; ip daddr { ${far} } drop; }`,
    '}',
  ].join('\n');
  for (const { netns } of some) commandIn(netns, 'nft', ['-f', '-'], `${rules}\n`);
}

export function unsplit(some: readonly Host[]): void {
  for (const { netns } of some) commandIn(netns, 'nft', ['delete', 'table', 'inet', TABLE]);
}
