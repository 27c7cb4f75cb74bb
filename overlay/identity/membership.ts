/**
 * Who is in: judges membership certificates and the grants behind them, up to the root key.
 *
 * Rules for grants that a member signed instead of the root key:
 * - the member has the role `inviter`, by a certificate that is judged by the same rules;
 * - it hands out only roles it has itself;
 * - the invite expires no later than the one the member joined by. An invite that can no longer be
 *   used could otherwise be used once more to issue a fresh one. The role `inviter` thus lasts as
 *   long as the invite it came with, while membership itself does not end by time.
 *
 * An exhausted invite cannot be told from these bytes alone: those who admit a newcomer also check
 * that every member in `issuerChain` was admitted itself.
 */
import { publicKeyOf, type PeerId } from '../base/peer-id.js';
import { ok, reject, type Result } from '../base/result.js';
import type { Crypto } from '../ports.js';
import { openCertificate, type Certificate } from './certificate.js';
import { limitsFault, openGrant, signGrant, type Grant, type GrantLimits } from './grant.js';
import { ROLE_INVITER } from './names.js';
import type { Genesis } from './network.js';
import type { RevocationList } from './revocation.js';

export type MembershipErrorCode =
  | 'malformed'
  | 'foreign-network' // made for another network
  | 'wrong-peer' // somebody else's certificate
  | 'bad-signature'
  | 'not-open' // certified itself, but the network wants an invite
  | 'revoked' // the peer, its invite, or one of those behind it
  | 'not-an-inviter' // its invite was issued by a member without that role
  | 'role-escalation' // its invite gives roles that the issuer does not have
  | 'outlives-issuer' // its invite expires later than the issuer's own
  | 'chain-too-deep';

/** A member behind an invite. */
export interface Issuer {
  readonly peer: PeerId;
  readonly inviteId: string | null;
}

export interface Membership {
  readonly kind: Certificate['kind'];
  readonly peer: PeerId;
  readonly roles: readonly string[];
  /** The invite it joined by, or null. */
  readonly inviteId: string | null;
  readonly grant: Grant | null;
  /** Members between this one and the root key, nearest first. */
  readonly issuerChain: readonly Issuer[];
}

export interface VerifiedGrant {
  readonly grant: Grant;
  readonly issuerChain: readonly Issuer[];
}

/** Who signs a grant: the root key, or a member by its own key. Secret keys are 32-byte seeds. */
export type GrantSigner =
  | { readonly kind: 'root'; readonly secretKey: Uint8Array }
  | {
      readonly kind: 'member';
      readonly secretKey: Uint8Array;
      /** The member's own membership certificate. */
      readonly certificate: Uint8Array;
    };

/** Most certificates between a member, itself included, and the root key. */
export const CHAIN_DEPTH_MAX = 4;

interface Context {
  readonly genesis: Genesis;
  readonly revocations: RevocationList | null;
  readonly crypto: Crypto;
}

/**
 * Judges the certificate a peer shows. Never throws. Costs up to two signature checks for each link
 * of the chain, which a caller may cache by wrapping `crypto`; whatever is cheaper is judged first.
 *
 * The expiry of the invite is not judged here: see `grantExpired`.
 */
export function verifyMembership(
  certificate: Uint8Array,
  expectedPeer: PeerId,
  genesis: Genesis,
  revocations: RevocationList | null,
  crypto: Crypto,
): Result<Membership, MembershipErrorCode> {
  return judgeCertificate(certificate, expectedPeer, { genesis, revocations, crypto }, 1);
}

/** Judges a grant on its own, as a newcomer does with its invite. Never throws. */
export function verifyGrant(
  grant: Uint8Array,
  genesis: Genesis,
  revocations: RevocationList | null,
  crypto: Crypto,
): Result<VerifiedGrant, MembershipErrorCode> {
  return judgeGrant(grant, { genesis, revocations, crypto }, 1);
}

/**
 * Signs a grant for the invite key pair whose seed is `inviteSecret`. It is judged like any other
 * before it is handed out, so an inviter learns at once what it may not give. The details of
 * rejections are sentences for who asked for the invite.
 */
export function issueGrant(
  limits: GrantLimits,
  inviteSecret: Uint8Array,
  signer: GrantSigner,
  genesis: Genesis,
  revocations: RevocationList | null,
  crypto: Crypto,
): Result<Grant, MembershipErrorCode | 'bad-limits'> {
  const fault = limitsFault(limits, genesis);
  if (fault !== null) return reject('bad-limits', fault);
  const issuer = signer.kind === 'root' ? null : signer.certificate;
  if (issuer !== null) {
    // A chain too long or too large is refused before it is wrapped once more.
    const judged = judgeCertificate(issuer, null, { genesis, revocations, crypto }, 2);
    if (!judged.ok) return judged;
  }
  const signed = signGrant(
    crypto.keyPair(inviteSecret).publicKey,
    { ...limits, roles: [...new Set(limits.roles)].sort() },
    issuer,
    genesis.networkId,
    signer.secretKey,
    crypto,
  );
  const verified = verifyGrant(signed, genesis, revocations, crypto);
  return verified.ok ? ok(verified.value.grant) : verified;
}

