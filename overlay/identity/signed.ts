/**
 * Signed objects: a body and an Ed25519 signature (RFC 8032) over the kind's domain and the body.
 *
 *     82              array of 2
 *       <body>        canonical CBOR, one form only
 *       58 40 <64 B>  signature over utf8(domain) 00 <body>
 *
 * The domain keeps a signature made for one kind from being shown as one of another kind.
 */
import * as z from 'zod';
import { concatBytes, utf8Bytes } from '../base/bytes.js';
import { reject, ok, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { bytes, codec } from '../wire/codec.js';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

const PAIR_HEAD = Uint8Array.of(0x82);
const SIGNATURE_HEAD = Uint8Array.of(0x58, SIGNATURE_BYTES);

export interface Opened<Body> {
  readonly body: Body;
  readonly signature: Uint8Array;
  readonly isSignedBy: (publicKey: Uint8Array, crypto: Crypto) => boolean;
}

export interface SignedKind<Body> {
  sign(body: Body, secretKey: Uint8Array, crypto: Crypto): Uint8Array;
  /** Puts a body and a signature made earlier together again. */
  join(body: Body, signature: Uint8Array): Uint8Array;
  /** Takes a signed object apart. Nothing is verified yet. Never throws. */
  open(bytes: Uint8Array): Result<Opened<Body>, 'malformed'>;
}

/** @param domain such as `overlay genesis v1`; unique for each kind and version. */
export function signedKind<Body>(
  domain: string,
  bodySchema: z.ZodType<Body, Body>,
  limits: { readonly bytesMax: number },
): SignedKind<Body> {
  const bodyCodec = codec(bodySchema, limits);
  const pairSchema = z.tuple([bodySchema, bytes(SIGNATURE_BYTES)]) as unknown as z.ZodType<
    [Body, Uint8Array],
    [Body, Uint8Array]
  >;
  const pairCodec = codec(pairSchema, limits);
  const prefix = utf8Bytes(`${domain}\0`);

  const join = (body: Uint8Array, signature: Uint8Array): Uint8Array =>
    concatBytes(PAIR_HEAD, body, SIGNATURE_HEAD, signature);

  return {
    sign(body, secretKey, crypto) {
      const encoded = bodyCodec.encode(body);
      return join(encoded, crypto.sign(secretKey, concatBytes(prefix, encoded)));
    },
    join(body, signature) {
      return join(bodyCodec.encode(body), signature);
    },
    open(signed) {
      const decoded = pairCodec.decode(signed);
      if (!decoded.ok) return reject('malformed', `${decoded.code}: ${decoded.detail}`);
      const [body, signature] = decoded.value;
      // The encoding is canonical, so the body's bytes can be cut out instead of encoded again.
      const end = signed.length - SIGNATURE_BYTES - SIGNATURE_HEAD.length;
      const message = concatBytes(prefix, signed.subarray(PAIR_HEAD.length, end));
      return ok({
        body,
        signature,
        isSignedBy: (publicKey, crypto) => crypto.verify(publicKey, message, signature),
      });
    },
  };
}
