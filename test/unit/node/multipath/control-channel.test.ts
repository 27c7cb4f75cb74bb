/**
 * Goal: a request inside a session is answered exactly once for whoever asks, and served exactly once by
 * whoever is asked, however messages are lost, doubled or delayed. Method: two channels over a line that does so.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { ControlChannel } from '../../../../src/node/multipath/control-channel.js';
import { envelopeCodec } from '../../../../src/node/multipath/link-messages.js';
import { payloadOf } from '../../../support/packets.js';

interface Fate {
  readonly copies: number;
  readonly delayMs: number;
}

class Line {
  readonly clock = new ManualClock();
  readonly served: number[] = [];
  readonly misdeeds: string[] = [];
  sent = 0;
  readonly ends: readonly [ControlChannel, ControlChannel];

  constructor(fate: (index: number) => Fate) {
    const end = (seed: number, other: () => ControlChannel): ControlChannel =>
      new ControlChannel({
        clock: this.clock,
        rng: new SeededRng(seed),
        send: (message) => {
          const { copies, delayMs } = fate(this.sent++);
          for (let copy = 0; copy < copies; copy++) {
            this.clock.after(delayMs * (copy + 1), () => {
              other().received(message.slice());
            });
          }
        },
        serve: (request) => {
          this.served.push(request[0] ?? -1);
          return request[0] === 255 ? null : Uint8Array.of(request[0] ?? 0, 1);
        },
        misbehaved: (what) => this.misdeeds.push(what),
      });
    this.ends = [end(1, () => this.ends[1]), end(2, () => this.ends[0])];
  }
}

describe('requests inside a session', () => {
  it('are asked again until answered, and served once', async () => {
    const fate = fc.record({ copies: fc.nat(2), delayMs: fc.nat(250) });
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 20, maxLength: 60 }), async (fates) => {
        const line = new Line((index) => fates[index] ?? { copies: 1, delayMs: 1 });
        for (let number = 0; number < 4; number++) {
          const asked = line.ends[number % 2]!.request(Uint8Array.of(number));
          const answer = await line.clock.until(asked, 5_000);
          if (answer !== null) expect([...answer]).to.deep.equal([number, 1]);
        }
        await line.clock.advance(5_000);
        expect(new Set(line.served).size).to.equal(line.served.length);
        expect(line.misdeeds).to.deep.equal([]);
      }),
      { numRuns: 100 },
    );
  });

  it('end without an answer after four tries, in 1.2 s', async () => {
    const line = new Line(() => ({ copies: 0, delayMs: 0 }));
    const answer = await line.clock.until(line.ends[0].request(Uint8Array.of(1)), 5_000);
    expect([answer, line.sent, line.clock.now()]).to.deep.equal([null, 4, 1_200]);
  });

  it('end when the session does, and are bounded in number', async () => {
    const line = new Line(() => ({ copies: 0, delayMs: 0 }));
    const asked = Array.from({ length: 9 }, (_, index) =>
      line.ends[0].request(Uint8Array.of(index)),
    );
    expect(line.sent).to.equal(8);
    line.ends[0].reset();
    expect(await line.clock.until(Promise.all(asked), 10)).to.deep.equal(Array(9).fill(null));
    await line.clock.advance(5_000);
    expect(line.sent).to.equal(8);
  });

  it('are served anew in another session, and when the answer is long forgotten', () => {
    const line = new Line(() => ({ copies: 0, delayMs: 0 }));
    const request = (id: number): Uint8Array => envelopeCodec.encode([0, id, Uint8Array.of(id)]);
    const [end] = line.ends;
    end.received(request(1));
    end.received(request(1));
    expect(line.served).to.deep.equal([1]);
    end.reset();
    end.received(request(1));
    expect(line.served).to.deep.equal([1, 1]);
    for (let id = 2; id < 18; id++) end.received(request(id));
    end.received(request(1));
    expect(line.served).to.have.length(19);
  });

  it('that are none are counted against the peer', () => {
    const line = new Line(() => ({ copies: 0, delayMs: 0 }));
    for (let length = 0; length < 40; length++) line.ends[0].received(payloadOf(length));
    expect(line.misdeeds).to.have.length(40);
    line.ends[0].received(envelopeCodec.encode([0, 1, Uint8Array.of(255)]));
    line.ends[0].received(envelopeCodec.encode([1, 1, Uint8Array.of(1)]));
    expect(line.sent).to.equal(0);
  });
});
