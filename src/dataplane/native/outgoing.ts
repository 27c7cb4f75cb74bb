/**
 * Puts runs of datagrams into messages for `sendmmsg`: equal ones, the last maybe shorter, become one
 * that the kernel or the card cuts (`UDP_SEGMENT`).
 *
 * Source: udp(7), Documentation/networking/segmentation-offloads.rst.
 */
import type { Datagrams } from '../../../overlay/batch/datagrams.js';
import { MESSAGES_MAX, SEGMENTS_MAX, VECTORS_MAX, type Messages } from './messages.js';

/** Largest UDP payload over IPv4, which a message that is cut may not exceed. */
const MESSAGE_BYTES_MAX = 65_507;

export class Outgoing {
  /** Datagrams in each message. */
  readonly sizes = new Uint16Array(MESSAGES_MAX);
  readonly #messages: Messages;

  constructor(messages: Messages) {
    this.#messages = messages;
  }

  /**
   * Describes as many messages as one call takes, to the destination of {@link Messages}. Datagrams side
   * by side share one vector.
   * @param segmentsMax most datagrams in a message, up to {@link SEGMENTS_MAX}
   * @returns how many messages; at least one, unless `first` is `end`
   */
  layOut(
    { offsets, lengths }: Datagrams,
    first: number,
    end: number,
    segmentsMax: number,
    nameBytes: number,
  ): number {
    let next = first;
    let messages = 0;
    let vectors = 0;
    while (next < end && messages < MESSAGES_MAX && vectors + SEGMENTS_MAX <= VECTORS_MAX) {
      const vector = vectors;
      const segmentBytes = lengths[next] ?? 0;
      let total = 0;
      let size = 0;
      let lastEnd = -1;
      while (next < end && size < segmentsMax) {
        const offset = offsets[next] ?? 0;
        const bytes = lengths[next] ?? 0;
        // One that is too long for any message goes alone, for the kernel to refuse.
        if (size > 0 && (bytes > segmentBytes || total + bytes > MESSAGE_BYTES_MAX)) break;
        if (offset === lastEnd) this.#messages.extendVector(vectors - 1, bytes);
        else this.#messages.setVector(vectors++, offset, bytes);
        lastEnd = offset + bytes;
        total += bytes;
        size += 1;
        next += 1;
        // Only the last datagram of a message may be shorter.
        if (bytes < segmentBytes) break;
      }
      const cutBytes = size > 1 ? segmentBytes : 0;
      this.#messages.setOutgoing(messages, vector, vectors - vector, cutBytes, nameBytes);
      this.sizes[messages] = size;
      messages += 1;
    }
    return messages;
  }
}
