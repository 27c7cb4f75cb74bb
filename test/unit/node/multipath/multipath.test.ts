/**
 * Goal: links end when they are not wanted or not allowed any more, and hand on what goes through them.
 * Method: in-memory requests, and data planes that keep
 * what they are told and whose paths work when both ends agree on them.
 */
import { expect } from 'chai';
import { Canceller } from '../../../../overlay/base/signal.js';
import { payloadOf } from '../../../support/packets.js';
import { IDLE_MS, LOOK_MS } from '../../../../src/node/multipath/multipath.js';
import { linkTo } from '../../../support/multipath/multipath-nodes.js';
import { withNodes } from '../../../support/multipath/with-nodes.js';

describe('links of datagrams', () => {
  const test = withNodes();

  it('are closed on both sides when no packets have gone by them for long', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      linkTo(from, to).idleMs = IDLE_MS;
    }
    await test.nodes.clock.advance(IDLE_MS + LOOK_MS + 1_000);
    expect([a.plane.links.size, b.plane.links.size]).to.deep.equal([0, 0]);
  });

  it('end at once for a peer that is cut off', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    const echo = a.multipath.echo(b.self, 5_000);
    a.trusts = () => false;
    a.multipath.cut(b.self);
    const error = await test.nodes.clock.until(echo, 1_000).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'unreachable' });
    a.multipath.wanted(b.self);
    await test.nodes.clock.advance(2_000);
    expect(a.plane.links.size).to.equal(0);
    expect(b.multipath.isUsable(a.self)).to.equal(false);
  });

  it('measure round trips, and say when none comes back', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    const reply = await test.nodes.clock.until(a.multipath.echo(b.self, 1_000), 1_000);
    expect(reply).to.deep.equal({ rttMs: 10, path: 0 });
    b.plane.answersEchoes = false;
    const code = async (work: Promise<unknown>): Promise<unknown> =>
      await test.nodes.clock.until(
        work.then(
          () => 'none',
          (error: unknown) => (error as { code: string }).code,
        ),
        5_000,
      );
    expect(await code(a.multipath.echo(b.self, 1_000))).to.equal('timeout');
    const canceller = new Canceller();
    const cancelled = a.multipath.echo(b.self, 1_000, canceller.signal);
    canceller.abort('enough');
    expect(await code(cancelled)).to.equal('aborted');
    expect(await code(b.multipath.echo(test.nodes.ids[1]!, 1_000))).to.equal('unreachable');
  });

  it('hand out what comes in, and tell addresses and schedulers on', async () => {
    const [a, b] = await test.pair();
    a.scheduling.change(b.self, { scheduler: 'failover' });
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    const link = a.multipath.linkOf(b.self)!;
    const before = linkTo(a, b).scheduling;
    expect(before).to.deep.equal({ scheduler: 'failover', overflow: false });
    a.scheduling.change(null, { scheduler: 'replicate' });
    a.multipath.schedulingChanged();
    // A scheduler that is told again begins anew.
    expect(linkTo(a, b).scheduling).to.equal(before);
    a.scheduling.change(null, { overflow: true });
    a.multipath.schedulingChanged();
    expect(linkTo(a, b).scheduling).to.deep.equal({ scheduler: 'failover', overflow: true });
    a.scheduling.change(b.self, { scheduler: 'default' });
    a.multipath.schedulingChanged();
    expect(linkTo(a, b).scheduling).to.deep.equal({ scheduler: 'replicate', overflow: true });
    a.multipath.ownAddresses('10.77.0.1', null);
    expect(a.plane.own).to.deep.equal(['10.77.0.1', null]);
    const batch = [{ bytes: payloadOf(40), offload: null }];
    a.plane.events?.received(link, batch);
    a.plane.events?.received(77, batch);
    expect(a.received).to.deep.equal([[b.self, batch]]);
    expect(a.multipath.send(b.self, batch)).to.equal(true);
    expect(a.plane.sent).to.deep.equal([[link, batch]]);
    expect(a.multipath.peerOf(link)).to.equal(b.self);
    expect(a.multipath.send(a.self, batch)).to.equal(false);
  });
});
