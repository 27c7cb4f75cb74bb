/**
 * A grant is the public half of an invite: whoever holds the secret key that belongs to `inviteKey`
 * may certify itself as a member, within the grant's limits. It is signed by the root key, or by a
 * member with the role `inviter`, whose own membership certificate it then carries.
 *
 * This file knows the form of grants; whether one is genuine is judged in `membership.ts`.
 */
import { hex } from '@scure/base';
import * as z from 'zod';
import { toHex } from '../base/bytes.js';
import { assert } from '../base/errors.js';
import { ok, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { bytes, uint } from '../wire/codec.js';
import { formatAddress4, isHostAddress4, parseAddress4 } from './addresses.js';
import { isHostName, isInterfaceName, isRole, ROLE_OWNER } from './names.js';
import { NETWORK_ID_BYTES, subnet4Of, TIME_S_MAX, type Genesis } from './network.js';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, signedKind, type Opened } from './signed.js';

export const GRANT_SCHEDULERS = ['adaptive', 'aggregate', 'replicate', 'failover'] as const;
export type GrantScheduler = (typeof GRANT_SCHEDULERS)[number];

/** What an invite allows and fixes. A fixed setting wins over the node's own. */
export interface GrantLimits {
  /** Unix seconds until which the invite can be used; 0: for ever. */
  readonly expiresAtS: number;
  /** How many peers may use it; 0: any number. */
  readonly uses: number;
  /** Sorted, without repeats. */
  readonly roles: readonly string[];
  readonly name?: string;
  /** Dotted quad inside the network's subnet. */
  readonly address4?: string;
  readonly scheduler?: GrantScheduler;
  readonly interfaces?: readonly string[];
}

export interface Grant extends GrantLimits {
  readonly version: 1;
  /** The invite's id: 16 hex digits. */
  readonly id: string;
  readonly networkId: string;
  /** Ed25519 public key, 32 bytes. */
  readonly inviteKey: Uint8Array;
  /** Membership certificate of the member who signed; null when the root key did. */
  readonly issuer: Uint8Array | null;
  /** The signed form, as stored and sent. */
  readonly bytes: Uint8Array;
}

const GRANT_USES_MAX = 1_000_000;
const GRANT_ROLES_MAX = 8;
const GRANT_INTERFACES_MAX = 8;
/** A grant behind the longest chain of issuers, with every field at its limit, takes 3 kB. */
export const GRANT_BYTES_MAX = 4096;
/** Leaves room for the largest terms, so that any issuer that decodes can also be encoded. */
const ISSUER_BYTES_MAX = 3328;

const INVITE_ID_BYTES = 8;

/** Roles in the one order and form they are signed in. */
export const rolesSchema = z.array(z.string().refine(isRole)).max(GRANT_ROLES_MAX).refine(isSorted);

/** n: name, a: IPv4 address, s: scheduler, i: interfaces. */
const settingsSchema = z.strictObject({
  n: z.exactOptional(z.string().refine(isHostName)),
  a: z.exactOptional(uint(0xffff_ffff)),
  s: z.exactOptional(z.enum(GRANT_SCHEDULERS)),
  i: z.exactOptional(z.array(z.string().refine(isInterfaceName)).min(1).max(GRANT_INTERFACES_MAX)),
});

/** expires at, uses, roles, settings, issuer's certificate. */
const termsFields = [
  uint(TIME_S_MAX),
  uint(GRANT_USES_MAX),
  rolesSchema.refine((roles) => !roles.includes(ROLE_OWNER)),
  settingsSchema,
  bytes({ max: ISSUER_BYTES_MAX }).nullable(),
] as const;

/** version, network id, invite key, terms. */
const grantKind = signedKind(
  'overlay grant v1',
  z.tuple([z.literal(1), bytes(NETWORK_ID_BYTES), bytes(PUBLIC_KEY_BYTES), ...termsFields]),
  { bytesMax: GRANT_BYTES_MAX },
);

/** A grant without what an invite says elsewhere: its terms and the signature. */
export const packedGrantSchema = z.tuple([...termsFields, bytes(SIGNATURE_BYTES)]);
export type PackedGrant = z.infer<typeof packedGrantSchema>;

export interface OpenedGrant {
  readonly grant: Grant;
  readonly isSignedBy: Opened<unknown>['isSignedBy'];
}

/** Name of an invite in listings, revocations and claims: a hash of its key, 16 hex digits. */
export function inviteIdOf(inviteKey: Uint8Array, crypto: Crypto): string {
  return toHex(crypto.sha256(inviteKey).subarray(0, INVITE_ID_BYTES));
}

/**
 * True when the invite can no longer be used. A member who used it in time stays a member; so this
 * is judged by those who admit a newcomer, at that moment and by their own clocks.
 *
 * @param wallNowMs Unix milliseconds.
 */
export function grantExpired(grant: GrantLimits, wallNowMs: number): boolean {
  return grant.expiresAtS !== 0 && wallNowMs >= grant.expiresAtS * 1000;
}

