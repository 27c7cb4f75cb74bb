/**
 * The read side of the device: waits, then empties it in batches, one batch a turn of the event loop.
 *
 * Packets land one behind the other in an arena that is allocated once. While packets keep coming,
 * turns follow each other by `setImmediate`, so sockets and timers get their share between any two,
 * and the thread pool is left alone; only an empty turn goes back to `poll`.
 */
import { VNET_HEADER_BYTES } from '../../../overlay/batch/split.js';
import type { Packet } from '../../../overlay/ports.js';
import { errnoName, type Libc } from './libc.js';
import type { Readiness } from './readiness.js';
import { decodeVnetHeader } from './virtio.js';

/** The largest packet a device hands over: the 16-bit length field of IP, rounded up. */
const PACKET_BYTES_MAX = 65_536;
/** Room for 15 super-packets, which keeps a turn near one millisecond. */
const ARENA_BYTES = 1 << 20;
/** Bounds a turn of small packets likewise; more brings no speed. */
const BATCH_PACKETS_MAX = 128;
/** Packets start on a cache-friendly boundary, with the header just before. */
const PACKET_ALIGNMENT = 16;

export class TunReader {
  /** Packets with an offload header that makes no sense. */
  malformed = 0;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #readiness: Pick<Readiness, 'wait' | 'close'>;
  readonly #headerBytes: number;
  readonly #gone: (errno: string) => void;
  readonly #arena = new Uint8Array(ARENA_BYTES);
  readonly #view = new DataView(this.#arena.buffer);
  readonly #address: number;
  #listener: ((batch: readonly Packet[]) => void) | null = null;
  #nextTurn: NodeJS.Immediate | null = null;
  #stopped = false;

  /** @param gone called once when the device cannot be read any more. */
  constructor(
    libc: Libc,
    fd: number,
    readiness: Pick<Readiness, 'wait' | 'close'>,
    offloads: boolean,
    gone: (errno: string) => void,
  ) {
    this.#libc = libc;
    this.#fd = fd;
    this.#readiness = readiness;
    this.#headerBytes = offloads ? VNET_HEADER_BYTES : 0;
    this.#gone = gone;
    this.#address = libc.addressOf(this.#arena);
  }

  listen(listener: (batch: readonly Packet[]) => void): void {
    const first = this.#listener === null;
    this.#listener = listener;
    if (first && !this.#stopped) this.#readiness.wait(this.#turn);
  }

  /** Resolves when nothing reads or waits on the descriptor any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    if (this.#nextTurn !== null) clearImmediate(this.#nextTurn);
    return this.#readiness.close();
  }

  readonly #turn = (): void => {
    this.#nextTurn = null;
    const batch: Packet[] = [];
    const errno = this.#fill(batch);
    const done = batch.length === 0 && errno !== 0;
    // Planned before the listener runs, which may close the device and so call the turn off.
    if (errno !== 0 && errnoName(errno) !== 'EAGAIN') {
      this.#stopped = true;
      this.#gone(errnoName(errno));
    } else if (done) this.#readiness.wait(this.#turn);
    else this.#nextTurn = setImmediate(this.#turn);
    if (batch.length > 0) this.#listener?.(batch);
  };

  /** Reads until the arena or the device is exhausted. Returns the errno that ended it, or 0. */
  #fill(batch: Packet[]): number {
    let offset = PACKET_ALIGNMENT;
    for (let reads = 0; reads < BATCH_PACKETS_MAX; reads++) {
      if (offset + PACKET_BYTES_MAX > ARENA_BYTES) break;
      const start = offset - this.#headerBytes;
      const read = this.#libc.read(
        this.#fd,
        this.#address + start,
        this.#headerBytes + PACKET_BYTES_MAX,
      );
      if (read < 0) return -read;
      const packetBytes = read - this.#headerBytes;
      const packet = this.#packetAt(offset, packetBytes);
      if (packet === null) {
        this.malformed++;
        continue;
      }
      batch.push(packet);
      offset = alignedUp(offset + packetBytes + VNET_HEADER_BYTES);
    }
    return 0;
  }

  #packetAt(offset: number, packetBytes: number): Packet | null {
    if (packetBytes <= 0) return null;
    const bytes = this.#arena.subarray(offset, offset + packetBytes);
    if (this.#headerBytes === 0) return { bytes, offload: null };
    const offload = decodeVnetHeader(this.#view, offset, packetBytes);
    return offload.ok ? { bytes, offload: offload.value } : null;
  }
}

function alignedUp(offset: number): number {
  return Math.ceil(offset / PACKET_ALIGNMENT) * PACKET_ALIGNMENT;
}
