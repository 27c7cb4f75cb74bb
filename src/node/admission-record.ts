/**
 * Admissions: certificates that a use of an invite was granted, for good. They travel in hellos and
 * are published, so that a witness can check the issuer of an invite it never met.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { equalBytes, utf8Bytes } from '../../overlay/base/bytes.js';
import type { Membership } from '../../overlay/identity/membership.js';
import type { RecordRules } from '../../overlay/ports.js';
import { isUseOf } from '../../dhcp/admission.js';
import {
  decodeCertificate,
  verifyCertificate,
  type CertificateJudge,
} from '../../dhcp/certificate.js';

export const ADMISSION_RECORD_KIND = 'admission';

export function admissionKey(peer: PeerId): Uint8Array {
  return utf8Bytes(peer);
}

/** Whether the certificate admits the holder of this membership. */
export function isAdmissionOf(
  raw: Uint8Array,
  membership: Membership,
  judge: CertificateJudge,
): boolean {
  const { grant, inviteId, peer } = membership;
  const decoded = decodeCertificate(raw);
  if (!decoded.ok || grant === null || inviteId === null) return false;
  const { owner, subject } = decoded.value;
  if (owner !== peer || subject.kind !== 'invite') return false;
  if (!isUseOf(subject.key, inviteId, grant.uses, peer)) return false;
  return verifyCertificate(decoded.value, judge).ok;
}

export function admissionRules(judge: CertificateJudge): RecordRules {
  return {
    validate(key, value) {
      const decoded = decodeCertificate(value);
      if (!decoded.ok || decoded.value.subject.kind !== 'invite') return false;
      if (!equalBytes(admissionKey(decoded.value.owner), key)) return false;
      return verifyCertificate(decoded.value, judge).ok;
    },
    // A peer is admitted once; any of its valid certificates says the same.
    select: () => 0,
  };
}
