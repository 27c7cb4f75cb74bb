/**
 * How many witnesses an address has and how many must agree. Two certificates for one address at
 * one time need two quorums without a common witness; the numbers below leave no room for that as
 * long as two claimants' views of the witnesses differ by at most `slackOf(n)` members each way.
 *
 * With |V1| = |V2| = n and at most d members of one missing in the other, |V1 u V2| <= n + d, and two
 * quorums of q > (n + d) / 2 share a witness. Witnesses enforce the premise: a claim whose view
 * misses more than d / 2 of the members its witness knows is refused as stale. Half, because a
 * witness sees one claim only: two claims that differ by d / 2 from what it knows differ by d from
 * each other.
 */

/** Witnesses of one subject in a network large enough. */
export const WITNESSES = 8;

/** Members by which two views of `n` witnesses may differ. */
export function slackOf(n: number): number {
  return Math.floor(n / 4);
}

/** Members its witness knows that a claim's view of `n` witnesses may miss. */
export function toleranceOf(n: number): number {
  return Math.floor(slackOf(n) / 2);
}

/** Grants that make a lease, out of a view of `n` witnesses, never out of those who answered. */
export function quorumOf(n: number): number {
  return Math.floor((n + slackOf(n)) / 2) + 1;
}

/**
 * Witnesses a newcomer must have registered with and copied the state of before it votes, out of
 * `n` settled others: enough to meet every quorum of the others, past and to come, and always more
 * than half, or either side of a split network could grow by newcomers until it looks whole.
 */
export function syncQuorumOf(n: number): number {
  const meetsQuorums = n - quorumOf(n) + 1 + slackOf(n);
  return Math.min(n, Math.max(meetsQuorums, Math.floor(n / 2) + 1));
}
