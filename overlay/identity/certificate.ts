/**
 * Membership certificates: what a peer shows to prove that it belongs to the network. Short, in
 * canonical CBOR, and free of dates, so that the same peer always makes the same certificate.
 *
 *     root     [1, 0, network id, peer key, roles]   signed by the root key
 *     invite   [1, 1, peer key, grant]               signed by the invite's secret key
 *     open     [1, 2, network id, peer key]          signed by the peer; open networks only
 *
 * This file knows their form; whether one is genuine is judged in `membership.ts`.
 */
import { hex } from '@scure/base';
import * as z from 'zod';
import { toHex } from '../base/bytes.js';
import { peerIdOfPublicKey, publicKeyOf, type PeerId } from '../base/peer-id.js';
import { ok, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { bytes } from '../wire/codec.js';
import { GRANT_BYTES_MAX, rolesSchema } from './grant.js';
import type { Genesis } from './network.js';
import { NETWORK_ID_BYTES } from './network.js';
import { PUBLIC_KEY_BYTES, signedKind, type Opened } from './signed.js';

/** Same as a grant's limit, since each may hold the other. */
export const CERTIFICATE_BYTES_MAX = GRANT_BYTES_MAX;

const KIND_ROOT = 0;
const KIND_INVITE = 1;
const KIND_OPEN = 2;

const certificateKind = signedKind(
  'overlay membership v1',
  z.union([
    z.tuple([
      z.literal(1),
      z.literal(KIND_ROOT),
      bytes(NETWORK_ID_BYTES),
      bytes(PUBLIC_KEY_BYTES),
      rolesSchema,
    ]),
    z.tuple([
      z.literal(1),
      z.literal(KIND_INVITE),
      bytes(PUBLIC_KEY_BYTES),
      bytes({ max: GRANT_BYTES_MAX }),
    ]),
    z.tuple([z.literal(1), z.literal(KIND_OPEN), bytes(NETWORK_ID_BYTES), bytes(PUBLIC_KEY_BYTES)]),
  ]),
  { bytesMax: CERTIFICATE_BYTES_MAX },
);

export type Certificate =
  | {
      readonly kind: 'root';
      readonly peer: PeerId;
      readonly networkId: string;
      readonly roles: readonly string[];
    }
  | { readonly kind: 'invite'; readonly peer: PeerId; readonly grant: Uint8Array }
  | { readonly kind: 'open'; readonly peer: PeerId; readonly networkId: string };

export interface OpenedCertificate {
  readonly certificate: Certificate;
  readonly isSignedBy: Opened<unknown>['isSignedBy'];
}

/** The owner makes `peer` a member. @param roles of any number and order. */
export function certifyByRoot(
  genesis: Genesis,
  peer: PeerId,
  roles: readonly string[],
  rootSecretKey: Uint8Array,
  crypto: Crypto,
): Uint8Array {
  return certificateKind.sign(
    [1, KIND_ROOT, hex.decode(genesis.networkId), publicKeyOf(peer), [...new Set(roles)].sort()],
    rootSecretKey,
    crypto,
  );
}

/** The holder of an invite makes itself a member; nobody else needs to be online. */
export function certifyByInvite(
  grant: Uint8Array,
  peer: PeerId,
  inviteSecret: Uint8Array,
  crypto: Crypto,
): Uint8Array {
  return certificateKind.sign([1, KIND_INVITE, publicKeyOf(peer), grant], inviteSecret, crypto);
}

/** A peer joins an open network. @param peerSecretKey 32-byte seed of the key inside the peer id. */
export function certifyOpen(
  genesis: Genesis,
  peerSecretKey: Uint8Array,
  crypto: Crypto,
): Uint8Array {
  const { publicKey } = crypto.keyPair(peerSecretKey);
  return certificateKind.sign(
    [1, KIND_OPEN, hex.decode(genesis.networkId), publicKey],
    peerSecretKey,
    crypto,
  );
}

/** Takes a certificate apart without judging it. Never throws. */
export function openCertificate(signed: Uint8Array): Result<OpenedCertificate, 'malformed'> {
  const opened = certificateKind.open(signed);
  if (!opened.ok) return opened;
  const { body, isSignedBy } = opened.value;
  switch (body[1]) {
    case KIND_ROOT: {
      const [, , networkId, peerKey, roles] = body;
      const peer = peerIdOfPublicKey(peerKey);
      return ok({
        certificate: { kind: 'root', peer, networkId: toHex(networkId), roles },
        isSignedBy,
      });
    }
    case KIND_INVITE: {
      const [, , peerKey, grant] = body;
      return ok({
        certificate: { kind: 'invite', peer: peerIdOfPublicKey(peerKey), grant },
        isSignedBy,
      });
    }
    case KIND_OPEN: {
      const [, , networkId, peerKey] = body;
      return ok({
        certificate: {
          kind: 'open',
          peer: peerIdOfPublicKey(peerKey),
          networkId: toHex(networkId),
        },
        isSignedBy,
      });
    }
  }
}