/**
 * @param expectedPeer null: whoever it names, as with issuers, who then must have signed the grant.
 * @param depth certificates from the one being proven up to this one, itself included.
 */
function judgeCertificate(
  signed: Uint8Array,
  expectedPeer: PeerId | null,
  context: Context,
  depth: number,
): Result<Membership, MembershipErrorCode> {
  const { genesis, revocations, crypto } = context;
  if (depth > CHAIN_DEPTH_MAX) {
    return reject(
      'chain-too-deep',
      `more than ${String(CHAIN_DEPTH_MAX)} members stand between this membership and the root key`,
    );
  }
  const opened = openCertificate(signed);
  if (!opened.ok) return opened;
  const { certificate, isSignedBy } = opened.value;
  const { kind, peer } = certificate;
  if (expectedPeer !== null && peer !== expectedPeer) {
    return reject('wrong-peer', 'the membership certificate was made for another peer');
  }
  if (revocations?.peers.has(peer) === true) {
    return reject('revoked', `the membership of ${peer} was revoked`);
  }
  if (kind === 'invite') {
    const judged = judgeGrant(certificate.grant, context, depth);
    if (!judged.ok) return judged;
    const { grant, issuerChain } = judged.value;
    if (!isSignedBy(grant.inviteKey, crypto)) {
      return reject('bad-signature', 'the membership certificate is not signed by its invite');
    }
    return ok({ kind, peer, roles: grant.roles, inviteId: grant.id, grant, issuerChain });
  }
  if (certificate.networkId !== genesis.networkId) {
    return reject('foreign-network', 'the membership certificate belongs to another network');
  }
  if (kind === 'open' && !genesis.open) {
    return reject('not-open', 'this network admits nobody without an invite');
  }
  if (!isSignedBy(kind === 'open' ? publicKeyOf(peer) : genesis.rootKey, crypto)) {
    return reject('bad-signature', 'the membership certificate is not genuine');
  }
  const roles = kind === 'open' ? [] : certificate.roles;
  return ok({ kind, peer, roles, inviteId: null, grant: null, issuerChain: [] });
}

/** @param depth of the certificate that holds, or will hold, this grant. */
function judgeGrant(
  signed: Uint8Array,
  context: Context,
  depth: number,
): Result<VerifiedGrant, MembershipErrorCode> {
  const { genesis, revocations, crypto } = context;
  const opened = openGrant(signed, crypto);
  if (!opened.ok) return opened;
  const { grant, isSignedBy } = opened.value;
  if (grant.networkId !== genesis.networkId) {
    return reject('foreign-network', 'the invite belongs to another network');
  }
  const fault = limitsFault(grant, genesis);
  if (fault !== null) return reject('malformed', fault);
  if (revocations?.invites.has(grant.id) === true) {
    return reject('revoked', `the invite ${grant.id} was revoked`);
  }
  if (grant.issuer === null) {
    return isSignedBy(genesis.rootKey, crypto)
      ? ok({ grant, issuerChain: [] })
      : reject('bad-signature', 'the invite is not signed by the root key of the network');
  }
  const judged = judgeCertificate(grant.issuer, null, context, depth + 1);
  if (!judged.ok) return judged;
  const issuer = judged.value;
  const overstep = judgeIssue(grant, issuer);
  if (!overstep.ok) return overstep;
  if (!isSignedBy(publicKeyOf(issuer.peer), crypto)) {
    return reject('bad-signature', 'the invite is not signed by the member it names as its issuer');
  }
  const { peer, inviteId } = issuer;
  return ok({ grant, issuerChain: [{ peer, inviteId }, ...issuer.issuerChain] });
}

/** What a member may hand out. */
function judgeIssue(
  grant: Grant,
  issuer: Membership,
): Result<null, 'not-an-inviter' | 'role-escalation' | 'outlives-issuer'> {
  if (!issuer.roles.includes(ROLE_INVITER)) {
    return reject('not-an-inviter', `only members with the role ${ROLE_INVITER} can invite others`);
  }
  const excess = grant.roles.find((role) => !issuer.roles.includes(role));
  if (excess !== undefined) {
    return reject('role-escalation', `an inviter without the role ${excess} cannot give it away`);
  }
  const bound = latestExpiryS(issuer);
  if (bound !== 0 && (grant.expiresAtS === 0 || grant.expiresAtS > bound)) {
    return reject(
      'outlives-issuer',
      'an invite must expire no later than the one by which its issuer joined',
    );
  }
  return ok(null);
}

/** Unix seconds by which invites of this member must expire; 0: no bound. */
export function latestExpiryS(issuer: Membership): number {
  return issuer.grant?.expiresAtS ?? 0;
}
