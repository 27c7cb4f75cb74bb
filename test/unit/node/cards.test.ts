import { expect } from 'chai';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Roster } from '../../../overlay/peers/roster.js';
import type { LeaseCertificate } from '../../../dhcp/certificate.js';
import { Cards } from '../../../src/node/cards.js';
import { TestNetwork } from '../../support/test-network.js';

const { membership, membershipBytes } = new TestNetwork().founder();
const A = 'a' as PeerId;
const B = 'b' as PeerId;
const C = 'c' as PeerId;
const ADDRESS = '10.77.0.1';

class Bench {
  readonly roster = new Roster({ graceMs: 1_000 });
  readonly cards = new Cards(this.roster);

  show(peer: PeerId, address4: string | null, name: string | null = null): void {
    this.roster.put({
      ...{ peer, trust: 'member', membership: membershipBytes, roles: [], connected: true },
      ...{ lastHeardMs: 0, settled: false, recalled: false },
    });
    const leaseOf = (key: string | null): LeaseCertificate | null =>
      key === null ? null : ({ subject: { kind: 'address', key } } as unknown as LeaseCertificate);
    this.cards.put({
      ...{ peer, membership, membershipBytes, admission: null, offloads: false },
      ...{ address4: leaseOf(address4), name: leaseOf(name), address6: `fd00::${peer}` },
      ...{ addresses: [], version: 'test' },
    });
  }

  leave(peer: PeerId): void {
    this.roster.patch(peer, { connected: false });
  }
}

describe('Cards', () => {
  it('finds who shows an address or a name', () => {
    const bench = new Bench();
    bench.show(A, ADDRESS, 'nas');
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(A);
    expect(bench.cards.holderOfAddress6('fd00::a')).to.equal(A);
    expect(bench.cards.holderOfName('nas')).to.equal(A);
    expect(bench.cards.get(B)).to.equal(null);
    expect(bench.cards.holderOfAddress4('10.77.0.2')).to.equal(null);
    bench.show(A, '10.77.0.2', null);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(null);
    expect(bench.cards.holderOfName('nas')).to.equal(null);
    expect(bench.cards.holderOfAddress4('10.77.0.2')).to.equal(A);
  });

  it('forgets whom the roster forgets', () => {
    const bench = new Bench();
    bench.show(A, ADDRESS, 'nas');
    bench.roster.remove(A);
    expect(bench.cards.get(A)).to.equal(null);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(null);
    expect(bench.cards.holderOfAddress6('fd00::a')).to.equal(null);
    expect(bench.cards.holderOfName('nas')).to.equal(null);
  });

  it('lets nobody take the address of a connected member by showing it too', () => {
    const bench = new Bench();
    bench.show(A, ADDRESS, 'nas');
    bench.show(B, ADDRESS, 'nas');
    bench.show(A, ADDRESS, 'nas');
    bench.show(B, ADDRESS, 'nas');
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(A);
    expect(bench.cards.holderOfName('nas')).to.equal(A);
  });

  it('goes by the one that is left when the first moves or is forgotten', () => {
    for (const go of [
      (bench: Bench): void => {
        bench.show(A, '10.77.0.2');
      },
      (bench: Bench): void => {
        bench.roster.remove(A);
      },
    ]) {
      const bench = new Bench();
      bench.show(A, ADDRESS);
      bench.show(B, ADDRESS);
      go(bench);
      expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(B);
    }
  });

  it('prefers who is connected, since an absent one may have lost its lease', () => {
    const bench = new Bench();
    bench.show(A, ADDRESS);
    bench.leave(A);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(A);
    bench.show(B, ADDRESS);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(B);
    bench.show(C, ADDRESS);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(B);
    bench.leave(B);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(C);
    bench.leave(C);
    expect(bench.cards.holderOfAddress4(ADDRESS)).to.equal(A);
  });
});
