/**
 * Goal: rates are what was counted between two samples over the time that passed, and never negative.
 * Method: samples of counters by hand, and drawn ones with restarts.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { HISTORY_SAMPLES_MAX, RateHistory } from '../../../src/cli/live/history.js';
import { ratedPeers, totalRates, type PeerSample } from '../../../src/cli/live/rates.js';
import type { PeerFacts } from '../../../src/node/control.js';
import { aPeer, counted } from './link-facts.js';

function sample(atMs: number, ...peers: PeerFacts[]): PeerSample {
  return { atMs, peers };
}

describe('cli/live/rates', () => {
  it('uses the time that really passed, in bits per second', () => {
    const before = sample(1_000, counted(1, [1_000, 0], [5_000, 70]));
    const after = sample(1_500, counted(1, [2_000, 100], [5_000, 70]));
    const [peer] = ratedPeers(before, after);
    expect(peer?.paths.map(({ txBps, rxBps }) => [txBps, rxBps])).to.deep.equal([
      [16_000, 1_600],
      [0, 0],
    ]);
    expect(peer).to.include({ txBps: 16_000, rxBps: 1_600, name: 'host-1' });
  });

  it('knows no rate after one sample, or of a path that was not there before', () => {
    const [first] = ratedPeers(null, sample(0, counted(1, [1_000, 0]), counted(2)));
    expect(first).to.include({ txBps: null, rxBps: null });
    expect(first?.paths[0]).to.include({ txBps: null, rxBps: null });
    const before = sample(0, counted(1, [1_000, 0]));
    const [grown, fresh] = ratedPeers(
      before,
      sample(1_000, counted(1, [2_000, 0], [9_000, 9_000]), counted(2, [9_000, 9_000])),
    );
    expect(grown?.paths[1]).to.include({ txBps: null, rxBps: null });
    expect(grown).to.include({ txBps: 8_000, rxBps: 0 });
    expect(fresh).to.include({ txBps: null, rxBps: null });
  });

  it('takes a peer without paths for silent, once it has looked twice', () => {
    const [peer] = ratedPeers(sample(0, counted(1)), sample(1_000, counted(1)));
    expect(peer).to.include({ txBps: 0, rxBps: 0 });
  });

  it('does not mix up paths of one id and two transports', () => {
    const tcp = counted(1, [50_000, 0]);
    const both = {
      ...tcp,
      paths: [...tcp.paths, ...counted(1, [1_000, 0]).paths].map((path, index) => ({
        ...path,
        transport: index === 0 ? ('tcp' as const) : ('udp' as const),
      })),
    };
    const [peer] = ratedPeers(sample(0, both), sample(1_000, both));
    expect(peer?.paths.map(({ txBps }) => txBps)).to.deep.equal([0, 0]);
  });

  it('counts from 0 after a restart', () => {
    const [peer] = ratedPeers(
      sample(0, counted(1, [1_000_000, 7])),
      sample(1_000, counted(1, [125, 7])),
    );
    expect(peer).to.include({ txBps: 1_000, rxBps: 0 });
  });

  it('gives no rate without time, nor when the clock stands still', () => {
    const [peer] = ratedPeers(sample(5, counted(1, [0, 0])), sample(5, counted(1, [9, 9])));
    expect(peer).to.include({ txBps: null, rxBps: null });
  });

  it('never gives a negative rate, and never more than was counted', () => {
    const bytes = fc.nat({ max: 2 ** 40 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(bytes, bytes, bytes, bytes), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 100_000 }),
        (counters, elapsedMs) => {
          const before = sample(0, counted(1, ...counters.map(([a, b]) => [a, b] as const)));
          const after = sample(
            elapsedMs,
            counted(1, ...counters.map(([, , a, b]) => [a, b] as const)),
          );
          for (const { tx, txBps, rxBps } of ratedPeers(before, after)[0]?.paths ?? []) {
            expect(txBps).to.be.within(0, Math.round((tx.bytes * 8_000) / elapsedMs));
            expect(rxBps).to.be.at.least(0);
          }
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });

  it('adds up what is known', () => {
    expect(totalRates([])).to.deep.equal({ txBps: 0, rxBps: 0 });
    expect(
      totalRates([
        { txBps: 1, rxBps: null },
        { txBps: null, rxBps: null },
        { txBps: 2, rxBps: null },
      ]),
    ).to.deep.equal({ txBps: 3, rxBps: null });
  });
});

describe('cli/live/history', () => {
  it('keeps the last samples of those that are there', () => {
    const history = new RateHistory();
    const one = aPeer(1);
    for (let rate = 1; rate <= HISTORY_SAMPLES_MAX + 2; rate++) {
      history.add([{ ...one, txBps: rate, rxBps: 1_000 }, aPeer(2)]);
    }
    const kept = history.of(one.peerId);
    expect(kept).to.have.length(HISTORY_SAMPLES_MAX);
    expect([kept[0], kept.at(-1)]).to.deep.equal([1_003, 1_032]);
    expect(history.of(aPeer(2).peerId).every((rate) => rate === 0)).to.equal(true);
    history.add([aPeer(2)]);
    expect(history.of(one.peerId)).to.deep.equal([]);
  });
});
