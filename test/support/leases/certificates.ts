/** Certificates with real signatures, by members whose keys come from small numbers. */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import {
  signGrant,
  type CertificateJudge,
  type ClaimTerms,
  type LeaseCertificate,
} from '../../../dhcp/certificate.js';
import type { Subject } from '../../../dhcp/subject.js';
import { peer as peerOf, seed } from '../identity.js';
import { nodeCrypto } from '../node-crypto.js';

const NETWORK_ID = 'testnetwork';
export const ADDRESS: Subject = { kind: 'address', key: '10.77.3.9' };

const peers = new Map<number, PeerId>();

/** Member `number`; kept, because making keys takes time. */
export function peer(number: number): PeerId {
  const known = peers.get(number) ?? peerOf(number);
  peers.set(number, known);
  return known;
}

/** 16 bytes that are different for each number. */
export function claimId(number: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

/** Terms of member 1 with witnesses 11 to 13, unless told otherwise. */
export function termsOf(change: Partial<ClaimTerms> = {}): ClaimTerms {
  return {
    subject: ADDRESS,
    owner: peer(1),
    claimId: claimId(1),
    epoch: 1_760_000_000,
    renewal: 0,
    termS: 3_600,
    view: [peer(11), peer(12), peer(13)],
    ...change,
  };
}

/** A certificate in which the members of these numbers granted the terms. */
export function certificateOf(
  terms: ClaimTerms,
  granters: readonly number[] = [11, 12],
  networkId = NETWORK_ID,
): LeaseCertificate {
  return {
    ...terms,
    grants: granters.map((number) => ({
      witness: peer(number),
      signature: signGrant(nodeCrypto, seed(number), networkId, terms),
      membership: Uint8Array.of(number),
    })),
  };
}

/** A certificate nobody signed, for what does not look at signatures. */
export function unsignedOf(change: Partial<ClaimTerms> = {}): LeaseCertificate {
  return { ...termsOf(change), grants: [] };
}

/** Trusts the members of these numbers as witnesses; `founder` may be its own. */
export function judgeOf(
  trusted: readonly number[] = [11, 12, 13],
  founder: PeerId | null = null,
): CertificateJudge {
  const members = new Set(trusted.map((number) => peer(number)));
  return {
    crypto: nodeCrypto,
    networkId: NETWORK_ID,
    trustsWitness: (witness) => members.has(witness),
    mayGrantItself: (owner) => owner === founder,
  };
}
