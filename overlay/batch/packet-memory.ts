/**
 * Memory that holds packets at offsets, so that none of them needs an object of its own. The same bytes
 * are seen in two ways: as an array, for copying, and as numbers, which come in network order.
 */
export interface PacketMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function packetMemory(bytes: Uint8Array): PacketMemory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
