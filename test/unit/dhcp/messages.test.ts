import { expect } from 'chai';
import { encode } from 'cborg';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import {
  LEASE_REQUEST_BYTES_MAX,
  leaseRequestCodec,
  leaseResponseCodec,
  SYNC_ENTRIES_MAX,
  type LeaseRequest,
  type LeaseResponse,
} from '../../../dhcp/messages.js';
import { certificateOf, claimId, peer, termsOf } from '../../support/leases/certificates.js';

const RAW = encodeCertificate(certificateOf(termsOf()));
const VIEW = [peer(11), peer(12)];

const REQUESTS: readonly LeaseRequest[] = [
  ['claim', 'address', '10.77.0.1', claimId(1), 1_760_000_000, 0, 3_600, VIEW],
  ['claim', 'invite', `abc/${peer(1)}`, claimId(1), 0, 0xffff_ffff, 0, VIEW],
  ['commit', RAW],
  ['release', 'name', 'nas', claimId(2)],
  ['sync', '', 'newcomer', new Uint8Array(), ''],
  ['sync', 'address/10.77.0.1', 'newcomer', new Uint8Array(), ''],
  ['lookup', 'name', 'nas'],
  ['resign', true, []],
  ['resign', false, [[RAW, -1]]],
];

const RESPONSES: readonly LeaseResponse[] = [
  ['granted', new Uint8Array(64)],
  ['done'],
  ['held', peer(1), 5, -1, []],
  ['held', peer(1), 5, 1_000, [RAW]],
  ['abstain'],
  ['stale', [[peer(1), ['/ip4/192.0.2.1/tcp/4242']]]],
  ['old-epoch', 7],
  ['refused', 'members-only'],
  ['state', 'fresh', [], [], [], null],
  [
    'state',
    'settled',
    [[peer(1), []]],
    [[RAW, 60_000]],
    [['address', '10.77.0.1', peer(1), claimId(1), 5]],
    'address/10.77.0.1',
  ],
  ['record', []],
  ['record', [RAW]],
];

describe('lease messages', () => {
  it('come back as they were', () => {
    for (const request of REQUESTS) {
      const decoded = leaseRequestCodec.decode(leaseRequestCodec.encode(request));
      expect(decoded).to.deep.equal({ ok: true, value: request });
    }
    for (const response of RESPONSES) {
      const decoded = leaseResponseCodec.decode(leaseResponseCodec.encode(response));
      expect(decoded).to.deep.equal({ ok: true, value: response });
    }
  });

  it('do not take each other’s forms', () => {
    for (const request of REQUESTS) {
      expect(leaseResponseCodec.decode(leaseRequestCodec.encode(request)).ok).to.be.false;
    }
    for (const response of RESPONSES) {
      expect(leaseRequestCodec.decode(leaseResponseCodec.encode(response)).ok).to.be.false;
    }
  });

  it('refuse what is out of bounds', () => {
    const claim = [...REQUESTS[0]!];
    const withField = (index: number, value: unknown): unknown =>
      claim.map((field, at) => (at === index ? value : field));
    const many = Array.from({ length: SYNC_ENTRIES_MAX + 1 }, () => [new Uint8Array(1), 0]);
    for (const value of [
      withField(0, 'claims'),
      withField(1, 'port'),
      withField(2, ''),
      withField(2, 'x'.repeat(97)),
      withField(3, new Uint8Array(15)),
      withField(4, -1),
      withField(4, 0.5),
      withField(4, '5'),
      withField(5, 2 ** 32),
      withField(6, 367 * 86_400),
      withField(7, []),
      withField(7, [peer(1), 'nobody']),
      withField(
        7,
        Array.from({ length: 9 }, (_, index) => peer(index)),
      ),
      [...claim, 0],
      claim.slice(0, -1),
      ['commit', new Uint8Array(24 * 1024 + 1)],
      ['commit', 'text'],
      ['sync', 'x'.repeat(201), 'newcomer', new Uint8Array(), ''],
      ['resign', false, many],
      ['resign', false, [[RAW, -2]]],
      ['resign', [[RAW, 0]]],
      { claim: true },
      'claim',
      null,
      [],
    ]) {
      expect(leaseRequestCodec.decode(encode(value)).ok, JSON.stringify(value)).to.be.false;
    }
    expect(leaseRequestCodec.decode(new Uint8Array(LEASE_REQUEST_BYTES_MAX + 1))).to.include({
      ok: false,
      code: 'too-large',
    });
  });
});
