/**
 * Goal: whatever a peer sends, and however many peers there are, a node keeps its bounds and goes on. Method: as
 * for the links themselves, with peers that send garbage, refuse, or are too many.
 */
import { expect } from 'chai';
import { PATHS_MAX } from '../../../../overlay/link/schedule/order-header.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { NodeKeyAgreement } from '../../../../src/io/node-key-agreement.js';
import {
  LINK_PROTOCOL,
  linkAnswerCodec,
  linkRequestCodec,
  type LinkAnswer,
  type LinkRequest,
} from '../../../../src/node/multipath/link-messages.js';
import { LocalIndexes } from '../../../../src/node/multipath/local-indexes.js';
import { SessionChain } from '../../../../src/node/multipath/session-chain.js';
import { unwrap } from '../../../support/identity.js';
import { testCrypto } from '../../../support/test-network.js';
import { LINKS_MAX, LOOK_MS, YIELDS_MS } from '../../../../src/node/multipath/multipath.js';
import { payloadOf } from '../../../support/packets.js';
import {
  activePaths,
  linkTo,
  network,
  type TestNode,
} from '../../../support/multipath/multipath-nodes.js';
import { withNodes } from '../../../support/multipath/with-nodes.js';

describe('links of datagrams, at their bounds,', () => {
  const test = withNodes();

  it('end when the data plane does', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    a.plane.events?.failed('no memory');
    expect(a.multipath.isUsable(b.self)).to.equal(false);
    a.multipath.wanted(b.self);
    b.multipath.wanted(a.self);
    await test.nodes.clock.advance(5_000);
    expect([a.plane.links.size, a.plane.sockets.size]).to.deep.equal([0, 0]);
  });

  it('count garbage against the peer, and go on', async () => {
    const [a, b] = await test.pair();
    const ask = async (request: Uint8Array): Promise<unknown> => {
      const asked = b.host.rpc.request(a.self, LINK_PROTOCOL, request, { timeoutMs: 1_000 });
      return await test.nodes.clock.until(
        asked.catch((error: unknown) => (error as { code: string }).code),
        5_000,
      );
    };
    expect(await ask(payloadOf(50))).to.equal('refused');
    expect(a.misdeeds).to.have.length(1);
    expect(await ask(linkRequestCodec.encode(['offer', payloadOf(40), 0, 1, []]))).to.not.equal(
      'refused',
    );
    expect(a.misdeeds).to.have.length(2);
    expect(a.plane.links.size).to.equal(0);
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    await ask(payloadOf(50));
    a.plane.events?.control(a.multipath.linkOf(b.self)!, payloadOf(30));
    expect(a.misdeeds).to.have.length(4);
    // Paths are for the other side to choose.
    await ask(linkRequestCodec.encode(['paths', 99, [[1, 0, 0]]]));
    expect(a.misdeeds).to.have.length(5);
    expect(a.multipath.isUsable(b.self)).to.equal(true);
  });

  /** What `to` says to a request of `from`; a code if it is refused by the host. */
  async function asked(from: TestNode, to: TestNode, request: LinkRequest): Promise<LinkAnswer> {
    const payload = linkRequestCodec.encode(request);
    const reply = from.host.rpc.request(to.self, LINK_PROTOCOL, payload, { timeoutMs: 1_000 });
    return unwrap(linkAnswerCodec.decode(await test.nodes.clock.until(reply, 5_000)));
  }

  /** An offer by hand, as the node `from` would make it. */
  function offerOf(from: TestNode, to: TestNode, index: number): LinkRequest {
    const { offer } = new SessionChain({
      ...{ self: from.self, peer: to.self, link: 1, psk: new Uint8Array(32), networkId: 'ff' },
      ...{ rng: new SeededRng(index), crypto: testCrypto, agreement: new NodeKeyAgreement() },
      ...{ ciphers: ['aes-256-gcm'], indexes: new LocalIndexes(new SeededRng(index)) },
    }).offer(true);
    return ['offer', offer.bytes, 0, index, []];
  }

  it('answer an offer that comes again as before, and another one only after a while', async () => {
    const [a, b] = await test.pair();
    const first = await asked(b, a, offerOf(b, a, 1));
    expect(first[0]).to.equal('answer');
    expect(await asked(b, a, offerOf(b, a, 1))).to.deep.equal(first);
    expect(linkTo(a, b).sessions).to.equal(1);
    expect(await asked(b, a, offerOf(b, a, 2))).to.deep.equal(['refused', 'busy']);
    await test.nodes.clock.advance(200);
    expect((await asked(b, a, offerOf(b, a, 2)))[0]).to.equal('answer');
    expect(linkTo(a, b).sessions).to.equal(2);
  });

  it('take no message for a later one, and the same one twice', async () => {
    const [a, b] = await test.pair();
    expect(await asked(a, b, ['candidates', 1, []])).to.deep.equal(['refused', 'no-session']);
    await asked(a, b, offerOf(a, b, 5));
    for (const kind of ['candidates', 'paths'] as const) {
      expect(await asked(a, b, [kind, 4, []])).to.deep.equal(['refused', 'stale']);
      expect(await asked(a, b, [kind, 7, []])).to.deep.equal(['ok']);
      expect(await asked(a, b, [kind, 7, []])).to.deep.equal(['ok']);
      expect(await asked(a, b, [kind, 6, []])).to.deep.equal(['refused', 'stale']);
    }
  });

  it('say busy to what may belong to a session that is just beginning', async () => {
    const [a, b] = await test.pair();
    test.nodes.fates = () => ({ lost: 'response' });
    a.multipath.wanted(b.self);
    await test.nodes.clock.advance(50);
    expect(b.plane.links.size).to.equal(1);
    expect(await asked(b, a, ['candidates', 9, []])).to.deep.equal(['refused', 'busy']);
  });

  it('give a session up that the peer knows nothing of', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    await test.nodes.clock.advance(61_000);
    b.multipath.cut(a.self);
    a.interfaces.set([...a.interfaces.current(), network('wlan', 2, '192.168.2.1')]);
    await test.nodes.clock.advance(3_000);
    expect([linkTo(a, b).paths.size, linkTo(a, b).sessions]).to.deep.equal([0, 1]);
  });

  it('take from the data plane what they missed', async () => {
    const [a, b] = await test.pair();
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    await test.nodes.clock.advance(61_000);
    a.plane.events?.pathChanged(a.multipath.linkOf(b.self)!, 0, 'dead');
    expect(a.multipath.isUsable(b.self)).to.equal(false);
    await test.nodes.clock.advance(LOOK_MS);
    expect(a.multipath.isUsable(b.self)).to.equal(true);
    expect(linkTo(a, b).sessions).to.equal(1);
  });

  it('are refused by a peer without them, which is then left alone ever longer', async () => {
    const [a, b] = await test.pair();
    let asked = 0;
    test.nodes.fates = () => {
      asked += 1;
      return null;
    };
    const ask = async (seconds: number): Promise<number> => {
      asked = 0;
      for (let second = 0; second < seconds; second++) {
        a.multipath.wanted(b.self);
        await test.nodes.clock.advance(1_000);
      }
      return asked;
    };
    b.host.rpc.serve(LINK_PROTOCOL, { trust: 'member', requestBytesMax: 4_096 }, () =>
      Promise.reject(new Error('no')),
    );
    expect(await ask(60)).to.equal(1);
    expect(await ask(120)).to.equal(1);
    expect(await ask(3_000)).to.be.within(5, 8);
    expect(a.plane.links.size).to.equal(0);
  });

  it('are bounded in number, and the idle ones give way', async () => {
    const count = LINKS_MAX + 44;
    test.begin(count + 1);
    const centre = await test.nodes.node(0);
    test.watch(centre);
    const others = test.nodes.ids.slice(1);
    let busyUntil = count;
    const want = async (): Promise<void> => {
      for (const peer of others.slice(0, busyUntil)) centre.multipath.wanted(peer);
      await test.nodes.clock.advance(1_000);
    };
    for (let second = 0; second < 10; second++) await want();
    expect(centre.plane.links.size).to.equal(LINKS_MAX);
    expect(centre.multipath.linkOf(others[count - 1]!)).to.equal(null);
    for (const link of centre.plane.links.values()) link.idleMs = 1e9;
    busyUntil = 10;
    for (let time = 0; time < YIELDS_MS / 1_000 + 1; time++) await want();
    centre.multipath.wanted(others[count - 1]!);
    expect(centre.multipath.linkOf(others[count - 1]!)).to.be.greaterThan(LINKS_MAX);
    expect(centre.plane.links.size).to.equal(LINKS_MAX);
    expect(centre.multipath.linkOf(others[0]!)).to.equal(1);
  });

  it('never have more paths than slots', async () => {
    const many = (host: number): ReturnType<typeof network>[] =>
      Array.from({ length: 9 }, (_, index) =>
        network(`eth${String(index)}`, index, `192.168.${String(index)}.${String(host)}`),
      );
    const [a, b] = await test.pair({ networks: many(1) }, { networks: many(2) });
    a.multipath.wanted(b.self);
    await test.nodes.linked(a, b);
    await test.nodes.clock.advance(5_000);
    expect(activePaths(a, b)).to.have.length(PATHS_MAX);
    const used = activePaths(a, b).map((path) => path.split(' ')[0]);
    expect(new Set(used).size).to.equal(9);
  });
});
