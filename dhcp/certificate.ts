/**
 * A lease certificate: the signed grants of a quorum of witnesses, which anyone can check from the
 * bytes alone. It is what a holder shows to peers and publishes in the directory.
 *
 * Canonical CBOR, positional:
 *
 *   [ version, kind, key, owner, claimId, epoch, renewal, termS, [witness ...], [grant ...] ]
 *   grant = [ index into the witnesses, signature, membership certificate of the witness ]
 *
 * A grant signs `overlay lease grant v1\0` and the canonical CBOR of
 * [ networkId, kind, key, owner, claimId, epoch, renewal, termS, [witness ...] ].
 */
import * as z from 'zod';
import { concatBytes, utf8Bytes } from '../overlay/base/bytes.js';
import { parsePeerId, publicKeyOf, type PeerId } from '../overlay/base/peer-id.js';
import { ok, reject, type Result } from '../overlay/base/result.js';
import type { Crypto } from '../overlay/ports.js';
import { bytes, codec } from '../overlay/wire/codec.js';
import { quorumOf, WITNESSES } from './quorum.js';
import { SUBJECT_KEY_CHARS_MAX, SUBJECT_KINDS, type Subject } from './subject.js';

export const CLAIM_ID_BYTES = 16;
export const CERTIFICATE_BYTES_MAX = 24 * 1024;
const SIGNATURE_BYTES = 64;
/** Largest membership certificate carried with a grant. */
const MEMBERSHIP_BYTES_MAX = 2_048;
/** Longest term a certificate may name: a year. Zero means for good (a use of an invite). */
const TERM_S_MAX = 366 * 86_400;
const GRANT_DOMAIN = utf8Bytes('overlay lease grant v1\0');

/** A peer id in text form. */
export const peerIdSchema = z.custom<PeerId>(
  (value) => typeof value === 'string' && parsePeerId(value).ok,
  'not a peer id',
);

export const subjectShape = [
  z.enum(SUBJECT_KINDS),
  z.string().min(1).max(SUBJECT_KEY_CHARS_MAX),
] as const;
export const claimIdSchema = bytes(CLAIM_ID_BYTES);
export const epochSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const renewalSchema = z.number().int().min(0).max(0xffff_ffff);
export const termSchema = z.number().int().min(0).max(TERM_S_MAX);
export const viewSchema = z.array(peerIdSchema).min(1).max(WITNESSES);
export const signatureSchema = bytes(SIGNATURE_BYTES);

const certificateCodec = codec(
  z.tuple([
    z.literal(1),
    ...subjectShape,
    peerIdSchema,
    claimIdSchema,
    epochSchema,
    renewalSchema,
    termSchema,
    viewSchema,
    z
      .array(
        z.tuple([
          z
            .number()
            .int()
            .min(0)
            .max(WITNESSES - 1),
          signatureSchema,
          bytes({ max: MEMBERSHIP_BYTES_MAX }),
        ]),
      )
      .min(1)
      .max(WITNESSES),
  ]),
  { bytesMax: CERTIFICATE_BYTES_MAX },
);

const grantBodyCodec = codec(
  z.tuple([
    z.string().max(64),
    ...subjectShape,
    peerIdSchema,
    claimIdSchema,
    epochSchema,
    renewalSchema,
    termSchema,
    viewSchema,
  ]),
  { bytesMax: 4_096 },
);

/** What one claim asks every witness to sign; equal for all of them. */
export interface ClaimTerms {
  readonly subject: Subject;
  readonly owner: PeerId;
  /** 16 random bytes naming this claim; renewals keep it. */
  readonly claimId: Uint8Array;
  /** Orders successive leases of one subject; about the Unix second of the claim. */
  readonly epoch: number;
  readonly renewal: number;
  /** Seconds; 0 for good. */
  readonly termS: number;
  /** The witnesses as the claimant sees them, nearest first. */
  readonly view: readonly PeerId[];
}

export interface Grant {
  readonly witness: PeerId;
  readonly signature: Uint8Array;
  /** Membership certificate of the witness, so that a stranger to it can judge it. */
  readonly membership: Uint8Array;
}

export interface LeaseCertificate extends ClaimTerms {
  readonly grants: readonly Grant[];
}

export type CertificateRejection =
  | 'malformed'
  | 'foreign-subject'
  | 'no-quorum'
  | 'self-granted'
  | 'untrusted-witness'
  | 'bad-signature';

