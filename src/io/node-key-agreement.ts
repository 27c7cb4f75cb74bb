/** The `KeyAgreement` port on OpenSSL by way of Node. */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { concatBytes } from '../../overlay/base/bytes.js';
import { assert } from '../../overlay/base/errors.js';
import type { KeyAgreement } from '../../overlay/ports.js';

const KEY_BYTES = 32;
/** Headers that turn raw X25519 keys into what Node reads. Source: RFC 8410, sections 4 and 7. */
const PKCS8_HEADER = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_HEADER = Buffer.from('302a300506032b656e032100', 'hex');

function secretOf(secretKey: Uint8Array): KeyObject {
  assert(secretKey.length === KEY_BYTES, 'an X25519 secret key has 32 bytes');
  const key = Buffer.from(concatBytes(PKCS8_HEADER, secretKey));
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

export class NodeKeyAgreement implements KeyAgreement {
  publicKey(secretKey: Uint8Array): Uint8Array {
    const der = createPublicKey(secretOf(secretKey)).export({ type: 'spki', format: 'der' });
    return Uint8Array.from(der.subarray(SPKI_HEADER.length));
  }

  agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
    if (publicKey.length !== KEY_BYTES) return null;
    const privateKey = secretOf(secretKey);
    const key = Buffer.from(concatBytes(SPKI_HEADER, publicKey));
    try {
      const other = createPublicKey({ key, format: 'der', type: 'spki' });
      // OpenSSL refuses the few points that give zero whatever the secret (RFC 7748, section 6.1).
      return Uint8Array.from(diffieHellman({ privateKey, publicKey: other }));
    } catch {
      return null;
    }
  }

  hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', secret, salt, info, bytes));
  }
}
