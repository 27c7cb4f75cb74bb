/** The `Crypto` port on OpenSSL by way of Node. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { concatBytes, toHex } from '../../overlay/base/bytes.js';
import { CodedError } from '../../overlay/base/errors.js';
import type { Crypto, KeyPair } from '../../overlay/ports.js';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Headers that turn raw Ed25519 keys into what Node reads. Source: RFC 8410, sections 4 and 7. */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');

/** Parsed keys kept: making one costs as much as a signature, and few sign often. */
const KEYS_CACHED_MAX = 256;

class KeyCache {
  readonly #keys = new Map<string, KeyObject>();

  get(raw: Uint8Array, make: () => KeyObject): KeyObject {
    const id = toHex(raw);
    const held = this.#keys.get(id);
    if (held !== undefined) return held;
    const key = make();
    const oldest = this.#keys.keys().next();
    if (this.#keys.size >= KEYS_CACHED_MAX && oldest.done !== true) this.#keys.delete(oldest.value);
    this.#keys.set(id, key);
    return key;
  }
}

export class NodeCrypto implements Crypto {
  readonly #secretKeys = new KeyCache();
  readonly #publicKeys = new KeyCache();

  sha256(data: Uint8Array): Uint8Array {
    return Uint8Array.from(createHash('sha256').update(data).digest());
  }

  /** @throws CodedError `bad-key` unless the seed has 32 bytes */
  keyPair(seed: Uint8Array): KeyPair {
    const publicDer = createPublicKey(this.#secret(seed)).export({ type: 'spki', format: 'der' });
    return {
      publicKey: Uint8Array.from(publicDer.subarray(SPKI_HEADER.length)),
      secretKey: Uint8Array.from(seed),
    };
  }

  /** @throws CodedError `bad-key` unless the secret key has 32 bytes */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
    return Uint8Array.from(sign(null, message, this.#secret(secretKey)));
  }

  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
    try {
      const key = this.#publicKeys.get(publicKey, () =>
        createPublicKey({
          key: Buffer.from(concatBytes(SPKI_HEADER, publicKey)),
          format: 'der',
          type: 'spki',
        }),
      );
      return verify(null, message, key, signature);
    } catch {
      // Not a point of the curve.
      return false;
    }
  }

  #secret(seed: Uint8Array): KeyObject {
    if (seed.length !== KEY_BYTES) {
      throw new CodedError('bad-key', 'an Ed25519 secret key has 32 bytes', { bytes: seed.length });
    }
    return this.#secretKeys.get(seed, () =>
      createPrivateKey({
        key: Buffer.from(concatBytes(PKCS8_HEADER, seed)),
        format: 'der',
        type: 'pkcs8',
      }),
    );
  }
}
