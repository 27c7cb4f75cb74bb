/**
 * The write side of the device: one `writev` a packet, of the offload header and of the packet where
 * it lies; nothing is copied.
 */
import { VNET_HEADER_BYTES } from '../../../overlay/batch/split.js';
import type { Packet } from '../../../overlay/ports.js';
import { errnoName, type Libc } from './libc.js';
import { encodeVnetHeader } from './virtio.js';

/** Two `struct iovec` of address u64 and length u64, and behind them the offload header. */
const IOVEC_BYTES = 16;
const HEADER_OFFSET = 2 * IOVEC_BYTES;
/** The 16-bit length field of IP. */
const PACKET_BYTES_MAX = 65_535;
const EINVAL = 22;
const U32_RANGE = 2 ** 32;

/** The kernel has no room now, but may have later. */
const BUSY: ReadonlySet<string> = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EINTR']);

export class TunWriter {
  /** Packets that the kernel, or the format of its header, did not accept. */
  refused = 0;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #offloads: boolean;
  readonly #scratch = new Uint8Array(HEADER_OFFSET + VNET_HEADER_BYTES);
  readonly #view = new DataView(this.#scratch.buffer);
  readonly #vectors: number;

  constructor(libc: Libc, fd: number, offloads: boolean) {
    this.#libc = libc;
    this.#fd = fd;
    this.#offloads = offloads;
    this.#vectors = libc.addressOf(this.#scratch);
    this.#setVector(0, this.#vectors + HEADER_OFFSET, VNET_HEADER_BYTES);
  }

  /** Returns how many packets, from the first on, need no further care. */
  write(batch: readonly Packet[]): number {
    let taken = 0;
    for (const packet of batch) {
      const errno = this.#writeOne(packet);
      if (errno !== 0) {
        if (BUSY.has(errnoName(errno))) break;
        this.refused++;
      }
      taken++;
    }
    return taken;
  }

  /** Returns 0 or an errno. */
  #writeOne({ bytes, offload }: Packet): number {
    if (bytes.length === 0 || bytes.length > PACKET_BYTES_MAX) return EINVAL;
    if (!this.#offloads) {
      // Without the header the kernel could not be told what is missing in the packet.
      if (offload !== null) return EINVAL;
      return errnoOf(this.#libc.write(this.#fd, bytes, bytes.length));
    }
    if (!encodeVnetHeader(this.#view, HEADER_OFFSET, offload, bytes.length)) return EINVAL;
    this.#setVector(1, this.#libc.addressOf(bytes), bytes.length);
    return errnoOf(this.#libc.writev(this.#fd, this.#vectors, 2));
  }

  #setVector(index: number, address: number, length: number): void {
    const offset = index * IOVEC_BYTES;
    this.#view.setUint32(offset, address % U32_RANGE, true);
    this.#view.setUint32(offset + 4, Math.floor(address / U32_RANGE), true);
    this.#view.setUint32(offset + 8, length, true);
    this.#view.setUint32(offset + 12, 0, true);
  }
}

function errnoOf(result: number): number {
  return result < 0 ? -result : 0;
}
