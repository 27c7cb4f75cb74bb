/**
 * Remembers good signatures: the same certificates come again with every hello, commit and lookup,
 * and a hash is some fifty times cheaper than an Ed25519 verification.
 */
import { concatBytes, toHex } from '../../overlay/base/bytes.js';
import type { Crypto } from '../../overlay/ports.js';

/** Good signatures remembered; 100 bytes each. Bad ones are not, or garbage would push out the good. */
const REMEMBERED_MAX = 8_192;

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

export function cachingCrypto(crypto: Crypto): Crypto {
  const good = new Set<string>();
  return {
    sha256: (data) => crypto.sha256(data),
    keyPair: (seed) => crypto.keyPair(seed),
    sign: (secretKey, message) => crypto.sign(secretKey, message),
    verify(publicKey, message, signature) {
      // Lengths are part of what was found good: the key below cannot tell where one part ends.
      if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
      const key = toHex(crypto.sha256(concatBytes(publicKey, signature, message)));
      if (good.has(key)) return true;
      if (!crypto.verify(publicKey, message, signature)) return false;
      if (good.size >= REMEMBERED_MAX) {
        const oldest = good.values().next();
        if (oldest.done !== true) good.delete(oldest.value);
      }
      good.add(key);
      return true;
    },
  };
}
