import { expect } from 'chai';
import { utf8Bytes } from '../../../overlay/base/bytes.js';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import { leaseRecordRules, recordKey } from '../../../dhcp/record.js';
import {
  ADDRESS,
  certificateOf,
  claimId,
  judgeOf,
  peer,
  termsOf,
} from '../../support/leases/certificates.js';

const rules = leaseRecordRules(judgeOf());
const key = recordKey(ADDRESS);
const valid = encodeCertificate(certificateOf(termsOf()));

describe('lease record', () => {
  it('is valid under its own key only', () => {
    expect(rules.validate(key, valid)).to.be.true;
    expect(rules.validate(recordKey({ kind: 'name', key: ADDRESS.key }), valid)).to.be.false;
    expect(rules.validate(utf8Bytes('address/10.77.3.90'), valid)).to.be.false;
    expect(rules.validate(new Uint8Array(), valid)).to.be.false;
  });

  it('is invalid when forged, incomplete or garbage', () => {
    const forged = certificateOf(termsOf({ owner: peer(2) }));
    const { grants } = certificateOf(termsOf());
    for (const value of [
      encodeCertificate({ ...forged, grants }),
      encodeCertificate(certificateOf(termsOf(), [11])),
      encodeCertificate(certificateOf(termsOf(), [11, 12], 'othernetwork')),
      valid.subarray(1),
      new Uint8Array(),
      new Uint8Array(100),
    ]) {
      expect(rules.validate(key, value)).to.be.false;
    }
  });

  it('of the newest lease is the best, whatever the order', () => {
    const record = (epoch: number, renewal: number, owner = 1): Uint8Array =>
      encodeCertificate(
        certificateOf(termsOf({ epoch, renewal, owner: peer(owner), claimId: claimId(owner) })),
      );
    const best = record(12, 3, 2);
    for (const worse of [record(12, 2, 2), record(11, 9), record(0, 0), new Uint8Array(4)]) {
      expect(rules.select(key, [worse, best])).to.equal(1);
      expect(rules.select(key, [best, worse])).to.equal(0);
      expect(rules.select(key, [worse, worse, best, worse])).to.equal(2);
    }
    expect(rules.select(key, [best, best]), 'the first of equals').to.equal(0);
  });
});
