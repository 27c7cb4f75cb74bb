/**
 * The crypto port with signatures that cost nothing, for tests of schedules: thousands of grants are
 * signed and checked in each. Anybody could forge them; forgery is tested with real keys.
 */
import { createHash } from 'node:crypto';
import type { Crypto } from '../../../overlay/ports.js';

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const half = sha256(publicKey, message);
  const signature = new Uint8Array(64);
  signature.set(half);
  signature.set(half, 32);
  return signature;
}

export const cheapCrypto: Crypto = {
  sha256: (data) => sha256(data),
  keyPair: (seed) => ({ publicKey: sha256(seed), secretKey: seed }),
  sign: (secretKey, message) => signatureOf(sha256(secretKey), message),
  verify: (publicKey, message, signature) =>
    Buffer.compare(signatureOf(publicKey, message), signature) === 0,
};
