import { expect } from 'chai';
import { firstPortion, remainingOf } from '../../../dhcp/handover.js';
import type { LedgerEntry } from '../../../dhcp/ledger.js';
import {
  LEASE_REQUEST_BYTES_MAX,
  LEASE_RESPONSE_BYTES_MAX,
  leaseRequestCodec,
  leaseResponseCodec,
  MEMBERS_TOLD_MAX,
  SYNC_ENTRIES_MAX,
  type MemberHint,
} from '../../../dhcp/messages.js';
import { certificateOf, claimId, peer, termsOf } from '../../support/leases/certificates.js';

const GRANTERS = [11, 12, 13, 14, 15, 16, 17, 18];

/** An entry whose certificate carries eight grants with membership certificates of `bytes` each. */
function entryOf(index: number, bytes: number | null): LedgerEntry {
  const terms = termsOf({
    subject: { kind: 'name', key: `host-${String(index)}` },
    view: GRANTERS.map((number) => peer(number)),
  });
  const grants = GRANTERS.map((number) => ({
    witness: peer(number),
    signature: new Uint8Array(64),
    membership: new Uint8Array(bytes ?? 0),
  }));
  return {
    ...terms,
    phase: bytes === null ? 'granted' : 'committed',
    expiresAtMs: 5_000.4,
    certificate: bytes === null ? null : { ...certificateOf(terms), grants },
  };
}

describe('handover of witness state', () => {
  it('takes no more entries than fit a message, however large they are', () => {
    for (const bytes of [0, 300, 1_000, 2_048]) {
      const entries = Array.from({ length: 150 }, (_, index) => entryOf(index, bytes));
      const hints = Array.from({ length: MEMBERS_TOLD_MAX }, (): MemberHint => [
        peer(1),
        Array.from({ length: 16 }, () => 'x'.repeat(250)),
      ]);
      let rest: readonly LedgerEntry[] = entries;
      let messages = 0;
      while (rest.length > 0) {
        const { taken, certificates } = firstPortion(rest, 0);
        expect(taken).to.be.within(1, SYNC_ENTRIES_MAX);
        expect(certificates.length).to.equal(taken);
        const state = leaseResponseCodec.encode(['state', 'settled', hints, certificates, [], 'k']);
        expect(state.length).to.be.at.most(LEASE_RESPONSE_BYTES_MAX);
        const resign = leaseRequestCodec.encode(['resign', false, certificates]);
        expect(resign.length).to.be.at.most(LEASE_REQUEST_BYTES_MAX);
        rest = rest.slice(taken);
        messages++;
      }
      expect(messages).to.be.at.least(3);
    }
  });

  it('counts entries without a certificate and leaves them out', () => {
    const entries = [entryOf(0, null), entryOf(1, 10), entryOf(2, null)];
    const { taken, certificates } = firstPortion(entries, 0);
    expect([taken, certificates.length]).to.deep.equal([3, 1]);
    expect(firstPortion([], 0)).to.deep.equal({ taken: 0, certificates: [] });
  });

  it('says what life is left in whole milliseconds, and -1 for good', () => {
    const entry = entryOf(0, 10);
    expect(remainingOf(entry, 0)).to.equal(5_000);
    expect(remainingOf(entry, 9_000)).to.equal(0);
    expect(remainingOf({ ...entry, expiresAtMs: Number.POSITIVE_INFINITY }, 0)).to.equal(-1);
    expect(claimId(0).length).to.equal(16);
  });
});
