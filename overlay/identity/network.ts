/**
 * What a network is: an Ed25519 root key, and the genesis it signs once at creation. Whoever holds
 * the genesis knows every rule that must be the same on all nodes.
 */
import * as z from 'zod';
import { concatBytes, toHex, utf8Bytes } from '../base/bytes.js';
import { assert } from '../base/errors.js';
import { ok, reject, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { bytes, uint } from '../wire/codec.js';
import { formatSubnet4, parseSubnet4, type Subnet4 } from './addresses.js';
import { isNetworkName } from './names.js';
import { PUBLIC_KEY_BYTES, signedKind } from './signed.js';

export interface Genesis {
  readonly version: 1;
  /** Ed25519 public key, 32 bytes. */
  readonly rootKey: Uint8Array;
  readonly name: string;
  /** CIDR text, such as `10.77.0.0/16`. */
  readonly subnet4: string;
  /** True: anyone may join without an invite. */
  readonly open: boolean;
  /** Unix seconds; for people only. */
  readonly createdAtS: number;
  readonly leaseTermS: number;
  /** 32 hex digits; see {@link networkIdOf}. */
  readonly networkId: string;
  /** The signed form, as stored and sent. */
  readonly bytes: Uint8Array;
}

export interface GenesisRequest {
  /** 32-byte Ed25519 seed of the root key. */
  readonly rootSecretKey: Uint8Array;
  readonly name: string;
  readonly subnet4: string;
  readonly open: boolean;
  readonly createdAtS: number;
  readonly leaseTermS: number;
}

export const NETWORK_ID_BYTES = 16;
/** 9999-12-31T23:59:59Z, the last second ISO 8601 writes with four digits. */
export const TIME_S_MAX = 253_402_300_799;
/** Shorter terms would be spent on renewing; longer ones keep a dead peer's address for weeks. */
const LEASE_TERM_S_MIN = 5;
const LEASE_TERM_S_MAX = 30 * 86_400;

const GENESIS_BYTES_MAX = 256;
const NETWORK_ID_DOMAIN = utf8Bytes('overlay network id v1\0');

/** version, root key, name, subnet, its prefix length, open, created at, lease term. */
const genesisKind = signedKind(
  'overlay genesis v1',
  z.tuple([
    z.literal(1),
    bytes(PUBLIC_KEY_BYTES),
    z.string().refine(isNetworkName),
    uint(0xffff_ffff),
    uint(32),
    z.boolean(),
    uint(TIME_S_MAX),
    z.int().min(LEASE_TERM_S_MIN).max(LEASE_TERM_S_MAX),
  ]),
  { bytesMax: GENESIS_BYTES_MAX },
);

/** The first 16 bytes, in hex, of a hash over the root key. */
export function networkIdOf(rootKey: Uint8Array, crypto: Crypto): string {
  const hash = crypto.sha256(concatBytes(NETWORK_ID_DOMAIN, rootKey));
  return toHex(hash.subarray(0, NETWORK_ID_BYTES));
}

/** Signs the rules of a new network. The details of rejections are sentences for its user. */
export function createGenesis(
  request: GenesisRequest,
  crypto: Crypto,
): Result<Genesis, 'bad-name' | 'bad-subnet' | 'bad-lease-term'> {
  const { name, open, createdAtS, leaseTermS } = request;
  if (!isNetworkName(name)) {
    return reject(
      'bad-name',
      'the network name must be 1 to 32 lower-case letters, digits or inner hyphens',
    );
  }
  const subnet = parseSubnet4(request.subnet4);
  if (!subnet.ok) return subnet;
  if (
    !Number.isInteger(leaseTermS) ||
    leaseTermS < LEASE_TERM_S_MIN ||
    leaseTermS > LEASE_TERM_S_MAX
  ) {
    return reject(
      'bad-lease-term',
      `the lease term must be ${String(LEASE_TERM_S_MIN)} to ${String(LEASE_TERM_S_MAX)} seconds`,
    );
  }
  const { publicKey } = crypto.keyPair(request.rootSecretKey);
  const { network, prefixLength } = subnet.value;
  const signed = genesisKind.sign(
    [1, publicKey, name, network, prefixLength, open, createdAtS, leaseTermS],
    request.rootSecretKey,
    crypto,
  );
  return ok({
    version: 1,
    rootKey: publicKey,
    name,
    subnet4: request.subnet4,
    open,
    createdAtS,
    leaseTermS,
    networkId: networkIdOf(publicKey, crypto),
    bytes: signed,
  });
}

/** Never throws. The value shares no memory with `signed`. */
export function verifyGenesis(
  signed: Uint8Array,
  crypto: Crypto,
): Result<Genesis, 'malformed' | 'bad-signature'> {
  const opened = genesisKind.open(signed);
  if (!opened.ok) return opened;
  const [version, rootKey, name, network, prefixLength, open, createdAtS, leaseTermS] =
    opened.value.body;
  const subnet4 = formatSubnet4({ network, prefixLength });
  const subnet = parseSubnet4(subnet4);
  if (!subnet.ok) return reject('malformed', subnet.detail);
  if (!opened.value.isSignedBy(rootKey, crypto)) {
    return reject('bad-signature', 'the description of the network is not signed by its root key');
  }
  const networkId = networkIdOf(rootKey, crypto);
  return ok({
    version,
    rootKey,
    name,
    subnet4,
    open,
    createdAtS,
    leaseTermS,
    networkId,
    bytes: new Uint8Array(signed),
  });
}

/** The network's IPv4 subnet as numbers. */
export function subnet4Of(genesis: Genesis): Subnet4 {
  const subnet = parseSubnet4(genesis.subnet4);
  assert(subnet.ok, 'a genesis passed this check when it was created or verified');
  return subnet.value;
}
