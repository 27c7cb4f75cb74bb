/**
 * Goal: at any time both ends can open what the other sends, however messages are delayed, and no key
 * is used beyond its time. Method: hand-made courses, and two ends that exchange keys over a line with
 * drawn delays.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  EXPIRE_AFTER_MS,
  KeyEpochs,
  PREVIOUS_KEPT_MS,
  REKEY_AFTER_MS,
  REKEY_AFTER_PACKETS,
  RESPONDER_PATIENCE_MS,
} from '../../../../overlay/link/session/key-epochs.js';
import type { SessionKeys } from '../../../../overlay/link/session/key-exchange.js';

/** Keys told apart by their index, which both ends share here. */
function keysOf(index: number): SessionKeys {
  const none = new Uint8Array(32);
  return {
    ...{ cipher: 'aes-256-gcm', sendKey: none, receiveKey: none, chain: none },
    ...{ localIndex: index, remoteIndex: index },
  };
}

const indexes = (epochs: KeyEpochs): number[] => epochs.receiving().map((keys) => keys.localIndex);

describe('epochs of keys', () => {
  it('are none at first', () => {
    const epochs = new KeyEpochs();
    expect(epochs.sending).to.equal(null);
    expect(epochs.receiving()).to.deep.equal([]);
    expect(epochs.isRekeyDue(0, 1e9)).to.equal(false);
    expect(epochs.expire(1e9)).to.deep.equal([]);
  });

  it('begin at once for the side that asked, and for both with the first keys', () => {
    for (const role of ['initiator', 'responder'] as const) {
      const epochs = new KeyEpochs();
      epochs.begin(keysOf(1), role, 0);
      expect(epochs.sending?.localIndex).to.equal(1);
    }
    const epochs = new KeyEpochs();
    epochs.begin(keysOf(1), 'initiator', 0);
    epochs.begin(keysOf(2), 'initiator', 10);
    expect(epochs.sending?.localIndex).to.equal(2);
    expect(indexes(epochs)).to.deep.equal([2, 1]);
  });

  it('wait, on the side that answered, for a packet that shows the other has them', () => {
    const epochs = new KeyEpochs();
    epochs.begin(keysOf(1), 'responder', 0);
    epochs.begin(keysOf(2), 'responder', 10);
    expect(epochs.sending?.localIndex).to.equal(1);
    expect(indexes(epochs)).to.deep.equal([1, 2]);
    expect(epochs.confirm(1, 11)).to.deep.equal([]);
    expect(epochs.sending?.localIndex).to.equal(1);
    epochs.confirm(2, 12);
    expect(epochs.sending?.localIndex).to.equal(2);
    expect(indexes(epochs)).to.deep.equal([2, 1]);
  });

  it('free an index when its keys are forgotten', () => {
    const epochs = new KeyEpochs();
    epochs.begin(keysOf(1), 'initiator', 0);
    epochs.begin(keysOf(2), 'initiator', 10);
    expect(epochs.expire(10 + PREVIOUS_KEPT_MS - 1)).to.deep.equal([]);
    expect(epochs.expire(10 + PREVIOUS_KEPT_MS)).to.deep.equal([1]);
    expect(epochs.begin(keysOf(3), 'responder', 20_000)).to.deep.equal([]);
    // An answer that nobody took is replaced by the next.
    expect(epochs.begin(keysOf(4), 'responder', 20_001)).to.deep.equal([3]);
    expect([...epochs.expire(30_000 + EXPIRE_AFTER_MS)].sort()).to.deep.equal([2, 4]);
    expect(epochs.sending).to.equal(null);
  });

  it('are replaced in time, by the side that began before, or else by the other', () => {
    const [asked, answered] = [new KeyEpochs(), new KeyEpochs()];
    asked.begin(keysOf(1), 'initiator', 0);
    answered.begin(keysOf(1), 'responder', 0);
    expect(asked.isRekeyDue(0, REKEY_AFTER_MS - 1)).to.equal(false);
    expect(asked.isRekeyDue(0, REKEY_AFTER_MS)).to.equal(true);
    expect(asked.isRekeyDue(REKEY_AFTER_PACKETS, 1)).to.equal(true);
    expect(answered.isRekeyDue(0, REKEY_AFTER_MS)).to.equal(false);
    expect(answered.isRekeyDue(0, REKEY_AFTER_MS + RESPONDER_PATIENCE_MS)).to.equal(true);
    answered.begin(keysOf(2), 'responder', REKEY_AFTER_MS);
    expect(answered.isRekeyDue(0, REKEY_AFTER_MS + RESPONDER_PATIENCE_MS)).to.equal(false);
  });

  it('let everything be opened that is sent within the time of a line, whoever asks when', () => {
    const exchanges = fc.array(
      fc.record({ gapMs: fc.integer({ min: PREVIOUS_KEPT_MS, max: 100_000 }), byA: fc.boolean() }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(exchanges, fc.integer({ min: 0, max: 5_000 }), (list, lineMs) => {
        const ends = [new KeyEpochs(), new KeyEpochs()] as const;
        const flight: { atMs: number; run: () => void }[] = [];
        let nowMs = 0;
        const later = (run: () => void): void => {
          flight.push({ atMs: nowMs + lineMs, run });
        };
        const send = (from: 0 | 1): void => {
          const sent = ends[from].sending?.localIndex;
          if (sent === undefined) return;
          later(() => {
            const to = ends[from === 0 ? 1 : 0];
            expect(indexes(to), `opened ${String(sent)}`).to.include(sent);
            to.confirm(sent, nowMs);
          });
        };
        const until = (endMs: number): void => {
          for (let nextSendMs = nowMs; nowMs < endMs;) {
            const due = flight.filter(({ atMs }) => atMs <= nowMs);
            for (const item of due) {
              flight.splice(flight.indexOf(item), 1);
              item.run();
            }
            if (nowMs >= nextSendMs) {
              send(0);
              send(1);
              nextSendMs += 1_000;
            }
            const next = Math.min(nextSendMs, endMs, ...flight.map(({ atMs }) => atMs));
            nowMs = Math.max(nowMs, next);
            if (flight.every(({ atMs }) => atMs > nowMs) && nowMs >= endMs) break;
          }
        };
        for (const [index, { gapMs, byA }] of list.entries()) {
          const [asking, answering] = byA ? ([0, 1] as const) : ([1, 0] as const);
          later(() => {
            ends[answering].begin(keysOf(index), 'responder', nowMs);
            later(() => {
              ends[asking].begin(keysOf(index), 'initiator', nowMs);
            });
          });
          until(nowMs + gapMs);
          for (const end of ends) end.expire(nowMs);
        }
      }),
      { numRuns: 100 },
    );
  });
});
