/** Datagrams that one call found. */

/** Messages taken in one call; each may be many datagrams that the kernel put together. */
export const RECEIVED_MESSAGES_MAX = 16;
/** Datagrams in one message: 64 KiB of small ones. */
const MESSAGE_DATAGRAMS_MAX = 128;

export class Received {
  /** Where each datagram begins in the memory, and its bytes. */
  readonly offsets = new Uint32Array(RECEIVED_MESSAGES_MAX * MESSAGE_DATAGRAMS_MAX);
  readonly lengths = new Uint32Array(RECEIVED_MESSAGES_MAX * MESSAGE_DATAGRAMS_MAX);
  /** Which message it came in; a message fills one slab. */
  readonly messages = new Uint8Array(RECEIVED_MESSAGES_MAX * MESSAGE_DATAGRAMS_MAX);
  /** For each message, how long ago it arrived; 0 where the system does not tell. */
  readonly ageUs = new Float64Array(RECEIVED_MESSAGES_MAX);
  count = 0;

  /** Adds a message of `bytes` at `start`, cut into datagrams of `step` bytes, the last maybe shorter. */
  add(message: number, start: number, bytes: number, step: number): void {
    for (let at = 0; at < bytes && this.count < this.offsets.length; at += step) {
      this.offsets[this.count] = start + at;
      this.lengths[this.count] = Math.min(step, bytes - at);
      this.messages[this.count] = message;
      this.count += 1;
    }
  }
}
