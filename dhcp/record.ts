/**
 * Lease certificates in the directory: self-certifying, so any holder of the record can refuse a
 * forged one, and ranked so that the newest lease of a subject is found. Publishing wins nothing.
 */
import { utf8Bytes } from '../overlay/base/bytes.js';
import { equalBytes } from '../overlay/base/bytes.js';
import type { RecordRules } from '../overlay/ports.js';
import { decodeCertificate, verifyCertificate, type CertificateJudge } from './certificate.js';
import { subjectText, type Subject } from './subject.js';

export const LEASE_RECORD_KIND = 'lease';

export function recordKey(subject: Subject): Uint8Array {
  return utf8Bytes(subjectText(subject));
}

export function leaseRecordRules(judge: CertificateJudge): RecordRules {
  return {
    validate(key, value) {
      const decoded = decodeCertificate(value);
      if (!decoded.ok || !equalBytes(recordKey(decoded.value.subject), key)) return false;
      return verifyCertificate(decoded.value, judge).ok;
    },
    select(_key, values) {
      let best = 0;
      let bestRank: readonly [number, number] = [-1, -1];
      values.forEach((value, index) => {
        const decoded = decodeCertificate(value);
        if (!decoded.ok) return;
        const { epoch, renewal } = decoded.value;
        if (epoch > bestRank[0] || (epoch === bestRank[0] && renewal > bestRank[1])) {
          best = index;
          bestRank = [epoch, renewal];
        }
      });
      return best;
    },
  };
}
