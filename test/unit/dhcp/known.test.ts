import { expect } from 'chai';
import type { LedgerEntry } from '../../../dhcp/ledger.js';
import { knownLeases, knownMembers, marksOfLeases, marksOfMembers } from '../../../dhcp/known.js';
import { KNOWN_LEASES_MAX, LEASE_MARK_BYTES } from '../../../dhcp/messages.js';
import { claimId, peer, unsignedOf } from '../../support/leases/certificates.js';

function entryOf(number: number, change: Partial<LedgerEntry> = {}): LedgerEntry {
  const certificate = unsignedOf({ claimId: claimId(number << 8) });
  return { ...certificate, phase: 'committed', expiresAtMs: 1, certificate, ...change };
}

describe('what a member says it knows', () => {
  it('tells leases apart by claim and by renewal', () => {
    const isKnown = knownLeases(marksOfLeases([entryOf(1), entryOf(2, { renewal: 3 })]));
    expect(isKnown(entryOf(1))).to.be.true;
    expect(isKnown(entryOf(1, { renewal: 1 }))).to.be.false;
    expect(isKnown(entryOf(2, { renewal: 3 }))).to.be.true;
    expect(isKnown(entryOf(2, { renewal: 3 + 256 }))).to.be.false;
    expect(isKnown(entryOf(3))).to.be.false;
  });

  it('leaves out what is not committed, and what does not fit', () => {
    const granted = entryOf(1, { phase: 'granted', certificate: null });
    expect(marksOfLeases([granted]).length).to.equal(0);
    const many = Array.from({ length: KNOWN_LEASES_MAX + 5 }, (_, index) => entryOf(index));
    expect(marksOfLeases(many).length).to.equal(KNOWN_LEASES_MAX * LEASE_MARK_BYTES);
  });

  it('takes marks that are cut off for what they are', () => {
    const marks = marksOfLeases([entryOf(1), entryOf(2)]);
    const isKnown = knownLeases(marks.subarray(0, marks.length - 1));
    expect([isKnown(entryOf(1)), isKnown(entryOf(2))]).to.deep.equal([true, false]);
    expect(knownMembers('abc')(peer(1))).to.be.false;
  });

  it('tells members apart', () => {
    const isKnown = knownMembers(marksOfMembers([peer(1), peer(2)]));
    expect([peer(1), peer(2), peer(3)].map(isKnown)).to.deep.equal([true, true, false]);
  });
});
