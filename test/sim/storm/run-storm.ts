/** A storm on this machine: with its hash function, and its event loop to let promises run. */
import { createHash } from 'node:crypto';
import { cheapCrypto } from '../../../sim/core/cheap-crypto.js';
import { Storm, type StormOptions, type StormResult } from '../../../sim/scenarios/storm.js';

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest());
}

export async function runStorm(
  options: Omit<StormOptions, 'crypto' | 'settle'>,
): Promise<StormResult> {
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return await new Storm({ ...options, crypto: cheapCrypto(sha256), settle }).run();
}
