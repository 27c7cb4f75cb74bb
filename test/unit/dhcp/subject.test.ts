import { expect } from 'chai';
import { utf8Bytes } from '../../../overlay/base/bytes.js';
import { inviteSubject } from '../../../dhcp/admission.js';
import {
  SUBJECT_KEY_CHARS_MAX,
  subjectHashKey,
  subjectText,
  type Subject,
} from '../../../dhcp/subject.js';
import { peer } from '../../support/leases/certificates.js';

describe('lease subject', () => {
  it('has one text, different for each kind and key', () => {
    const subjects: Subject[] = [
      { kind: 'address', key: '10.77.3.9' },
      { kind: 'address', key: '10.77.3.90' },
      { kind: 'name', key: '10.77.3.9' },
      { kind: 'name', key: 'nas' },
      { kind: 'invite', key: 'nas/0' },
    ];
    expect(subjectText(subjects[0]!)).to.equal('address/10.77.3.9');
    expect(new Set(subjects.map(subjectText)).size).to.equal(subjects.length);
  });

  it('has witnesses of its own in each network', () => {
    const subject: Subject = { kind: 'name', key: 'nas' };
    expect(subjectHashKey('n1', subject)).to.deep.equal(utf8Bytes('n1/name/nas'));
    expect(subjectHashKey('n2', subject)).to.not.deep.equal(subjectHashKey('n1', subject));
  });

  it('of an invite for anybody fits the longest key', () => {
    const { key } = inviteSubject('0123456789abcdef0123456789abcdef', 0, 0, peer(1));
    expect(key.length).to.be.at.most(SUBJECT_KEY_CHARS_MAX);
  });
});
