/**
 * Invites: one line of text that lets a machine join. BECH32m (BIP 350) without its length limit: no
 * letters that are easily confused, and a checksum that finds every single wrong character.
 *
 *     ovl1 <base32 of: 01, then CBOR [genesis, pre-shared key or null, invite secret,
 *                                     packed grant, bootstrap addresses]> <checksum>
 *
 * The line is a secret: it holds the invite's secret key and the network's pre-shared key.
 */
import { bech32m } from '@scure/base';
import * as z from 'zod';
import { concatBytes } from '../base/bytes.js';
import { ok, reject, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { bytes, codec } from '../wire/codec.js';
import {
  BOOTSTRAP_MAX,
  isMultiaddrText,
  MULTIADDR_CHARS_MAX,
  packAddresses,
  unpackAddresses,
} from './bootstrap.js';
import { packGrant, packedGrantSchema, unpackGrant, type Grant } from './grant.js';
import { verifyGrant } from './membership.js';
import { verifyGenesis, type Genesis } from './network.js';

export interface Invite {
  readonly genesis: Genesis;
  /** 32 bytes that keep strangers out of the transport; null in open networks. */
  readonly psk: Uint8Array | null;
  readonly grant: Grant;
  /** 32-byte Ed25519 seed of the invite key. */
  readonly inviteSecret: Uint8Array;
  /** 1 to 8 multiaddrs of members. */
  readonly bootstrap: readonly string[];
}

export type InviteErrorCode =
  'not-an-invite' | 'damaged' | 'unsupported-version' | 'malformed' | 'bad-signature';

const PREFIX = 'ovl';
const START = `${PREFIX}1`;
const VERSION = 1;
/** The longest content below, in base32, with room for line breaks and quotes. */
export const INVITE_CHARS_MAX = 16_384;
const PAYLOAD_BYTES_MAX = 8192;
const SECRET_BYTES = 32;
const GENESIS_BYTES_MAX = 256;
/** 4, 16 bytes of address, 2 of port, 32 of key. */
const PACKED_ADDRESS_BYTES_MAX = 50;

const DAMAGED = 'this invite is damaged or cut off: copy the whole line that starts with ovl1';
const RENEW = 'ask for a new invite';

const payloadCodec = codec(
  z.tuple([
    bytes({ max: GENESIS_BYTES_MAX }),
    bytes(SECRET_BYTES).nullable(),
    bytes(SECRET_BYTES),
    packedGrantSchema,
    z
      .array(
        z.union([
          z.string().max(MULTIADDR_CHARS_MAX).refine(isMultiaddrText),
          bytes({ max: PACKED_ADDRESS_BYTES_MAX }),
        ]),
      )
      .min(1)
      .max(BOOTSTRAP_MAX),
  ]),
  { bytesMax: PAYLOAD_BYTES_MAX },
);

/** True for anything that was meant to be an invite, damaged or not. */
export function looksLikeInvite(text: string): boolean {
  return text.length <= INVITE_CHARS_MAX && clean(text).startsWith(START);
}

/** The line to hand over. `bad-bootstrap`: not 1 to 8 multiaddrs; the detail is a sentence. */
export function encodeInvite(invite: Invite): Result<string, 'bad-bootstrap'> {
  const { genesis, psk, grant, inviteSecret, bootstrap } = invite;
  if (bootstrap.length < 1 || bootstrap.length > BOOTSTRAP_MAX) {
    return reject(
      'bad-bootstrap',
      `an invite needs 1 to ${String(BOOTSTRAP_MAX)} addresses at which members can be reached`,
    );
  }
  const wrong = bootstrap.find((address) => !isMultiaddrText(address));
  if (wrong !== undefined) return reject('bad-bootstrap', `${wrong} is no multiaddr`);
  const payload = payloadCodec.encode([
    genesis.bytes,
    psk,
    inviteSecret,
    packGrant(grant),
    packAddresses(bootstrap),
  ]);
  const words = bech32m.toWords(concatBytes(Uint8Array.of(VERSION), payload));
  return ok(bech32m.encode(PREFIX, words, false));
}

/**
 * Reads an invite as people paste it: with spaces and line breaks anywhere, in quotes, in upper case,
 * or with the command in front. Never throws. Details of rejections are sentences ready to print.
 * Whether it has expired or was revoked is judged later, by the clock and the network.
 */
export function decodeInvite(text: string, crypto: Crypto): Result<Invite, InviteErrorCode> {
  if (!looksLikeInvite(text)) {
    return reject(
      'not-an-invite',
      'this is not an invite: an invite is a line that starts with ovl1',
    );
  }
  const decoded = bech32m.decodeUnsafe(clean(text), false);
  const content = decoded === undefined ? undefined : bech32m.fromWordsUnsafe(decoded.words);
  if (content === undefined || decoded?.prefix !== PREFIX) return reject('damaged', DAMAGED);
  if (content[0] !== VERSION) {
    return reject(
      'unsupported-version',
      'this invite was made by a newer release: update overlay on this machine',
    );
  }
  const payload = payloadCodec.decode(content.subarray(1));
  const bootstrap = payload.ok ? unpackAddresses(payload.value[4]) : null;
  if (!payload.ok || bootstrap === null) {
    return reject('malformed', `this invite has content that makes no sense: ${RENEW}`);
  }
  const [genesisBytes, psk, inviteSecret, packedGrant] = payload.value;
  const genesis = verifyGenesis(genesisBytes, crypto);
  if (!genesis.ok) return refuse(genesis.code);
  const { publicKey } = crypto.keyPair(inviteSecret);
  const grantBytes = unpackGrant(packedGrant, genesis.value.networkId, publicKey);
  const verified = verifyGrant(grantBytes, genesis.value, null, crypto);
  if (!verified.ok) return refuse(verified.code);
  const { grant } = verified.value;
  return ok({ genesis: genesis.value, psk, grant, inviteSecret, bootstrap });
}

/** A genuine signature under rules that were broken counts as malformed: no release makes it. */
function refuse(code: string): Result<never, 'malformed' | 'bad-signature'> {
  return code === 'bad-signature'
    ? reject('bad-signature', `this invite was not issued by the network it names: ${RENEW}`)
    : reject('malformed', `this invite breaks the rules of its network: ${RENEW}`);
}

/** Drops what copying and chat programs add: spaces, line breaks, invisible characters, quotes. */
function clean(text: string): string {
  return text
    .replace(/[\s\u00ad\u200b-\u200d\u2060'"`\u2018-\u201f\u00ab\u00bb]/g, '')
    .toLowerCase()
    .replace(/^overlayjoin/, '');
}
