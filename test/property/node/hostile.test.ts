/**
 * Goal: no message, valid in part or not at all, brings a node down, into a wrong state, or to answer
 * with anything but its protocol. Method: thousands of damaged messages from members and guests to a
 * whole node on twins of the ports; a new peer whenever one is cut off.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { encodeCertificate } from '../../../dhcp/certificate.js';
import {
  LEASE_PROTOCOL,
  leaseRequestCodec,
  leaseResponseCodec,
  type LeaseRequest,
} from '../../../dhcp/messages.js';
import { HELLO_PROTOCOL, helloAnswerCodec } from '../../../src/node/hello.js';
import type { NodeIdentity } from '../../../src/node/identity.js';
import { MemoryNodes, type MemoryNode } from '../../support/memory-nodes.js';
import { helloOf, type Rogue } from '../../support/rogue.js';

const REFUSALS = ['refused', 'too-large', 'unreachable', 'untrusted', 'timeout'];

describe('properties of a node among hostile peers', () => {
  let nodes: MemoryNodes;
  let founder: MemoryNode;
  let numbers = 100;

  before(async () => {
    nodes = new MemoryNodes();
    founder = await nodes.founded();
  });

  function leaseMessages(self: PeerId): LeaseRequest[] {
    const lease = founder.node.address.lease?.certificate;
    if (lease === undefined) throw new Error('no lease');
    const raw = encodeCertificate(lease);
    const id = new Uint8Array(16);
    const view = [founder.node.identity.self, self];
    return [
      ['claim', 'address', lease.subject.key, id, 1, 0, 600, view],
      ['claim', 'name', 'first', id, 2 ** 40, 7, 0, view],
      ['claim', 'invite', `0123456789abcdef/${self}`, id, 1, 0, 0, view],
      ['commit', raw],
      ['release', 'address', lease.subject.key, id],
      ['sync', 'zzz', 'newcomer', new Uint8Array(), ''],
      ['lookup', 'name', 'first'],
      ['resign', false, [[raw, -1]]],
    ];
  }

  function expectUnharmed(): void {
    expect(founder.failures).to.deep.equal([]);
    const status = founder.facade.status();
    expect(status).to.deep.include({ name: 'first' });
    expect(status.address4).to.be.a('string');
    expect(founder.node.cards.holderOfName('first')).to.equal(null);
    for (const entry of founder.facade.leases()) {
      if (entry.kind !== 'invite') expect(entry.owner).to.equal(founder.node.identity.self);
    }
  }

  const change = fc.record({
    at: fc.nat(10_000),
    to: fc.nat(255),
    how: fc.constantFrom('set', 'cut', 'add'),
  });
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });

  function damage(
    valid: Uint8Array,
    how: readonly { at: number; to: number; how: string }[],
  ): Uint8Array {
    let bytes = [...valid];
    for (const { at, to, how: kind } of how) {
      const place = at % Math.max(1, bytes.length);
      if (kind === 'set') bytes[place] = to;
      else if (kind === 'cut') bytes.splice(place, 1 + (to % 8));
      else bytes = [...bytes.slice(0, place), to, ...bytes.slice(place)];
    }
    return Uint8Array.from(bytes);
  }

  for (const role of ['guest', 'member'] as const) {
    const fresh = async (): Promise<{ rogue: Rogue; identity: NodeIdentity }> => {
      const number = numbers++;
      const identity =
        role === 'guest' ? nodes.network.invited(number) : nodes.network.rooted(number);
      const rogue = await nodes.rogue(identity.self, founder);
      expect(await nodes.settled(rogue.hello(helloOf(identity)))).to.equal('card');
      return { rogue, identity };
    };

    it(`holds against what a ${role} makes of lease messages`, async () => {
      let { rogue, identity } = await fresh();
      await fc.assert(
        fc.asyncProperty(fc.nat(7), changes, async (which, how) => {
          if (founder.gate.trust(identity.self) === 'denied') ({ rogue, identity } = await fresh());
          const valid = leaseRequestCodec.encode(
            leaseMessages(identity.self)[which] ?? ['sync', '', 'newcomer', new Uint8Array(), ''],
          );
          const answer = await nodes.settled(rogue.request(LEASE_PROTOCOL, damage(valid, how)));
          if (typeof answer === 'string') expect(REFUSALS).to.include(answer);
          else expect(leaseResponseCodec.decode(answer).ok).to.equal(true);
        }),
        { numRuns: 400 },
      );
      await nodes.clock.advance(20_000);
      expectUnharmed();
    });

    it(`holds against what a ${role} makes of hellos`, async () => {
      let { rogue, identity } = await fresh();
      await fc.assert(
        fc.asyncProperty(changes, async (how) => {
          if (founder.gate.trust(identity.self) === 'denied') ({ rogue, identity } = await fresh());
          const lease = founder.node.address.lease?.certificate;
          const valid = helloOf(identity, {
            leases: lease === undefined ? [] : [encodeCertificate(lease)],
            neighbours: [[nodes.network.peer(99), ['/memory/nowhere']]],
            addresses: ['/ip4/192.0.2.1/tcp/1'],
          });
          const answer = await nodes.settled(rogue.request(HELLO_PROTOCOL, damage(valid, how)));
          if (typeof answer === 'string') expect(REFUSALS).to.include(answer);
          else expect(helloAnswerCodec.decode(answer).ok).to.equal(true);
          await nodes.clock.advance(250);
        }),
        { numRuns: 200 },
      );
      expectUnharmed();
    });
  }
});
