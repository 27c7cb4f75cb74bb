/**
 * Goal: two nodes get a link of datagrams over all their interfaces and keep it, whichever of them begins,
 * restarts, changes its interfaces or loses messages. Method: in-memory requests, and data planes that keep
 * what they are told and whose paths work when both ends agree on them.
 */
import { expect } from 'chai';
import { Canceller } from '../../../../overlay/base/signal.js';
import { linkRequestCodec } from '../../../../src/node/multipath/link-messages.js';
import { IDLE_MS, LOOK_MS } from '../../../../src/node/multipath/multipath.js';
import { payloadOf } from '../../../support/packets.js';
import {
  activePaths,
  agree,
  linkTo,
  MultipathNodes,
  network,
  unrouted,
  type TestNode,
} from '../../../support/multipath/multipath-nodes.js';

describe('links of datagrams', () => {
  let nodes: MultipathNodes;
  let all: TestNode[];

  beforeEach(() => {
    nodes = new MultipathNodes();
    all = [];
  });

  afterEach(() => {
    for (const { plane } of all) expect(plane.faults).to.deep.equal([]);
  });

  async function pair(
    ...options: Parameters<MultipathNodes['pair']>
  ): Promise<[TestNode, TestNode]> {
    const made = await nodes.pair(...options);
    all.push(...made);
    return made;
  }

  /** Both have the same paths, by id. */
  function expectSame(a: TestNode, b: TestNode): void {
    expect([...linkTo(a, b).paths.keys()].sort()).to.deep.equal(
      [...linkTo(b, a).paths.keys()].sort(),
    );
  }

  function sound(...those: TestNode[]): void {
    for (const { misdeeds } of those) expect(misdeeds).to.deep.equal([]);
  }

  for (const [who, first] of [
    ['lower', 0],
    ['higher', 1],
  ] as const) {
    it(`come up when the side with the ${who} id begins`, async () => {
      const ends = await pair();
      const [from, to] = first === 0 ? ends : [ends[1], ends[0]];
      expect(from.multipath.isUsable(to.self)).to.equal(false);
      from.multipath.wanted(to.self);
      for (let time = 0; time < 100; time++) from.multipath.wanted(to.self);
      await nodes.linked(from, to, 1_000);
      expect(agree(from, to)).to.equal(true);
      expectSame(from, to);
      expect(linkTo(from, to).sessions).to.equal(1);
      expect(linkTo(from, to).addresses).to.deep.equal(['10.77.0.52', null]);
      expect(from.changes).to.equal(1);
      sound(...ends);
    });
  }

  it('need the same pre-shared key on both sides', async () => {
    const [a, b] = await pair({}, { psk: new Uint8Array(32).fill(7) });
    a.multipath.wanted(b.self);
    await nodes.clock.advance(10_000);
    expect(a.multipath.isUsable(b.self) || b.multipath.isUsable(a.self)).to.equal(false);
  });

  it('come up when both sides begin at once, with one session', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    b.multipath.wanted(a.self);
    await nodes.linked(a, b, 1_000);
    expect(agree(a, b)).to.equal(true);
    expect([linkTo(a, b).sessions, linkTo(b, a).sessions]).to.deep.equal([1, 1]);
    sound(a, b);
  });

  it('come up when both begin with any delay between them and messages of any delay', async () => {
    for (let gapMs = 0; gapMs < 40; gapMs += 3) {
      nodes = new MultipathNodes();
      const [a, b] = await pair();
      let count = 0;
      nodes.fates = () => {
        count += 1;
        return count <= 2 ? { heldUpMs: (count * gapMs * 7) % 50 } : null;
      };
      const [first, second] = gapMs % 2 === 0 ? [a, b] : [b, a];
      first.multipath.wanted(second.self);
      await nodes.clock.advance(gapMs);
      second.multipath.wanted(first.self);
      await nodes.linked(a, b, 15_000);
      expect(agree(a, b), `gap ${String(gapMs)}`).to.equal(true);
    }
  });

  it('come up again after one side has restarted, whichever it is', async () => {
    for (const restarted of [0, 1]) {
      nodes = new MultipathNodes();
      const ends = await pair();
      const stays = ends[1 - restarted]!;
      ends[0].multipath.wanted(ends[1].self);
      await nodes.linked(...ends);
      ends[restarted]!.plane.vanish();
      const again = await nodes.node(restarted);
      all.push(again);
      await nodes.connect(again, stays);
      await nodes.clock.advance(300);
      again.multipath.wanted(stays.self);
      await nodes.linked(again, stays, 2_000);
      expect(agree(again, stays)).to.equal(true);
      expect(linkTo(stays, again).sessions).to.equal(2);
      sound(stays, again);
    }
  });

  it('come up again when the other side has forgotten them and traffic goes on', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    b.multipath.cut(a.self);
    await nodes.until('the paths are dead', () => !a.multipath.isUsable(b.self));
    const deadMs = nodes.clock.now();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    expect(nodes.clock.now() - deadMs).to.be.within(1_000, 3_000);
  });

  it('are left alone when nobody wants them any more', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    await nodes.clock.advance(61_000);
    b.multipath.cut(a.self);
    await nodes.clock.advance(30_000);
    expect(linkTo(a, b).sessions).to.equal(1);
    expect(b.multipath.linkOf(a.self)).to.equal(null);
  });

  it('try new sessions ever more rarely while no path works', async () => {
    const [a, b] = await pair();
    nodes.world.blocks = () => true;
    const atMs: number[] = [];
    let sessions = 0;
    for (let step = 0; step < 600; step++) {
      a.multipath.wanted(b.self);
      await nodes.clock.advance(1_000);
      const now = linkTo(a, b).sessions;
      if (now !== sessions) atMs.push(nodes.clock.now());
      sessions = now;
    }
    const gaps = atMs.slice(1).map((time, index) => time - atMs[index]!);
    expect(gaps[0]).to.be.within(4_000, 7_000);
    expect(gaps.at(-1)).to.be.within(44_000, 77_000);
    nodes.world.blocks = () => false;
    await nodes.linked(a, b, 31_000);
  });

  it('use a path for each pair of interfaces, with the greater metric and backup of both', async () => {
    const [a, b] = await pair(
      {
        networks: [network('eth0', 1, '192.168.1.1'), network('lte', 2, '100.64.0.1')],
        settings: {
          interfaces: [
            { name: 'eth0', metric: 1 },
            { name: 'lte', metric: 5, backup: true },
          ],
        },
      },
      {
        networks: [network('eth0', 1, '192.168.1.2'), network('wlan', 2, '192.168.2.2')],
        settings: {
          interfaces: [
            { name: 'eth0', metric: 0 },
            { name: 'wlan', metric: 9 },
          ],
        },
      },
    );
    b.multipath.wanted(a.self);
    await nodes.linked(a, b);
    await nodes.clock.advance(500);
    expect(activePaths(a, b)).to.deep.equal([
      '100.64.0.1 > 192.168.1.2',
      '100.64.0.1 > 192.168.2.2',
      '192.168.1.1 > 192.168.1.2',
      '192.168.1.1 > 192.168.2.2',
    ]);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const plans = [...linkTo(from, to).paths.values()].map(({ plan }) => plan);
      const groups = plans.map(
        ({ metricGroup, backup }) => `${String(metricGroup)} ${String(backup)}`,
      );
      expect(groups.sort()).to.deep.equal(['1 false', '5 true', '9 false', '9 true']);
    }
    const facts = (await a.multipath.facts()).get(b.self);
    expect(facts?.paths.map((path) => path.interface).sort()).to.deep.equal([
      'eth0',
      'eth0',
      'lte',
      'lte',
    ]);
  });

  it('have no path from one wire to another without a router, and follow routes', async () => {
    const cards = (host: number): ReturnType<typeof network>[] => [
      unrouted(network('eth0', 1, `192.0.2.${String(host)}`)),
      unrouted(network('eth1', 2, `198.51.100.${String(host)}`)),
    ];
    const [a, b] = await pair({ networks: cards(1) }, { networks: cards(2) });
    b.multipath.wanted(a.self);
    await nodes.linked(a, b);
    await nodes.clock.advance(500);
    const straight = ['192.0.2.1 > 192.0.2.2', '198.51.100.1 > 198.51.100.2'];
    expect(activePaths(a, b)).to.deep.equal(straight);
    const setRouted = (node: TestNode, names: readonly string[]): void => {
      const now = node.interfaces.current();
      node.interfaces.set(now.map((one) => ({ ...one, routed4: names.includes(one.name) })));
    };
    // The usual case: one way out, by the first card.
    setRouted(a, ['eth0']);
    setRouted(b, ['eth0']);
    await nodes.clock.advance(5_000);
    expect(activePaths(a, b)).to.deep.equal(straight);
    setRouted(b, ['eth0', 'eth1']);
    await nodes.until('there is a third path', () => activePaths(a, b).length === 3, 1_000);
    expect(activePaths(a, b)).to.include('192.0.2.1 > 198.51.100.2');
    setRouted(a, []);
    await nodes.until('it is gone', () => linkTo(b, a).paths.size === 2, 1_000);
    expect(activePaths(a, b)).to.deep.equal(straight);
    expectSame(a, b);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('use only the interfaces that were chosen, and never an address of the overlay', async () => {
    const [a, b] = await pair({
      networks: [
        network('eth0', 1, '192.168.1.1'),
        network('ov0', 2, '10.77.3.4'),
        network('lte', 3, '100.64.0.1'),
      ],
      settings: {
        interfaces: [
          { name: 'eth0', metric: 0 },
          { name: 'ov0', metric: 0 },
        ],
      },
    });
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    expect([...a.plane.sockets.values()].map(({ device }) => device)).to.deep.equal(['eth0']);
  });

  it('follow interfaces that go and come', async () => {
    const [a, b] = await pair();
    const [eth0] = a.interfaces.current();
    const wlan = network('wlan', 2, '192.168.2.1');
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    a.interfaces.set([eth0!, wlan]);
    await nodes.until('a second path works', () => activePaths(b, a).length === 2, 1_000);
    a.interfaces.set([wlan]);
    expect(linkTo(a, b).paths.size).to.equal(1);
    await nodes.until('the other side knows', () => linkTo(b, a).paths.size === 1, 1_000);
    expect(a.multipath.isUsable(b.self) && b.multipath.isUsable(a.self)).to.equal(true);
    a.interfaces.set([eth0!, wlan]);
    await nodes.until('it is back', () => activePaths(b, a).length === 2, 1_000);
    expectSame(a, b);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('follow the interfaces of the side that does not choose', async () => {
    const [a, b] = await pair();
    const [eth0] = b.interfaces.current();
    const wlan = network('wlan', 2, '192.168.2.1');
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    b.interfaces.set([eth0!, wlan]);
    await nodes.until('a second path works', () => activePaths(b, a).length === 2, 1_000);
    b.interfaces.set([]);
    expect(b.multipath.isUsable(a.self)).to.equal(false);
    await nodes.until('the other side knows', () => linkTo(a, b).paths.size === 0, 5_000);
    b.interfaces.set([wlan]);
    await nodes.linked(a, b, 5_000);
    expect(activePaths(a, b)).to.deep.equal(['192.168.1.1 > 192.168.2.1']);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('follow interfaces while most control messages get lost', async () => {
    const [a, b] = await pair();
    const [eth0] = a.interfaces.current();
    const wlan = network('wlan', 2, '192.168.2.1');
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    for (let time = 0; time < 8; time++) {
      const from = time % 2 === 0 ? a : b;
      let count = 0;
      // Requests arrive at last, answers never.
      nodes.world.losesControl = () => count++ % 5 !== time % 5;
      const [own] = from.interfaces.current();
      from.interfaces.set([own!, wlan]);
      await nodes.until('a second path works', () => activePaths(b, a).length === 2, 6_000);
      from.interfaces.set([own!]);
      await nodes.until('it is gone', () => linkTo(b, a).paths.size === 1, 6_000);
      await nodes.until('on both sides', () => linkTo(a, b).paths.size === 1, 6_000);
    }
    expect(eth0).to.equal(a.interfaces.current()[0]);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('take a new path when an address changes under a socket', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    const [socket] = [...b.plane.sockets.keys()];
    const options = b.plane.sockets.get(socket!)!;
    b.plane.sockets.set(socket!, { ...options, address: '192.168.1.77' });
    b.interfaces.set([network('eth0', 1, '192.168.1.77')]);
    await nodes.until(
      'it works again',
      () => activePaths(a, b)[0]?.endsWith('.77') === true,
      5_000,
    );
    expect([...linkTo(a, b).paths.keys()]).to.not.deep.equal([0]);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('keep an endpoint that the peer moved to', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    const moved = { address: '203.0.113.9', port: 4_444 };
    const [path] = [...linkTo(a, b).paths.keys()];
    a.plane.rebind(a.multipath.linkOf(b.self)!, path!, moved);
    a.interfaces.set([...a.interfaces.current(), network('wlan', 2, '192.168.2.1')]);
    await nodes.until('there is a second path', () => linkTo(a, b).paths.size === 2, 1_000);
    expect(linkTo(a, b).paths.get(path!)?.plan.remote).to.deep.equal(moved);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('try the other family when the first does not work, and keep what does', async () => {
    const [a, b] = await pair(
      { networks: [network('eth0', 1, '192.168.1.1', '2001:db8::1')] },
      { networks: [network('eth0', 1, '192.168.1.2', '2001:db8::2')] },
    );
    nodes.world.blocks = (from) => !from.address.includes(':');
    a.multipath.wanted(b.self);
    await nodes.linked(a, b, 4_000);
    expect(activePaths(a, b)).to.deep.equal(['2001:db8::1 > 2001:db8::2']);
    nodes.world.blocks = () => false;
    await nodes.clock.advance(120_000);
    expect(activePaths(a, b)).to.deep.equal(['2001:db8::1 > 2001:db8::2']);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('replace keys inside the session, whatever control messages get lost', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    let count = 0;
    nodes.world.losesControl = () => count++ % 3 !== 2;
    for (let time = 0; time < 12; time++) {
      const [from, to] = time % 4 === 3 ? [b, a] : [a, b];
      const before = linkTo(from, to).keys.at(-1)?.localIndex;
      from.plane.events?.rekeyDue(from.multipath.linkOf(to.self)!);
      await nodes.until('there are new keys', () => {
        return linkTo(from, to).keys.at(-1)?.localIndex !== before;
      });
      await nodes.clock.advance(2_500);
      expect(agree(a, b)).to.equal(true);
    }
    expect([linkTo(a, b).sessions, linkTo(b, a).sessions]).to.deep.equal([1, 1]);
    expect(linkTo(a, b).keys).to.have.length(2);
    sound(a, b);
  });

  it('replace keys over the connection when nothing comes through inside', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    nodes.world.losesControl = () => true;
    a.plane.events?.rekeyDue(a.multipath.linkOf(b.self)!);
    await nodes.until('there are new keys', () => linkTo(a, b).keys.length === 2, 2_000);
    expect(agree(a, b)).to.equal(true);
    expect(nodes.world.controlMessages).to.equal(4);
  });

  it('agree again when an answer was lost on all ways', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    nodes.world.losesControl = () => true;
    nodes.fates = () => ({ lost: 'response' });
    a.plane.events?.rekeyDue(a.multipath.linkOf(b.self)!);
    await nodes.until('b has answered', () => linkTo(b, a).keys.length === 2);
    nodes.fates = () => null;
    await nodes.until('a has keys', () => linkTo(a, b).keys.length === 2, 20_000);
    expect(agree(a, b)).to.equal(true);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('begin another session when keys cannot be replaced for long', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    nodes.world.losesControl = () => true;
    nodes.fates = (_from, _to, request) => {
      const decoded = linkRequestCodec.decode(request);
      const isRekey = decoded.ok && decoded.value[0] === 'offer' && decoded.value[2] > 0;
      return isRekey ? { lost: 'request' } : null;
    };
    a.plane.events?.rekeyDue(a.multipath.linkOf(b.self)!);
    const startMs = nodes.clock.now();
    await nodes.until('there is another session', () => linkTo(a, b).sessions === 2);
    expect(nodes.clock.now() - startMs).to.be.within(20_000, 30_000);
    await nodes.linked(a, b);
    expect(agree(a, b)).to.equal(true);
  });

  it('forget the session when its keys have had their time', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    a.plane.expireKeys(a.multipath.linkOf(b.self)!);
    await nodes.clock.advance(100);
    expect(a.multipath.isUsable(b.self)).to.equal(false);
    expect(linkTo(a, b).paths.size).to.equal(0);
    await nodes.clock.advance(3_000);
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    expect(agree(a, b)).to.equal(true);
  });

  it('begin another session when interfaces came and went until no id is left', async () => {
    const [a, b] = await pair();
    const [eth0] = a.interfaces.current();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    for (let time = 0; time < 260; time++) {
      a.interfaces.set([eth0!]);
      await nodes.clock.advance(100);
      a.interfaces.set([eth0!, network('wlan', 2, '192.168.2.1')]);
      await nodes.until('it is back', () => activePaths(b, a).length === 2, 20_000);
      a.multipath.wanted(b.self);
    }
    expect(linkTo(a, b).sessions).to.equal(2);
    expect(agree(a, b)).to.equal(true);
  });

  it('open sockets again that failed, and on another port if theirs is taken', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    const [socket] = [...a.plane.sockets.keys()];
    a.plane.refusesSocket = ({ port }) => port === 7_000;
    a.plane.events?.socketFailed(socket!, 'gone');
    expect(linkTo(a, b).paths.size).to.equal(0);
    await nodes.until('it is open again', () => a.plane.sockets.size === 1, 2_000);
    expect([...a.plane.sockets.values()][0]?.bound).to.be.greaterThan(39_999);
    await nodes.linked(a, b);
  });

  it('wait ever longer for sockets that cannot be opened', async () => {
    const a = await nodes.node(0);
    const tries: number[] = [];
    a.plane.refusesSocket = () => {
      tries.push(nodes.clock.now());
      return true;
    };
    await nodes.clock.advance(10);
    a.plane.events?.socketFailed([...a.plane.sockets.keys()][0]!, 'gone');
    await nodes.clock.advance(600_000);
    const attempts = tries.filter((_, index) => index % 2 === 0);
    expect(attempts.length).to.be.within(12, 18);
  });

  it('are closed on both sides when no packets have gone by them for long', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      linkTo(from, to).idleMs = IDLE_MS;
    }
    await nodes.clock.advance(IDLE_MS + LOOK_MS + 1_000);
    expect([a.plane.links.size, b.plane.links.size]).to.deep.equal([0, 0]);
  });

  it('end at once for a peer that is cut off', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    const echo = a.multipath.echo(b.self, 5_000);
    a.trusts = () => false;
    a.multipath.cut(b.self);
    const error = await nodes.clock.until(echo, 1_000).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'unreachable' });
    a.multipath.wanted(b.self);
    await nodes.clock.advance(2_000);
    expect(a.plane.links.size).to.equal(0);
    expect(b.multipath.isUsable(a.self)).to.equal(false);
  });

  it('measure round trips, and say when none comes back', async () => {
    const [a, b] = await pair();
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    const reply = await nodes.clock.until(a.multipath.echo(b.self, 1_000), 1_000);
    expect(reply).to.deep.equal({ rttMs: 10, path: 0 });
    b.plane.answersEchoes = false;
    const code = async (work: Promise<unknown>): Promise<unknown> =>
      await nodes.clock.until(
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
    expect(await code(b.multipath.echo(nodes.ids[1]!, 1_000))).to.equal('unreachable');
  });

  it('hand out what comes in, and tell addresses and schedulers on', async () => {
    const [a, b] = await pair();
    a.multipath.setScheduling(b.self, { scheduler: 'failover', overflow: true });
    a.multipath.wanted(b.self);
    await nodes.linked(a, b);
    const link = a.multipath.linkOf(b.self)!;
    expect(linkTo(a, b).scheduling.scheduler).to.equal('failover');
    a.multipath.setScheduling(null, { scheduler: 'replicate', overflow: false });
    expect(linkTo(a, b).scheduling.scheduler).to.equal('failover');
    expect(a.multipath.schedulingOf(a.self).scheduler).to.equal('replicate');
    b.multipath.setScheduling(null, { scheduler: 'aggregate', overflow: false });
    expect(linkTo(b, a).scheduling.scheduler).to.equal('aggregate');
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
