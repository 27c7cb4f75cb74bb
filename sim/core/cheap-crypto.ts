/**
 * The `Crypto` port with signatures that cost a hash, for runs in which millions of them are made and checked. It is
 * deterministic, and anybody could forge them: forgery is tested with real keys.
 */
import { concatBytes, equalBytes } from '../../overlay/base/bytes.js';
import type { Crypto } from '../../overlay/ports.js';

const HALF_BYTES = 32;

/** @param sha256 the platform's, which is several times faster than any written here */
export function cheapCrypto(sha256: (data: Uint8Array) => Uint8Array): Crypto {
  const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(2 * HALF_BYTES);
    signature.set(sha256(concatBytes(publicKey, message)));
    signature.set(publicKey.subarray(0, HALF_BYTES), HALF_BYTES);
    return signature;
  };
  // The last secret keys, since a node signs many times in a row.
  const publicKeys = new Map<string, Uint8Array>();
  const publicKeyOf = (secretKey: Uint8Array): Uint8Array => {
    const id = secretKey.join(',');
    const known = publicKeys.get(id);
    if (known !== undefined) return known;
    const publicKey = sha256(secretKey);
    if (publicKeys.size >= PUBLIC_KEYS_MAX) publicKeys.clear();
    publicKeys.set(id, publicKey);
    return publicKey;
  };
  return {
    sha256,
    keyPair: (seed) => ({ publicKey: publicKeyOf(seed), secretKey: seed }),
    sign: (secretKey, message) => signatureOf(publicKeyOf(secretKey), message),
    verify: (publicKey, message, signature) =>
      equalBytes(signatureOf(publicKey, message), signature),
  };
}

const PUBLIC_KEYS_MAX = 65_536;