/** What is wrong with the limits, as a sentence for who asked for them; null if nothing. */
export function limitsFault(limits: GrantLimits, genesis: Genesis): string | null {
  const { expiresAtS, uses, roles, name, address4, scheduler, interfaces } = limits;
  if (!Number.isInteger(expiresAtS) || expiresAtS < 0 || expiresAtS > TIME_S_MAX) {
    return 'the expiry must be a time before the year 10000';
  }
  if (!Number.isInteger(uses) || uses < 0 || uses > GRANT_USES_MAX) {
    return `the number of uses must be from 1 to ${String(GRANT_USES_MAX)}, or unlimited`;
  }
  if (roles.length > GRANT_ROLES_MAX || !roles.every(isRole)) {
    return `at most ${String(GRANT_ROLES_MAX)} roles of 1 to 16 lower-case letters and digits can be given`;
  }
  if (roles.includes(ROLE_OWNER)) return 'the role owner cannot be given by an invite';
  if (name !== undefined && !isHostName(name)) {
    return 'the name must be 1 to 63 lower-case letters, digits or inner hyphens';
  }
  if (name !== undefined && uses !== 1) return 'an invite with a fixed name can have one use only';
  if (address4 !== undefined) {
    const address = parseAddress4(address4);
    if (address === null) return 'the address must be written like 10.77.3.9';
    if (!isHostAddress4(subnet4Of(genesis), address)) {
      return `the address must be a host address inside ${genesis.subnet4}`;
    }
    if (uses !== 1) return 'an invite with a fixed address can have one use only';
  }
  if (scheduler !== undefined && !GRANT_SCHEDULERS.includes(scheduler)) {
    return `the scheduler must be one of ${GRANT_SCHEDULERS.join(', ')}`;
  }
  if (interfaces === undefined) return null;
  if (interfaces.length < 1 || interfaces.length > GRANT_INTERFACES_MAX) {
    return `an invite can fix 1 to ${String(GRANT_INTERFACES_MAX)} interfaces`;
  }
  return interfaces.every(isInterfaceName)
    ? null
    : 'an interface name has 1 to 32 printable characters without a slash';
}
/** Takes a grant apart without judging who signed it. Never throws. */
export function openGrant(signed: Uint8Array, crypto: Crypto): Result<OpenedGrant, 'malformed'> {
  const opened = grantKind.open(signed);
  if (!opened.ok) return opened;
  const [version, networkId, inviteKey, expiresAtS, uses, roles, settings, issuer] =
    opened.value.body;
  const grant: Grant = {
    version,
    id: inviteIdOf(inviteKey, crypto),
    networkId: toHex(networkId),
    inviteKey,
    expiresAtS,
    uses,
    roles,
    ...(settings.n === undefined ? {} : { name: settings.n }),
    ...(settings.a === undefined ? {} : { address4: formatAddress4(settings.a) }),
    ...(settings.s === undefined ? {} : { scheduler: settings.s }),
    ...(settings.i === undefined ? {} : { interfaces: settings.i }),
    issuer,
    bytes: new Uint8Array(signed),
  };
  return ok({ grant, isSignedBy: opened.value.isSignedBy });
}

/** Signs a grant. Only `membership.ts` calls this, after it has checked the issuer's right to. */
export function signGrant(
  inviteKey: Uint8Array,
  limits: GrantLimits,
  issuer: Uint8Array | null,
  networkId: string,
  secretKey: Uint8Array,
  crypto: Crypto,
): Uint8Array {
  const { name, address4, scheduler, interfaces } = limits;
  const address = address4 === undefined ? null : parseAddress4(address4);
  return grantKind.sign(
    [
      1,
      hex.decode(networkId),
      inviteKey,
      limits.expiresAtS,
      limits.uses,
      [...limits.roles],
      {
        ...(name === undefined ? {} : { n: name }),
        ...(address === null ? {} : { a: address }),
        ...(scheduler === undefined ? {} : { s: scheduler }),
        ...(interfaces === undefined ? {} : { i: [...interfaces] }),
      },
      issuer,
    ],
    secretKey,
    crypto,
  );
}

/** Leaves out what the invite's reader can work out: version, network id and invite key. */
export function packGrant(grant: Grant): PackedGrant {
  const opened = grantKind.open(grant.bytes);
  assert(opened.ok, 'a grant holds the bytes it was opened from');
  const [, , , ...terms] = opened.value.body;
  return [...terms, opened.value.signature];
}

/** The signed form again; still unverified, so a wrong key shows as a wrong signature. */
export function unpackGrant(
  packed: PackedGrant,
  networkId: string,
  inviteKey: Uint8Array,
): Uint8Array {
  const [expiresAtS, uses, roles, settings, issuer, signature] = packed;
  return grantKind.join(
    [1, hex.decode(networkId), inviteKey, expiresAtS, uses, roles, settings, issuer],
    signature,
  );
}

function isSorted(texts: readonly string[]): boolean {
  return texts.every((text, index) => index === 0 || (texts[index - 1] ?? '') < text);
}
