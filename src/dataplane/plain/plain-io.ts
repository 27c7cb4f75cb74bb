/** The back end for every system that Node runs on. */
import { packetMemory, type PacketMemory } from '../../../overlay/batch/packet-memory.js';
import type { DataSocketOptions } from '../../../overlay/link/data-plane.js';
import type { CipherName } from '../../../overlay/link/session/key-exchange.js';
import type { BatchIo, DatagramOpener, DatagramSealer, DatagramSocket } from '../batch-io.js';
import { plainOpener, plainSealer } from './cipher.js';
import { openPlainSocket } from './udp-socket.js';

export class PlainIo implements BatchIo {
  readonly name = 'plain';
  readonly memory: PacketMemory;
  readonly #arrived: () => void;
  #used = 0;

  /** @param arrived called when a socket has something to receive */
  constructor(memoryBytes: number, arrived: () => void) {
    this.memory = packetMemory(new Uint8Array(memoryBytes));
    this.#arrived = arrived;
  }

  region(bytes: number): number {
    const offset = this.#used;
    if (offset + bytes > this.memory.bytes.length) throw new RangeError('the memory is too small');
    this.#used = offset + bytes;
    return offset;
  }

  sealer(cipher: CipherName, key: Uint8Array): DatagramSealer {
    return plainSealer(cipher, key);
  }

  opener(cipher: CipherName, key: Uint8Array): DatagramOpener {
    return plainOpener(this.memory, cipher, key);
  }

  async socket(options: DataSocketOptions): Promise<DatagramSocket> {
    return await openPlainSocket(this.memory, options, this.#arrived);
  }
}
