/**
 * Goal: a link has a path for each pair of interfaces, and follows interfaces, addresses, routes and sockets.
 * Method: in-memory requests, and data planes that keep
 * what they are told and whose paths work when both ends agree on them.
 */
import { expect } from 'chai';
import {
  activePaths,
  linkTo,
  network,
  unrouted,
  type TestNode,
} from '../../../support/multipath/multipath-nodes.js';
import { expectSame, sound, withNodes } from '../../../support/multipath/with-nodes.js';

describe('paths of links', () => {
  const test = withNodes();

  it('use a path for each pair of interfaces, with the greater metric and backup of both', async () => {
    const [a, b] = await test.pair(
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
    await test.nodes.linked(a, b);
    await test.nodes.clock.advance(500);
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
    const [a, b] = await test.pair({ networks: cards(1) }, { networks: cards(2) });
    b.multipath.wanted(a.self);
    await test.nodes.linked(a, b);
    await test.nodes.clock.advance(500);
    const straight = ['192.0.2.1 > 192.0.2.2', '198.51.100.1 > 198.51.100.2'];
    expect(activePaths(a, b)).to.deep.equal(straight);
    const setRouted = (node: TestNode, names: readonly string[]): void => {
      const now = node.interfaces.current();
      node.interfaces.set(now.map((one) => ({ ...one, routed4: names.includes(one.name) })));
    };
    // The usual case: one way out, by the first card.
    setRouted(a, ['eth0']);
    setRouted(b, ['eth0']);
    await test.nodes.clock.advance(5_000);
    expect(activePaths(a, b)).to.deep.equal(straight);
    setRouted(b, ['eth0', 'eth1']);
    await test.nodes.until('there is a third path', () => activePaths(a, b).length === 3, 1_000);
    expect(activePaths(a, b)).to.include('192.0.2.1 > 198.51.100.2');
    setRouted(a, []);
    await test.nodes.until('it is gone', () => linkTo(b, a).paths.size === 2, 1_000);
    expect(activePaths(a, b)).to.deep.equal(straight);
    expectSame(a, b);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('use only the interfaces that were chosen, and never an address of the overlay', async () => {
    const [a, b] = await test.pair({
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
    await test.nodes.linked(a, b);
    expect([...a.plane.sockets.values()].map(({ device }) => device)).to.deep.equal(['eth0']);
  });

  it('follow interfaces that go and come', async () => {
    const [a, b] = await test.pair();
    const [eth0] = a.interfaces.current();
    const wlan = network('wlan', 2, '192.168.2.1');
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    a.interfaces.set([eth0!, wlan]);
    await test.nodes.until('a second path works', () => activePaths(b, a).length === 2, 1_000);
    a.interfaces.set([wlan]);
    expect(linkTo(a, b).paths.size).to.equal(1);
    await test.nodes.until('the other side knows', () => linkTo(b, a).paths.size === 1, 1_000);
    expect(a.multipath.isUsable(b.self) && b.multipath.isUsable(a.self)).to.equal(true);
    a.interfaces.set([eth0!, wlan]);
    await test.nodes.until('it is back', () => activePaths(b, a).length === 2, 1_000);
    expectSame(a, b);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('follow the interfaces of the side that does not choose', async () => {
    const [a, b] = await test.pair();
    const [eth0] = b.interfaces.current();
    const wlan = network('wlan', 2, '192.168.2.1');
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    b.interfaces.set([eth0!, wlan]);
    await test.nodes.until('a second path works', () => activePaths(b, a).length === 2, 1_000);
    b.interfaces.set([]);
    expect(b.multipath.isUsable(a.self)).to.equal(false);
    await test.nodes.until('the other side knows', () => linkTo(a, b).paths.size === 0, 5_000);
    b.interfaces.set([wlan]);
    await test.nodes.linked(a, b, 5_000);
    expect(activePaths(a, b)).to.deep.equal(['192.168.1.1 > 192.168.2.1']);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('follow interfaces while most control messages get lost', async () => {
    const [a, b] = await test.pair();
    const [eth0] = a.interfaces.current();
    const wlan = network('wlan', 2, '192.168.2.1');
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    for (let time = 0; time < 8; time++) {
      const from = time % 2 === 0 ? a : b;
      let count = 0;
      // Requests arrive at last, answers never.
      test.nodes.world.losesControl = () => count++ % 5 !== time % 5;
      const [own] = from.interfaces.current();
      from.interfaces.set([own!, wlan]);
      await test.nodes.until('a second path works', () => activePaths(b, a).length === 2, 6_000);
      from.interfaces.set([own!]);
      await test.nodes.until('it is gone', () => linkTo(b, a).paths.size === 1, 6_000);
      await test.nodes.until('on both sides', () => linkTo(a, b).paths.size === 1, 6_000);
    }
    expect(eth0).to.equal(a.interfaces.current()[0]);
    expect(linkTo(a, b).sessions).to.equal(1);
    sound(a, b);
  });

  it('take a new path when an address changes under a socket', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    const [socket] = [...b.plane.sockets.keys()];
    const options = b.plane.sockets.get(socket!)!;
    b.plane.sockets.set(socket!, { ...options, address: '192.168.1.77' });
    b.interfaces.set([network('eth0', 1, '192.168.1.77')]);
    await test.nodes.until(
      'it works again',
      () => activePaths(a, b)[0]?.endsWith('.77') === true,
      5_000,
    );
    expect([...linkTo(a, b).paths.keys()]).to.not.deep.equal([0]);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('keep an endpoint that the peer moved to', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    const moved = { address: '203.0.113.9', port: 4_444 };
    const [path] = [...linkTo(a, b).paths.keys()];
    a.plane.rebind(a.multipath.linkOf(b.self)!, path!, moved);
    a.interfaces.set([...a.interfaces.current(), network('wlan', 2, '192.168.2.1')]);
    await test.nodes.until('there is a second path', () => linkTo(a, b).paths.size === 2, 1_000);
    expect(linkTo(a, b).paths.get(path!)?.plan.remote).to.deep.equal(moved);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('try the other family when the first does not work, and keep what does', async () => {
    const [a, b] = await test.pair(
      { networks: [network('eth0', 1, '192.168.1.1', '2001:db8::1')] },
      { networks: [network('eth0', 1, '192.168.1.2', '2001:db8::2')] },
    );
    test.nodes.world.blocks = (from) => !from.address.includes(':');
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b, 4_000);
    expect(activePaths(a, b)).to.deep.equal(['2001:db8::1 > 2001:db8::2']);
    test.nodes.world.blocks = () => false;
    await test.nodes.clock.advance(120_000);
    expect(activePaths(a, b)).to.deep.equal(['2001:db8::1 > 2001:db8::2']);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('open sockets again that failed, and on another port if theirs is taken', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    const [socket] = [...a.plane.sockets.keys()];
    a.plane.refusesSocket = ({ port }) => port === 7_000;
    a.plane.events?.socketFailed(socket!, 'gone');
    expect(linkTo(a, b).paths.size).to.equal(0);
    await test.nodes.until('it is open again', () => a.plane.sockets.size === 1, 2_000);
    expect([...a.plane.sockets.values()][0]?.bound).to.be.greaterThan(39_999);
    await test.nodes.linked(a, b);
  });

  it('wait ever longer for sockets that cannot be opened', async () => {
    const a = await test.nodes.node(0);
    const tries: number[] = [];
    a.plane.refusesSocket = () => {
      tries.push(test.nodes.clock.now());
      return true;
    };
    await test.nodes.clock.advance(10);
    a.plane.events?.socketFailed([...a.plane.sockets.keys()][0]!, 'gone');
    await test.nodes.clock.advance(600_000);
    const attempts = tries.filter((_, index) => index % 2 === 0);
    expect(attempts.length).to.be.within(12, 18);
  });
});
