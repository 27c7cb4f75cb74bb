/**
 * Goal: two nodes get a session for their link and keep it, whichever of them begins, restarts or loses messages.
 * Method: in-memory requests, and data planes that keep
 * what they are told and whose paths work when both ends agree on them.
 */
import { expect } from 'chai';
import { linkRequestCodec } from '../../../../src/node/multipath/link-messages.js';
import { activePaths, agree, linkTo, network } from '../../../support/multipath/multipath-nodes.js';
import { expectSame, sound, withNodes } from '../../../support/multipath/with-nodes.js';

describe('sessions of links', () => {
  const test = withNodes();

  for (const [who, first] of [
    ['lower', 0],
    ['higher', 1],
  ] as const) {
    it(`come up when the side with the ${who} id begins`, async () => {
      const ends = await test.pair();
      const [from, to] = first === 0 ? ends : [ends[1], ends[0]];
      expect(from.multipath.isUsable(to.self)).to.equal(false);
      from.multipath.wanted(to.self);
      for (let time = 0; time < 100; time++) from.multipath.wanted(to.self);
      await test.nodes.linked(from, to, 1_000);
      expect(agree(from, to)).to.equal(true);
      expectSame(from, to);
      expect(linkTo(from, to).sessions).to.equal(1);
      expect(linkTo(from, to).addresses).to.deep.equal(['10.77.0.52', null]);
      expect(from.changes).to.equal(1);
      sound(...ends);
    });
  }

  it('need the same pre-shared key on both sides', async () => {
    const [a, b] = await test.pair({}, { psk: new Uint8Array(32).fill(7) });
    a.multipath.wanted(b.self);
    await test.nodes.clock.advance(10_000);
    expect(a.multipath.isUsable(b.self) || b.multipath.isUsable(a.self)).to.equal(false);
  });

  it('come up when both sides begin at once, with one session', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    b.multipath.wanted(a.self);
    await test.nodes.linked(a, b, 1_000);
    expect(agree(a, b)).to.equal(true);
    expect([linkTo(a, b).sessions, linkTo(b, a).sessions]).to.deep.equal([1, 1]);
    sound(a, b);
  });

  it('come up when both begin with any delay between them and messages of any delay', async () => {
    for (let gapMs = 0; gapMs < 40; gapMs += 3) {
      test.begin();
      const [a, b] = await test.pair();
      let count = 0;
      test.nodes.fates = () => {
        count += 1;
        return count <= 2 ? { heldUpMs: (count * gapMs * 7) % 50 } : null;
      };
      const [first, second] = gapMs % 2 === 0 ? [a, b] : [b, a];
      first.multipath.wanted(second.self);
      await test.nodes.clock.advance(gapMs);
      second.multipath.wanted(first.self);
      await test.nodes.linked(a, b, 15_000);
      expect(agree(a, b), `gap ${String(gapMs)}`).to.equal(true);
    }
  });

  it('come up again after one side has restarted, whichever it is', async () => {
    for (const restarted of [0, 1]) {
      test.begin();
      const ends = await test.pair();
      const stays = ends[1 - restarted]!;
      ends[0].multipath.wanted(ends[1].self);
      await test.nodes.linked(...ends);
      ends[restarted]!.plane.vanish();
      const again = await test.nodes.node(restarted);
      test.watch(again);
      await test.nodes.connect(again, stays);
      await test.nodes.clock.advance(300);
      again.multipath.wanted(stays.self);
      await test.nodes.linked(again, stays, 2_000);
      expect(agree(again, stays)).to.equal(true);
      expect(linkTo(stays, again).sessions).to.equal(2);
      sound(stays, again);
    }
  });

  it('come up again when the other side has forgotten them and traffic goes on', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    b.multipath.cut(a.self);
    await test.nodes.until('the paths are dead', () => !a.multipath.isUsable(b.self));
    const deadMs = test.nodes.clock.now();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    expect(test.nodes.clock.now() - deadMs).to.be.within(1_000, 3_000);
  });

  it('are left alone when nobody wants them any more', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    await test.nodes.clock.advance(61_000);
    b.multipath.cut(a.self);
    await test.nodes.clock.advance(30_000);
    expect(linkTo(a, b).sessions).to.equal(1);
    expect(b.multipath.linkOf(a.self)).to.equal(null);
  });

  it('try new sessions ever more rarely while no path works', async () => {
    const [a, b] = await test.pair();
    test.nodes.world.blocks = () => true;
    const atMs: number[] = [];
    let sessions = 0;
    for (let step = 0; step < 600; step++) {
      a.multipath.wanted(b.self);
      await test.nodes.clock.advance(1_000);
      const now = linkTo(a, b).sessions;
      if (now !== sessions) atMs.push(test.nodes.clock.now());
      sessions = now;
    }
    const gaps = atMs.slice(1).map((time, index) => time - atMs[index]!);
    expect(gaps[0]).to.be.within(4_000, 7_000);
    expect(gaps.at(-1)).to.be.within(44_000, 77_000);
    test.nodes.world.blocks = () => false;
    await test.nodes.linked(a, b, 31_000);
  });

  it('replace keys inside the session, whatever control messages get lost', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    let count = 0;
    test.nodes.world.losesControl = () => count++ % 3 !== 2;
    for (let time = 0; time < 12; time++) {
      const [from, to] = time % 4 === 3 ? [b, a] : [a, b];
      const before = linkTo(from, to).keys.at(-1)?.localIndex;
      from.plane.events?.rekeyDue(from.multipath.linkOf(to.self)!);
      await test.nodes.until('there are new keys', () => {
        return linkTo(from, to).keys.at(-1)?.localIndex !== before;
      });
      await test.nodes.clock.advance(2_500);
      expect(agree(a, b)).to.equal(true);
    }
    expect([linkTo(a, b).sessions, linkTo(b, a).sessions]).to.deep.equal([1, 1]);
    expect(linkTo(a, b).keys).to.have.length(2);
    sound(a, b);
  });

  it('replace keys over the connection when nothing comes through inside', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    test.nodes.world.losesControl = () => true;
    a.plane.events?.rekeyDue(a.multipath.linkOf(b.self)!);
    await test.nodes.until('there are new keys', () => linkTo(a, b).keys.length === 2, 2_000);
    expect(agree(a, b)).to.equal(true);
    expect(test.nodes.world.controlMessages).to.equal(4);
  });

  it('agree again when an answer was lost on all ways', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    test.nodes.world.losesControl = () => true;
    test.nodes.fates = () => ({ lost: 'response' });
    a.plane.events?.rekeyDue(a.multipath.linkOf(b.self)!);
    await test.nodes.until('b has answered', () => linkTo(b, a).keys.length === 2);
    test.nodes.fates = () => null;
    await test.nodes.until('a has keys', () => linkTo(a, b).keys.length === 2, 20_000);
    expect(agree(a, b)).to.equal(true);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('begin another session when keys cannot be replaced for long', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    test.nodes.world.losesControl = () => true;
    test.nodes.fates = (_from, _to, request) => {
      const decoded = linkRequestCodec.decode(request);
      const isRekey = decoded.ok && decoded.value[0] === 'offer' && decoded.value[2] > 0;
      return isRekey ? { lost: 'request' } : null;
    };
    a.plane.events?.rekeyDue(a.multipath.linkOf(b.self)!);
    const startMs = test.nodes.clock.now();
    await test.nodes.until('there is another session', () => linkTo(a, b).sessions === 2);
    expect(test.nodes.clock.now() - startMs).to.be.within(20_000, 30_000);
    await test.nodes.linked(a, b);
    expect(agree(a, b)).to.equal(true);
  });

  it('forget the session when its keys have had their time', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    a.plane.expireKeys(a.multipath.linkOf(b.self)!);
    await test.nodes.clock.advance(100);
    expect(a.multipath.isUsable(b.self)).to.equal(false);
    expect(linkTo(a, b).paths.size).to.equal(0);
    await test.nodes.clock.advance(3_000);
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    expect(agree(a, b)).to.equal(true);
  });

  it('begin another session when interfaces came and went until no id is left', async () => {
    const [a, b] = await test.pair();
    const [eth0] = a.interfaces.current();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    for (let time = 0; time < 260; time++) {
      a.interfaces.set([eth0!]);
      await test.nodes.clock.advance(100);
      a.interfaces.set([eth0!, network('wlan', 2, '192.168.2.1')]);
      await test.nodes.until('it is back', () => activePaths(b, a).length === 2, 20_000);
      a.multipath.wanted(b.self);
    }
    expect(linkTo(a, b).sessions).to.equal(2);
    expect(agree(a, b)).to.equal(true);
  });
});
