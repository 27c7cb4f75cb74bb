import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { peerIdOfPublicKey, type PeerId } from '../../../overlay/base/peer-id.js';
import { Distance } from '../../../overlay/peers/distance.js';
import { neighbourhoodOf, NEIGHBOURS_MAX } from '../../../dhcp/neighbourhood.js';
import { WITNESSES } from '../../../dhcp/quorum.js';
import { nodeCrypto } from '../../support/node-crypto.js';

const distance = new Distance(nodeCrypto);

function peersOf(seed: number, count: number): PeerId[] {
  return Array.from({ length: count }, (_, index) => {
    const key = createHash('sha256')
      .update(`${String(seed)}/${String(index)}`)
      .digest();
    return peerIdOfPublicKey(new Uint8Array(key));
  });
}

describe('neighbourhood of a member', () => {
  it('holds everybody in a small network', () => {
    for (const count of [1, 2, 5, WITNESSES]) {
      const [member, ...others] = peersOf(1, count);
      expect(neighbourhoodOf(distance, member!, others)).to.have.members(others);
    }
  });

  it('holds every fellow witness of every subject that the member is a witness of', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 9, max: 300 }), (seed, count) => {
        const all = peersOf(seed, count);
        const member = all[0]!;
        const near = new Set(neighbourhoodOf(distance, member, all.slice(1)));
        let watched = 0;
        for (let subject = 0; subject < 200; subject++) {
          const key = Uint8Array.of(seed & 0xff, seed >> 8, subject, count & 0xff);
          const witnesses = distance.nearest(key, all, WITNESSES);
          if (!witnesses.includes(member)) continue;
          watched += 1;
          for (const fellow of witnesses) {
            if (fellow !== member)
              expect(near.has(fellow), `subject ${String(subject)}`).to.be.true;
          }
        }
        expect(watched).to.be.at.least(0);
      }),
      { numRuns: 60 },
    );
  });

  it('is about as large in any network, and never larger than its limit', () => {
    for (const count of [100, 400, 1_600]) {
      const all = peersOf(count, count);
      const sizes = all.slice(0, 60).map((member) => {
        const others = all.filter((peer) => peer !== member);
        return neighbourhoodOf(distance, member, others).length;
      });
      const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
      expect(mean, `${String(count)} members`).to.be.within(WITNESSES - 1, 24);
      expect(Math.max(...sizes)).to.be.at.most(NEIGHBOURS_MAX);
    }
  });
});
