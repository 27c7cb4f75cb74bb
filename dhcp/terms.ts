/** Durations of the lease protocol, and why each is what it is. */

/** Default term of a lease. Long enough that an hour's outage moves nobody, short enough to reuse. */
export const LEASE_TERM_S = 3600;

/** Renewal (T1) and rebinding (T2) as shares of the term. RFC 2131 section 4.4.5. */
export const RENEW_AT = 0.5;
export const REBIND_AT = 0.875;

/** A witness keeps a lease this much longer than its holder: clocks drift, messages take time. */
export const WITNESS_MARGIN_RATIO = 0.02;
export const WITNESS_MARGIN_MS = 10_000;

/** Life of a grant that was never committed, after which the subject is free again. */
export const PROVISIONAL_MS = 10_000;

/** A claimant must have its lease committed by then, safely before the grants lapse. */
export const CLAIM_DEADLINE_MS = 8_000;

/** Time for one witness to answer. */
export const WITNESS_TIMEOUT_MS = 3_500;

/** Random pause after a lost race, doubled with every further one, in [min, max). */
export const RETRY_PAUSE_MS_MIN = 40;
export const RETRY_PAUSE_MS_MAX = 5_000;

/** How long a freed or expired subject's epoch is remembered, so that old records stay old. */
export const TOMBSTONE_MS = 3_600_000;

/** Unreachable witnesses still count for this long: a minority cut off must not vote itself whole. */
export const WITNESS_GRACE_MS = 15 * 60_000;

/** An epoch may run ahead of a witness's own date by this much before it is refused. */
export const EPOCH_AHEAD_S_MAX = 2 * 86_400;
