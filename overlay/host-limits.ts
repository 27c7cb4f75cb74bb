/**
 * Sizes that every host keeps to, real or virtual, and that protocols may count on. Limits of one
 * kind of host only stay with that host.
 */

/** Largest request or response body. The biggest message of ours, a chunk of stored mail, is 256 KiB. */
export const MESSAGE_BYTES_MAX = 1 << 20;

/** Requests of one peer served at the same time; more are refused at once. */
export const PEER_REQUESTS_MAX = 32;

/** A handler slower than this has lost its requester, whose own timeouts are all shorter. */
export const HANDLER_MS = 30_000;

/** How long a stranger's first stream waits for the membership exchange that runs beside it. */
export const GATE_WAIT_MS = 3_000;

/** `ByteStream.send` returns false from here on: one maximal stream window. */
export const STREAM_HIGH_WATER_BYTES = 1 << 20;

/** `drained` is called when the buffer has fallen to this, early enough to keep the pipe full. */
export const STREAM_LOW_WATER_BYTES = 256 << 10;

/** A sender that ignores `false` loses its stream here, so that no bug of ours can fill the memory. */
export const STREAM_BUFFER_BYTES_MAX = 16 << 20;

/** Peers a directory record is stored at: twice the eight witnesses of a lease. */
export const DIRECTORY_REPLICAS = 16;

/** Largest directory record; ours are leases of about 2 KiB. */
export const RECORD_BYTES_MAX = 64 << 10;
