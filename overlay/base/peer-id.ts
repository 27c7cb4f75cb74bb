/**
 * Peer ids as libp2p writes them for Ed25519 keys: base58 of the identity multihash of the protobuf
 * public key, `00 24 08 01 12 20` and the 32 key bytes. The public key is therefore readable from
 * the id itself, so a signature verifies from the peer id alone.
 *
 * Source: libp2p specs, peer-ids.md.
 */
import { base58 } from '@scure/base';
import { concatBytes } from './bytes.js';
import { ok, reject, type Result } from './result.js';

/** `12D3Koo...` */
export type PeerId = string & { readonly __brand: 'PeerId' };

const MULTIHASH_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
const PUBLIC_KEY_BYTES = 32;
/** Longest text worth decoding: base58 is quadratic, and an Ed25519 id has 52 characters. */
const PEER_ID_CHARS_MAX = 64;

export function peerIdOfPublicKey(publicKey: Uint8Array): PeerId {
  return base58.encode(concatBytes(MULTIHASH_PREFIX, publicKey)) as PeerId;
}

/** Checks a text that claims to be a peer id. */
export function parsePeerId(text: string): Result<PeerId, 'bad-peer-id'> {
  if (text.length > PEER_ID_CHARS_MAX) return reject('bad-peer-id', 'too long for a peer id');
  let bytes: Uint8Array;
  try {
    bytes = base58.decode(text);
  } catch {
    return reject('bad-peer-id', 'not base58');
  }
  if (bytes.length !== MULTIHASH_PREFIX.length + PUBLIC_KEY_BYTES) {
    return reject('bad-peer-id', 'not an Ed25519 peer id');
  }
  for (let index = 0; index < MULTIHASH_PREFIX.length; index++) {
    if (bytes[index] !== MULTIHASH_PREFIX[index]) {
      return reject('bad-peer-id', 'not an Ed25519 peer id');
    }
  }
  return ok(text as PeerId);
}

/** The multihash, which is what Kademlia hashes to place a peer. */
export function multihashOf(peer: PeerId): Uint8Array {
  return base58.decode(peer);
}

/** The Ed25519 public key (32 bytes) inside a peer id. */
export function publicKeyOf(peer: PeerId): Uint8Array {
  return multihashOf(peer).subarray(MULTIHASH_PREFIX.length);
}
