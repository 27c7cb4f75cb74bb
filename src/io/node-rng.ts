/** The `Rng` port on the system's generator: its bytes become keys and nonces. */
import { randomBytes } from 'node:crypto';
import type { Rng } from '../../overlay/ports.js';

const FLOAT_BYTES = 8;

export class NodeRng implements Rng {
  bytes(length: number): Uint8Array {
    return Uint8Array.from(randomBytes(length));
  }

  float(): number {
    // 53 bits are what a double holds exactly: 21 from one word, 32 from the other.
    const bytes = randomBytes(FLOAT_BYTES);
    return ((bytes.readUInt32BE(0) >>> 11) * 2 ** 32 + bytes.readUInt32BE(4)) / 2 ** 53;
  }
}
