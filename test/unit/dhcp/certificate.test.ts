import { expect } from 'chai';
import { encode } from 'cborg';
import { concatBytes } from '../../../overlay/base/bytes.js';
import {
  compareForce,
  decodeCertificate,
  encodeCertificate,
  verifyCertificate,
  type LeaseCertificate,
} from '../../../dhcp/certificate.js';
import { codeOf } from '../../support/identity.js';
import {
  ADDRESS,
  certificateOf,
  claimId,
  judgeOf,
  peer,
  termsOf,
  unsignedOf,
} from '../../support/leases/certificates.js';

const certificate = certificateOf(termsOf());

function verdict(given: LeaseCertificate, judge = judgeOf()): string {
  return codeOf(verifyCertificate(given, judge));
}

/** What decoding and then judging these bytes ends with. */
function readCode(bytes: Uint8Array): string {
  const decoded = decodeCertificate(bytes);
  return decoded.ok ? verdict(decoded.value) : decoded.code;
}

describe('lease certificate', () => {
  it('comes back from its bytes as it was', () => {
    for (const terms of [
      termsOf(),
      termsOf({ renewal: 7, epoch: 0 }),
      termsOf({ subject: { kind: 'name', key: 'nas' } }),
      termsOf({ subject: { kind: 'invite', key: 'abc/0' }, termS: 0 }),
      termsOf({ view: [11, 12, 13, 14, 15, 16, 17, 18].map((number) => peer(number)) }),
    ]) {
      const given = certificateOf(terms, [13, 11]);
      const decoded = decodeCertificate(encodeCertificate(given));
      expect(decoded).to.deep.equal({ ok: true, value: given });
    }
  });

  it('is accepted with a quorum of trusted grants, and with more', () => {
    expect(verdict(certificate)).to.equal('ok');
    expect(verdict(certificateOf(termsOf(), [11, 12, 13]))).to.equal('ok');
    // A grant of a stranger does no harm as long as there are enough others.
    expect(verdict(certificateOf(termsOf(), [11, 12, 13]), judgeOf([11, 13]))).to.equal('ok');
  });

  it('is refused with too few grants', () => {
    expect(verdict(certificateOf(termsOf(), [11]))).to.equal('no-quorum');
  });

  it('is refused with too few trusted grants', () => {
    expect(verdict(certificate, judgeOf([11, 13]))).to.equal('untrusted-witness');
    expect(verdict(certificateOf(termsOf(), [11, 12, 13]), judgeOf([13]))).to.equal(
      'untrusted-witness',
    );
  });

  it('is refused with a grant of other terms, another network or another hand', () => {
    for (const change of [
      { subject: { kind: 'address', key: '10.77.3.10' } },
      { subject: { kind: 'name', key: ADDRESS.key } },
      { owner: peer(2) },
      { claimId: claimId(2) },
      { epoch: 1 },
      { renewal: 1 },
      { termS: 3_601 },
      { view: [peer(11), peer(12)] },
      { view: [peer(12), peer(11), peer(13)] },
    ] as const) {
      const { grants } = certificateOf(termsOf());
      const altered = { ...termsOf(change), grants };
      expect(verdict(altered), JSON.stringify(change)).to.equal('bad-signature');
    }
    expect(verdict(certificateOf(termsOf(), [11, 12], 'othernetwork'))).to.equal('bad-signature');
    const swapped = certificate.grants.map((grant, index) => ({
      ...grant,
      witness: certificate.grants[1 - index]!.witness,
    }));
    expect(verdict({ ...certificate, grants: swapped })).to.equal('bad-signature');
  });

  it('granted by its owner alone is good for the founder only', () => {
    const terms = termsOf({ owner: peer(11), view: [peer(11)] });
    const alone = certificateOf(terms, [11]);
    expect(verdict(alone)).to.equal('self-granted');
    expect(verdict(alone, judgeOf([11], peer(11)))).to.equal('ok');
    expect(verdict(alone, judgeOf([11], peer(12)))).to.equal('self-granted');
  });

  it('of an owner that is one of several witnesses is good', () => {
    const terms = termsOf({ owner: peer(11) });
    expect(verdict(certificateOf(terms, [11, 12]))).to.equal('ok');
  });

  it('does not decode with a witness or a grant twice, or a grant of nobody', () => {
    const { claimId: id, epoch, view, owner, grants } = certificate;
    const parts = (names: readonly string[], given: readonly unknown[]): Uint8Array =>
      encode([1, ADDRESS.kind, ADDRESS.key, owner, id, epoch, 0, 3600, names, given]);
    const [first, second] = grants.map((grant) => [grant.signature, grant.membership]);
    expect(
      readCode(
        parts(view, [
          [0, ...first!],
          [1, ...second!],
        ]),
      ),
    ).to.equal('ok');
    for (const [names, given] of [
      [
        [view[0]!, view[0]!],
        [
          [0, ...first!],
          [1, ...first!],
        ],
      ],
      [
        view,
        [
          [0, ...first!],
          [0, ...first!],
        ],
      ],
      [
        view,
        [
          [0, ...first!],
          [5, ...second!],
        ],
      ],
      [
        view,
        [
          [0, ...first!],
          [8, ...second!],
        ],
      ],
      [view, []],
      [[], [[0, ...first!]]],
      [
        [...view, 'no peer id'],
        [
          [0, ...first!],
          [1, ...second!],
        ],
      ],
    ] as const) {
      expect(readCode(parts(names, given))).to.equal('malformed');
    }
  });

  it('is refused with any one byte changed, cut off or added', () => {
    const bytes = encodeCertificate(certificate);
    const membership = new Set<number>();
    for (let index = 0; index < bytes.length; index++) {
      const altered = Uint8Array.from(bytes);
      altered[index]! ^= index % 2 === 0 ? 0x01 : 0x80;
      const code = readCode(altered);
      // Whether a witness is a member is judged elsewhere, by the bytes that come with its grant.
      if (code === 'ok') membership.add(index);
      else {
        expect(['malformed', 'bad-signature', 'no-quorum', 'untrusted-witness']).to.include(code);
      }
      expect(readCode(bytes.subarray(0, index))).to.equal('malformed');
    }
    expect(membership.size, 'bytes of two membership certificates of one byte').to.be.at.most(2);
    expect(readCode(concatBytes(bytes, Uint8Array.of(0)))).to.equal('malformed');
  });

  it('of the older epoch is in force against others, the newer one of one owner', () => {
    const older = unsignedOf({ owner: peer(1), epoch: 10 });
    const newer = unsignedOf({ owner: peer(2), epoch: 11 });
    expect(compareForce(older, newer)).to.be.lessThan(0);
    expect(compareForce(newer, older)).to.be.greaterThan(0);
    const tied = unsignedOf({ owner: peer(2), epoch: 10 });
    const lower = older.owner < tied.owner ? older : tied;
    expect(compareForce(lower, lower === older ? tied : older)).to.be.lessThan(0);
    const renewed = unsignedOf({ owner: peer(1), epoch: 10, renewal: 1 });
    expect(compareForce(renewed, older)).to.be.lessThan(0);
    const again = unsignedOf({ owner: peer(1), epoch: 12 });
    expect(compareForce(again, renewed)).to.be.lessThan(0);
    expect(compareForce(again, { ...again })).to.equal(0);
  });
});