function grantMessage(networkId: string, terms: ClaimTerms): Uint8Array {
  const body = grantBodyCodec.encode([
    networkId,
    terms.subject.kind,
    terms.subject.key,
    terms.owner,
    terms.claimId,
    terms.epoch,
    terms.renewal,
    terms.termS,
    [...terms.view],
  ]);
  return concatBytes(GRANT_DOMAIN, body);
}

/** The 64-byte signature of a witness under `terms`. */
export function signGrant(
  crypto: Crypto,
  secretKey: Uint8Array,
  networkId: string,
  terms: ClaimTerms,
): Uint8Array {
  return crypto.sign(secretKey, grantMessage(networkId, terms));
}

export function verifyGrant(
  crypto: Crypto,
  networkId: string,
  terms: ClaimTerms,
  witness: PeerId,
  signature: Uint8Array,
): boolean {
  return crypto.verify(publicKeyOf(witness), grantMessage(networkId, terms), signature);
}

export function encodeCertificate(certificate: LeaseCertificate): Uint8Array {
  return certificateCodec.encode([
    1,
    certificate.subject.kind,
    certificate.subject.key,
    certificate.owner,
    certificate.claimId,
    certificate.epoch,
    certificate.renewal,
    certificate.termS,
    [...certificate.view],
    certificate.grants.map((grant) => [
      certificate.view.indexOf(grant.witness),
      grant.signature,
      grant.membership,
    ]),
  ]);
}

/** Reads a certificate without judging it. */
export function decodeCertificate(data: Uint8Array): Result<LeaseCertificate, 'malformed'> {
  const decoded = certificateCodec.decode(data);
  if (!decoded.ok) return reject('malformed', decoded.detail);
  const [, kind, key, owner, claimId, epoch, renewal, termS, view, rawGrants] = decoded.value;
  if (new Set(view).size !== view.length) return reject('malformed', 'a witness is named twice');
  const grants: Grant[] = [];
  for (const [index, signature, membership] of rawGrants) {
    const witness = view[index];
    if (witness === undefined) return reject('malformed', 'a grant of nobody');
    if (grants.some((grant) => grant.witness === witness)) {
      return reject('malformed', 'a witness granted twice');
    }
    grants.push({ witness, signature, membership });
  }
  return ok({ subject: { kind, key }, owner, claimId, epoch, renewal, termS, view, grants });
}

export interface CertificateJudge {
  readonly crypto: Crypto;
  readonly networkId: string;
  /** Whether a witness counts, given the membership certificate that came with its grant. */
  trustsWitness(witness: PeerId, membership: Uint8Array, subject: Subject): boolean;
  /** Only the network's founder may be its own sole witness. */
  mayGrantItself(owner: PeerId): boolean;
}

/** Checks that a quorum of trusted witnesses granted exactly these terms. */
export function verifyCertificate(
  certificate: LeaseCertificate,
  judge: CertificateJudge,
): Result<LeaseCertificate, CertificateRejection> {
  const needed = quorumOf(certificate.view.length);
  if (certificate.grants.length < needed) {
    return reject('no-quorum', `${String(certificate.grants.length)} of ${String(needed)} grants`);
  }
  const alone = certificate.grants.every((grant) => grant.witness === certificate.owner);
  if (alone && !judge.mayGrantItself(certificate.owner)) {
    return reject('self-granted', 'the owner is its only witness');
  }
  const message = grantMessage(judge.networkId, certificate);
  let good = 0;
  for (const grant of certificate.grants) {
    if (!judge.crypto.verify(publicKeyOf(grant.witness), message, grant.signature)) {
      return reject('bad-signature', `grant of ${grant.witness}`);
    }
    if (judge.trustsWitness(grant.witness, grant.membership, certificate.subject)) good += 1;
  }
  if (good < needed) {
    return reject(
      'untrusted-witness',
      `${String(good)} of ${String(needed)} witnesses are members`,
    );
  }
  return ok(certificate);
}

/**
 * Which of two certificates for one subject is in force where both could be live: the older epoch
 * wins, ties go to the lower peer id; of one owner's own, the newer counts.
 * Negative: `a`; positive: `b`; zero: the same.
 */
export function compareForce(a: LeaseCertificate, b: LeaseCertificate): number {
  if (a.owner === b.owner) return b.epoch - a.epoch || b.renewal - a.renewal;
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return a.owner < b.owner ? -1 : 1;
}
