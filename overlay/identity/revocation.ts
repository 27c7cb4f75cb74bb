/**
 * The list of peers and invites that are no longer welcome. It only grows, is signed by the root key
 * as a whole, and travels by gossip and the directory, so a node may keep any newer list it meets.
 */
import { hex } from '@scure/base';
import * as z from 'zod';
import { compareBytes, concatBytes, toHex } from '../base/bytes.js';
import { peerIdOfPublicKey, publicKeyOf, type PeerId } from '../base/peer-id.js';
import { ok, reject, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { bytes, uint } from '../wire/codec.js';
import { NETWORK_ID_BYTES, type Genesis } from './network.js';
import { PUBLIC_KEY_BYTES, signedKind } from './signed.js';

export interface RevocationList {
  readonly version: 1;
  readonly networkId: string;
  /** Higher wins. */
  readonly sequence: number;
  readonly peers: ReadonlySet<PeerId>;
  /** Invite ids: 16 hex digits. */
  readonly invites: ReadonlySet<string>;
  /** The signed form, as stored and sent. */
  readonly bytes: Uint8Array;
}

/** Bound the list to 96 KiB, so that every node can keep it and a directory record can hold it. */
export const REVOKED_PEERS_MAX = 2048;
export const REVOKED_INVITES_MAX = 4096;

const INVITE_ID_BYTES = 8;
/** The entries, and room for everything around them. */
export const REVOCATION_BYTES_MAX =
  REVOKED_PEERS_MAX * PUBLIC_KEY_BYTES + REVOKED_INVITES_MAX * INVITE_ID_BYTES + 256;

/** version, network id, sequence, peer keys end to end, invite ids end to end; both sorted. */
const revocationKind = signedKind(
  'overlay revocation v1',
  z.tuple([
    z.literal(1),
    bytes(NETWORK_ID_BYTES),
    uint(Number.MAX_SAFE_INTEGER),
    bytes({ max: REVOKED_PEERS_MAX * PUBLIC_KEY_BYTES }),
    bytes({ max: REVOKED_INVITES_MAX * INVITE_ID_BYTES }),
  ]),
  { bytesMax: REVOCATION_BYTES_MAX },
);

/**
 * Signs the successor of `current` (null: the first list) with more entries. What is listed already
 * is no error. `full`: a limit is reached; `malformed`: an entry is no invite id.
 */
export function extendRevocations(
  current: RevocationList | null,
  added: { readonly peers?: readonly PeerId[]; readonly invites?: readonly string[] },
  genesis: Genesis,
  rootSecretKey: Uint8Array,
  crypto: Crypto,
): Result<RevocationList, 'full' | 'malformed'> {
  const peers = new Set([...(current?.peers ?? []), ...(added.peers ?? [])]);
  const invites = new Set([...(current?.invites ?? []), ...(added.invites ?? [])]);
  if (peers.size > REVOKED_PEERS_MAX || invites.size > REVOKED_INVITES_MAX) {
    return reject('full', 'the revocation list is full: create a new network to shed old entries');
  }
  if (![...invites].every((id) => /^[0-9a-f]{16}$/.test(id))) {
    return reject('malformed', 'an invite id has 16 hexadecimal digits');
  }
  const sequence = (current?.sequence ?? 0) + 1;
  const signed = revocationKind.sign(
    [
      1,
      hex.decode(genesis.networkId),
      sequence,
      concatBytes(...[...peers].map(publicKeyOf).sort(compareBytes)),
      hex.decode([...invites].sort().join('')),
    ],
    rootSecretKey,
    crypto,
  );
  const { networkId } = genesis;
  return ok({ version: 1, networkId, sequence, peers, invites, bytes: signed });
}

/** Judges a list another node sent. Never throws. */
export function verifyRevocations(
  signed: Uint8Array,
  genesis: Genesis,
  crypto: Crypto,
): Result<RevocationList, 'malformed' | 'foreign-network' | 'bad-signature'> {
  const opened = revocationKind.open(signed);
  if (!opened.ok) return opened;
  const [version, network, sequence, peerKeys, inviteIds] = opened.value.body;
  const peers = entries(peerKeys, PUBLIC_KEY_BYTES);
  const invites = entries(inviteIds, INVITE_ID_BYTES);
  if (peers === null || invites === null) {
    return reject('malformed', 'the entries of the revocation list are not in order');
  }
  const networkId = toHex(network);
  if (networkId !== genesis.networkId) {
    return reject('foreign-network', 'the revocation list belongs to another network');
  }
  if (!opened.value.isSignedBy(genesis.rootKey, crypto)) {
    return reject('bad-signature', 'the revocation list is not signed by the root key');
  }
  return ok({
    version,
    networkId,
    sequence,
    peers: new Set(peers.map(peerIdOfPublicKey)),
    invites: new Set(invites.map(toHex)),
    bytes: new Uint8Array(signed),
  });
}

/**
 * The list to keep of two verified ones: the higher sequence. Equal sequences with different bytes
 * arise when the owner signs on two machines; the greater bytes win, so that all nodes agree.
 */
export function newerRevocations(
  current: RevocationList | null,
  candidate: RevocationList,
): RevocationList {
  if (current === null || candidate.sequence > current.sequence) return candidate;
  if (candidate.sequence < current.sequence) return current;
  return compareBytes(candidate.bytes, current.bytes) > 0 ? candidate : current;
}

/** Cuts fixed-length entries apart; null unless they are whole and strictly ascending. */
function entries(joined: Uint8Array, entryBytes: number): Uint8Array[] | null {
  if (joined.length % entryBytes !== 0) return null;
  const found: Uint8Array[] = [];
  for (let offset = 0; offset < joined.length; offset += entryBytes) {
    const entry = joined.subarray(offset, offset + entryBytes);
    const previous = found.at(-1);
    if (previous !== undefined && compareBytes(previous, entry) >= 0) return null;
    found.push(entry);
  }
  return found;
}
