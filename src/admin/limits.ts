/** Bounds on what clients of the admin API can make a node hold or wait for. */

/** The largest request is an invite with every field, well under 4 kB. */
export const REQUEST_BYTES_MAX = 64 * 1024;
/** Dashboards and scripts together stay far below; idle ones beyond it must not lock out a `status`. */
export const CONNECTIONS_MAX = 256;
/** A local client sends its head at once; whoever does not is cut off. */
export const HEADERS_TIMEOUT_MS = 5_000;
/** And its body, too. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** A client that stops reading a stream is dropped after this, so that no stream is held for it. */
export const DRAIN_TIMEOUT_MS = 10_000;
/** Between two requests on one connection. */
export const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** How often the two time-outs above are looked after. */
export const CHECK_INTERVAL_MS = 1_000;
/** A live node accepts at once; only a stopped (SIGSTOP) one takes longer, and it is alive. */
export const PROBE_TIMEOUT_MS = 1_000;
/** How long a starter tries for the socket's name while others do the same. */
export const TAKE_TIMEOUT_MS = 15_000;
/** Between two tries. */
export const RETRY_INTERVAL_MS = 20;
/** The lock is held for one probe at most; an older one was left by a killed starter. */
export const LOCK_AGE_MS_MAX = 10_000;
