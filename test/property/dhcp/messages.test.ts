/**
 * Goal: nothing that a peer sends makes a reader of the lease protocol throw. Method: random bytes,
 * and every kind of real message with random bytes changed, cut off or put in.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeCertificate, encodeCertificate } from '../../../dhcp/certificate.js';
import {
  leaseRequestCodec,
  leaseResponseCodec,
  type LeaseRequest,
} from '../../../dhcp/messages.js';
import { leaseRecordRules, recordKey } from '../../../dhcp/record.js';
import {
  ADDRESS,
  certificateOf,
  claimId,
  judgeOf,
  peer,
  termsOf,
} from '../../support/leases/certificates.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const RAW = encodeCertificate(certificateOf(termsOf()));
const VIEW = [peer(11), peer(12), peer(13)];
const MESSAGES = [
  leaseRequestCodec.encode(['claim', 'address', '10.77.0.1', claimId(1), 5, 0, 3_600, VIEW]),
  leaseRequestCodec.encode(['commit', RAW]),
  leaseRequestCodec.encode(['resign', false, [[RAW, 5]]]),
  leaseResponseCodec.encode(['held', peer(1), 5, 1_000, [RAW]]),
  leaseResponseCodec.encode([
    'state',
    'settled',
    [[peer(1), ['/ip4/192.0.2.1/tcp/1']]],
    [[RAW, 5]],
    [['name', 'nas', peer(1), claimId(1), 5]],
    'x',
  ]),
  RAW,
];
const rules = leaseRecordRules(judgeOf());

function readAll(bytes: Uint8Array): void {
  leaseRequestCodec.decode(bytes);
  leaseResponseCodec.decode(bytes);
  decodeCertificate(bytes);
  rules.validate(recordKey(ADDRESS), bytes);
  expect(rules.select(recordKey(ADDRESS), [bytes, RAW])).to.be.within(0, 1);
}

/** A real message with some bytes replaced, and a piece cut out or put in. */
const mutated = fc
  .record({
    message: fc.constantFrom(...MESSAGES),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    at: fc.nat(),
    cut: fc.nat(20),
    put: fc.uint8Array({ maxLength: 20 }),
  })
  .map(({ message, changes, at, cut, put }) => {
    const bytes = Uint8Array.from(message);
    for (const [index, value] of changes) bytes[index % bytes.length] = value;
    const place = at % bytes.length;
    return Uint8Array.from([...bytes.subarray(0, place), ...put, ...bytes.subarray(place + cut)]);
  });

describe('lease messages of a hostile peer', () => {
  it('are read without a throw when they are random', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), readAll), { numRuns: 2_000 });
  });

  it('are read without a throw when they are real ones with changes', () => {
    fc.assert(fc.property(mutated, readAll), { numRuns: 2_000 });
  });

  it('are answered by a witness without a throw, and promise nothing to anybody else', async () => {
    const world = new LeaseWorld({ seed: 1 });
    const [witness, sender] = await world.mesh(3, true);
    const kinds = fc.constantFrom('address' as const, 'name' as const, 'invite' as const);
    const key = fc.string({ minLength: 1, maxLength: 96, unit: 'binary-ascii' });
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const view = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 });
    const count = fc.nat(Number.MAX_SAFE_INTEGER);
    const raw = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(RAW));
    const requests: fc.Arbitrary<LeaseRequest> = fc.oneof(
      fc
        .tuple(kinds, key, id, count, fc.nat(0xffff_ffff), fc.nat(86_400), view)
        .map(([kind, name, claim, epoch, renewal, termS, members]): LeaseRequest => [
          'claim',
          kind,
          name,
          claim,
          epoch,
          renewal,
          termS,
          members.map((number) => world.nodes[number]?.self ?? peer(number)),
        ]),
      raw.map((bytes): LeaseRequest => ['commit', bytes]),
      fc
        .tuple(kinds, key, id)
        .map(([kind, name, claim]): LeaseRequest => ['release', kind, name, claim]),
      fc
        .tuple(
          key,
          fc.constantFrom('voter' as const, 'newcomer' as const, 'waiting' as const),
          fc.uint8Array({ maxLength: 64 }),
          fc.string({ maxLength: 24 }),
        )
        .map(([cursor, standing, leases, members]): LeaseRequest => [
          ...(['sync', cursor, standing, leases, members] as const),
        ]),
      fc.tuple(kinds, key).map(([kind, name]): LeaseRequest => ['lookup', kind, name]),
      fc
        .array(fc.tuple(raw, fc.integer({ min: -1, max: 1e9 })), { maxLength: 5 })
        .map((entries): LeaseRequest => ['resign', false, entries]),
    );
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const answer = await witness!.witness.answer(sender!.self, request);
        leaseResponseCodec.encode(answer);
        for (const entry of witness!.ledger.live(world.clock.now())) {
          expect(entry.owner).to.equal(sender!.self);
        }
      }),
      { numRuns: 500 },
    );
  });
});
