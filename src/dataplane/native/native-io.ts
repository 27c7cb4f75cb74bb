/** The fast back end: Linux on x64 and arm64. */
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import type { DataSocketOptions } from '../../../overlay/link/data-plane.js';
import type { CipherName } from '../../../overlay/link/session/key-exchange.js';
import type { BatchIo, DatagramOpener, DatagramSealer } from '../batch-io.js';
import { Arena } from './arena.js';
import { loadBatchCalls, type BatchCalls } from './calls.js';
import { CipherContext, CipherScratch } from './cipher-context.js';
import { Opener, Sealer } from './cipher.js';
import { NativeSocket } from './datagram-socket.js';
import { Messages } from './messages.js';
import { RecordOpener, RecordSealer, takesRecords } from './record-cipher.js';
import { TunQueue } from './tun-queue.js';

export class NativeIo implements BatchIo {
  readonly name = 'native';
  readonly calls: BatchCalls;
  readonly arena: Arena;
  readonly #messages: Messages;
  readonly #scratch: CipherScratch;

  /** @throws Error when the system lacks what is needed */
  constructor(arenaBytes: number) {
    this.calls = loadBatchCalls();
    this.arena = new Arena(this.calls, arenaBytes);
    this.#messages = new Messages(this.arena);
    this.#scratch = new CipherScratch(this.arena);
  }

  get memory(): PacketMemory {
    return this.arena.memory;
  }

  region(bytes: number): number {
    return this.arena.region(bytes);
  }

  sealer(cipher: CipherName, key: Uint8Array): DatagramSealer {
    const context = new CipherContext(this.calls, this.#scratch, 'seal', cipher, key);
    return isRecordCipher(cipher, context) ? new RecordSealer(context) : new Sealer(context);
  }

  opener(cipher: CipherName, key: Uint8Array): DatagramOpener {
    const context = new CipherContext(this.calls, this.#scratch, 'open', cipher, key);
    return isRecordCipher(cipher, context) ? new RecordOpener(context) : new Opener(context);
  }

  socket(options: DataSocketOptions): Promise<NativeSocket> {
    return new Promise((resolve) => {
      resolve(this.openSocket(options));
    });
  }

  /** The same without waiting. @throws CodedError<'cannot-open'> */
  openSocket(options: DataSocketOptions): NativeSocket {
    return new NativeSocket(this.calls, this.arena, this.#messages, options);
  }

  /** @param fd a device with IFF_VNET_HDR, not blocking */
  tunQueue(fd: number, offloads: boolean): TunQueue {
    return new TunQueue(this.calls, this.arena, this.#messages, fd, offloads);
  }
}

/** ChaCha20-Poly1305 makes another nonce of a record. */
function isRecordCipher(cipher: CipherName, context: CipherContext): boolean {
  return cipher === 'aes-256-gcm' && takesRecords(context);
}
