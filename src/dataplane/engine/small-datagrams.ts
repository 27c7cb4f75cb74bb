/** Datagrams that hold no inner packet: made in one place of the memory and sent at once. */
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import {
  BODY_OFFSET,
  DATAGRAM_OVERHEAD_BYTES,
  KIND_OFFSET,
} from '../../../overlay/wire/datagram.js';
import type { DatagramList } from './datagram-list.js';
import { BORROWED } from './send-memory.js';

/** Largest UDP payload, for probes of large interfaces. */
export const SMALL_SPACE_BYTES = 65_536;

export class SmallDatagrams {
  readonly #memory: PacketMemory;
  readonly #start: number;

  /** @param start where {@link SMALL_SPACE_BYTES} have been set aside */
  constructor(memory: PacketMemory, start: number) {
    this.#memory = memory;
    this.#start = start;
  }

  /** Lists a datagram of this kind, which must leave before the next one is made. */
  put(list: DatagramList, kind: number, body: Uint8Array): void {
    this.#begin(kind);
    this.#memory.bytes.set(body, this.#start + BODY_OFFSET);
    list.push(this.#start, body.length + DATAGRAM_OVERHEAD_BYTES, BORROWED);
  }

  /** The same with a body of zeros. */
  putPadding(list: DatagramList, kind: number, bodyBytes: number): void {
    const bytes = Math.min(Math.max(bodyBytes, 0), SMALL_SPACE_BYTES - DATAGRAM_OVERHEAD_BYTES);
    this.#begin(kind);
    const body = this.#start + BODY_OFFSET;
    this.#memory.bytes.fill(0, body, body + bytes);
    list.push(this.#start, bytes + DATAGRAM_OVERHEAD_BYTES, BORROWED);
  }

  #begin(kind: number): void {
    this.#memory.bytes.fill(0, this.#start + KIND_OFFSET, this.#start + BODY_OFFSET);
    this.#memory.bytes[this.#start + KIND_OFFSET] = kind;
  }
}
