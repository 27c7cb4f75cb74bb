/**
 * Goal: garbage and forgeries, from a stranger, a guest or a member, by any protocol, get a typed
 * refusal and nothing else; who goes on is cut off; everyone else goes on as before. Method: real hosts
 * on loopback TCP, and peers that send random bytes and damaged valid messages.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { expect } from 'chai';
import { certifyByInvite } from '../../../overlay/identity/certificate.js';
import { PACKET_STREAM_PROTOCOL } from '../../../overlay/link/tcp-path.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { LEASE_PROTOCOL, leaseRequestCodec } from '../../../dhcp/messages.js';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import { HELLO_PROTOCOL, REVOCATIONS_PROTOCOL } from '../../../src/node/hello.js';
import type { NodeIdentity } from '../../../src/node/identity.js';
import { seed } from '../../support/identity.js';
import { RealNodes, type RealNode } from '../../support/real-nodes.js';
import { helloOf, type Rogue } from '../../support/rogue.js';
import { testCrypto } from '../../support/test-network.js';

/** What a peer may be told by the transport. */
const CODES = ['refused', 'too-large', 'unreachable', 'timeout', 'stranger', 'untrusted'];

describe('real nodes among hostile peers', function () {
  this.timeout(60_000);
  const nodes = new RealNodes();
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): number => unhandled.push(reason);
  let founder: RealNode;
  let member: RealNode;
  let numbers = 100;

  before(async () => {
    process.on('unhandledRejection', onUnhandled);
    founder = await nodes.found();
    member = await nodes.join(2, founder);
    await nodes.ready(founder, member);
    await nodes.until('both are connected', () => founder.facade.status().peers.connected === 1);
  });

  after(async () => {
    await nodes.end();
    process.off('unhandledRejection', onUnhandled);
  });

  /** Whatever was tried, the network is as it was. */
  afterEach(async () => {
    expect(unhandled).to.deep.equal([]);
    for (const { facade, failures, gate, node } of [founder, member]) {
      expect(failures).to.deep.equal([]);
      expect(facade.status().ready).to.equal(true);
      expect(gate.trust(node.identity.self)).to.equal('member');
    }
    const options = { count: 1, intervalMs: 0, timeoutMs: 5_000, untilDirect: false };
    const query = member.node.address.key ?? '';
    for await (const reply of founder.facade.ping(query, options, new Canceller().signal)) {
      expect(reply.rttMs).to.be.a('number');
    }
  });

  const isConnected = ({ self }: NodeIdentity): boolean =>
    founder.host.swarm.connections().some(({ peer }) => peer === self);

  /** One byte changed, a piece cut out, or something added. */
  function damaged(valid: Uint8Array): Uint8Array {
    const at = randomInt(valid.length);
    switch (randomInt(3)) {
      case 0: {
        const copy = valid.slice();
        copy[at] = (copy[at] ?? 0) ^ (1 << randomInt(8));
        return copy;
      }
      case 1:
        return new Uint8Array(
          Buffer.concat([valid.subarray(0, at), valid.subarray(at + randomInt(1, 9))]),
        );
      default:
        return new Uint8Array(Buffer.concat([valid, randomBytes(randomInt(1, 9))]));
    }
  }

  function validMessages(identity: NodeIdentity): Record<string, Uint8Array[]> {
    const lease = founder.node.address.lease?.certificate;
    if (lease === undefined) throw new Error('no lease');
    const view = [founder.node.identity.self];
    const claimId = new Uint8Array(16);
    return {
      [HELLO_PROTOCOL]: [
        helloOf(identity, {
          leases: [encodeCertificate(lease)],
          neighbours: [[member.node.identity.self, ['/ip4/192.0.2.1/tcp/1']]],
        }),
      ],
      [LEASE_PROTOCOL]: [
        leaseRequestCodec.encode(['claim', 'address', '10.77.1.1', claimId, 1, 0, 600, view]),
        leaseRequestCodec.encode(['commit', encodeCertificate(lease)]),
        leaseRequestCodec.encode(['release', 'name', 'first', claimId]),
        leaseRequestCodec.encode(['sync', '', 'newcomer', new Uint8Array(), '']),
        leaseRequestCodec.encode(['lookup', 'address', '10.77.1.1']),
      ],
      [REVOCATIONS_PROTOCOL]: [new Uint8Array(8)],
    };
  }

  const roles: Readonly<Record<string, () => NodeIdentity>> = {
    stranger: () => nodes.network.invited(numbers++),
    guest: () => nodes.network.invited(numbers++),
    member: () => nodes.network.rooted(numbers++),
  };

  for (const [role, identify] of Object.entries(roles)) {
    async function rogueAs(): Promise<{ rogue: Rogue; identity: NodeIdentity }> {
      const identity = identify();
      const rogue = await nodes.rogue(identity, founder);
      if (role !== 'stranger') {
        expect(await rogue.hello(helloOf(identity))).to.equal('card');
        expect(founder.gate.trust(identity.self)).to.equal(role);
      }
      return { rogue, identity };
    }

    for (const protocol of [HELLO_PROTOCOL, LEASE_PROTOCOL, REVOCATIONS_PROTOCOL]) {
      it(`refuse what a ${role} sends by ${protocol}, with a reason`, async () => {
        const { rogue, identity } = await rogueAs();
        const valid = validMessages(identity)[protocol] ?? [];
        const send = async (count: number): Promise<void> => {
          const message =
            count % 3 === 0
              ? new Uint8Array(randomBytes(randomInt(600)))
              : damaged(valid[count % valid.length] ?? new Uint8Array(1));
          const answer = await rogue.request(protocol, message);
          if (typeof answer === 'string') expect(CODES).to.include(answer);
        };
        if (role === 'stranger' && protocol !== HELLO_PROTOCOL) {
          // Each waits at the gate for a hello that does not come, so all of them wait together.
          await Promise.all(Array.from({ length: 20 }, (_, count) => send(count)));
          expect(founder.gate.trust(identity.self)).to.equal('unknown');
          return;
        }
        for (let count = 0; count < 60; count++) {
          await send(count);
          if (founder.gate.trust(identity.self) === 'denied') break;
        }
        // Requests for the revocation list say nothing, so there is nothing wrong to say.
        if (protocol === REVOCATIONS_PROTOCOL) return;
        expect(founder.gate.trust(identity.self)).to.equal('denied');
        await nodes.until('it is cut off', () => !isConnected(identity), 2_000);
      });
    }
  }

  it('refuse a request that is larger than any', async () => {
    const identity = nodes.network.rooted(numbers++);
    const rogue = await nodes.rogue(identity, founder);
    expect(await rogue.hello(helloOf(identity))).to.equal('card');
    for (const protocol of [HELLO_PROTOCOL, LEASE_PROTOCOL, REVOCATIONS_PROTOCOL]) {
      expect(await rogue.request(protocol, new Uint8Array(1_000_000))).to.equal('too-large');
    }
  });

  it('take packets from members alone, and cut a member off that sends garbage for packets', async () => {
    const guest = nodes.network.invited(numbers++);
    const outsider = await nodes.rogue(guest, founder);
    expect(await outsider.hello(helloOf(guest))).to.equal('card');
    expect(await outsider.stream(PACKET_STREAM_PROTOCOL)).not.to.equal('open');
    const identity = nodes.network.rooted(numbers++);
    const rogue = await nodes.rogue(identity, founder);
    expect(await rogue.hello(helloOf(identity))).to.equal('card');
    let streams = 0;
    for (; streams < 40 && founder.gate.trust(identity.self) === 'member'; streams++) {
      const stream = await rogue.host.streams
        .open(founder.node.identity.self, PACKET_STREAM_PROTOCOL, { timeoutMs: 5_000 })
        .catch(() => null);
      if (stream === null) break;
      let over = false;
      stream.listen({
        data: () => undefined,
        drained: () => undefined,
        closed: () => {
          over = true;
        },
      });
      // The first byte makes sure that it is no frame.
      stream.send(new Uint8Array([4 + randomInt(250), ...randomBytes(999)]));
      await nodes.until('the stream is ended', () => over, 5_000);
    }
    expect(streams).to.be.at.least(19);
    expect(founder.gate.trust(identity.self)).to.equal('denied');
    await nodes.until('it is cut off', () => !isConnected(identity), 2_000);
  });

  it('give a forged certificate nothing: no card, no lease, no record, no packets', async () => {
    const { grant } = nodes.network.invite();
    const identity = nodes.network.invited(numbers++);
    const membership = certifyByInvite(grant.bytes, identity.self, seed(5), testCrypto);
    const rogue = await nodes.rogue(identity, founder);
    expect(await rogue.hello(helloOf(identity, { membership }))).to.equal('bad-signature');
    await nodes.until('it is cut off', () => !isConnected(identity), 2_000);
    expect(founder.node.roster.get(identity.self)).to.equal(null);
    const [address] = founder.host.swarm.addresses();
    await rogue.host.swarm.dial(address ?? '', { timeoutMs: 2_000 }).catch(() => null);
    expect(await rogue.lease(['lookup', 'name', 'first'])).to.be.a('string');
    expect(await rogue.lease(['sync', '', 'newcomer', new Uint8Array(), ''])).to.be.a('string');
    expect(await rogue.stream(PACKET_STREAM_PROTOCOL)).not.to.equal('open');
    const members = founder.facade.members().map(({ peerId }) => peerId);
    expect(members).not.to.include(identity.self);
  });

  it('give a stranger that shows nothing no more than that', async () => {
    const identity = nodes.network.invited(numbers++);
    const rogue = await nodes.rogue(identity, founder);
    const [state, list, stream] = await Promise.all([
      rogue.lease(['sync', '', 'newcomer', new Uint8Array(), '']),
      rogue.request(REVOCATIONS_PROTOCOL, new Uint8Array()),
      rogue.stream(PACKET_STREAM_PROTOCOL),
    ]);
    expect([state, list]).to.deep.equal(['refused', 'refused']);
    expect(stream).not.to.equal('open');
    expect(founder.gate.trust(identity.self)).to.equal('unknown');
  });
});
