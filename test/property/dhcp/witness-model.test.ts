/**
 * Goal: a witness keeps what it promised, through restarts and whatever becomes of its wall clock, and
 * frees what was given back. Method: random requests, handovers, restarts and changes of the date go to
 * a real witness with its ledger and journal, and to a plain authority that only writes down what each
 * answer promised. The witness may refuse more than the authority, never grant what it promised to
 * somebody else. Then the same is tried with ledgers and disks that are broken on purpose.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeCertificate, signGrant, type ClaimTerms } from '../../../dhcp/certificate.js';
import { Journal } from '../../../dhcp/journal.js';
import { Ledger, type ClaimDecision, type CommitDecision } from '../../../dhcp/ledger.js';
import type { LeaseResponse } from '../../../dhcp/messages.js';
import type { Subject } from '../../../dhcp/subject.js';
import { CLAIM_DEADLINE_MS, PROVISIONAL_MS, WITNESS_MARGIN_MS } from '../../../dhcp/terms.js';
import { Views } from '../../../dhcp/views.js';
import { Witness } from '../../../dhcp/witness.js';
import type { Clock, Store } from '../../../overlay/ports.js';
import { MemoryStore } from '../../../sim/memory/memory-store.js';
import {
  Authority,
  HostClock,
  KEPT_MS,
  TERM_MS,
  TERM_S,
  WALL_START_MS,
  type Claim,
} from '../../support/leases/authority.js';
import { claimId } from '../../support/leases/certificates.js';
import type { LeaseNode } from '../../support/leases/lease-node.js';
import { LeaseWorld } from '../../support/leases/lease-world.js';

const SEED = 20_260_801;
const RUNS = 500;
/** Short sequences come by shrinking. */
const COMMANDS_MIN = 20;
const COMMANDS_MAX = 50;
const ADDRESSES = 2;
const OWNERS = 3;
/** Far enough back that no change of the date makes an epoch one of the future. */
const EPOCH_START = WALL_START_MS / 1_000 - 30 * 86_400;

/** What happens; numbers pick among what there is. */
type Command =
  | { readonly kind: 'claim'; readonly address: number; readonly owner: number }
  | { readonly kind: 'renew' | 'commit' | 'release' | 'replay'; readonly pick: number }
  | { readonly kind: 'handover'; readonly pick: number; readonly leftMs: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'date'; readonly ms: number }
  | { readonly kind: 'restart' };

const address = fc.nat(ADDRESSES - 1);
const owner = fc.nat(OWNERS - 1);
// Most commands are about what happened last.
const pick = fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(20) });
const HOUR_MS = 3_600_000;
const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('claim' as const), address, owner }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit' as const, 'commit', 'release', 'renew', 'replay'),
      pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('handover' as const),
      pick,
      leftMs: fc.constantFrom(0, 1_000, TERM_MS / 2, KEPT_MS, 10 * KEPT_MS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        1,
        500,
        CLAIM_DEADLINE_MS - 1,
        PROVISIONAL_MS,
        TERM_MS / 2,
        TERM_MS - 1,
        KEPT_MS,
      )
      .map((ms): Command => ({ kind: 'wait', ms })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(WITNESS_MARGIN_MS, -WITNESS_MARGIN_MS, HOUR_MS, -HOUR_MS, -24 * HOUR_MS)
      .map((ms): Command => ({ kind: 'date', ms })),
  },
  { weight: 2, arbitrary: fc.constant<Command>({ kind: 'restart' }) },
);

/** How often something happened in all runs, so that a test that tries nothing is noticed. */
class Tally {
  readonly #counts = new Map<string, number>();

  note(what: string): void {
    this.#counts.set(what, this.of(what) + 1);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  toString(): string {
    return [...this.#counts].map(([what, count]) => `${what} ${count}`).join(', ');
  }
}

/** What a witness is made of; a test may break any of it. */
interface Makes {
  ledger(): Ledger;
  journal(store: Store, clock: Clock): Journal;
  store(): Store & { readonly crashed?: () => void };
}

const SOUND: Makes = {
  ledger: () => new Ledger(),
  journal: (store, clock) => new Journal(store, clock),
  store: () => new MemoryStore(),
};

/** The members: one is the witness, two sign besides it, and the rest are owners. */
interface Cast {
  readonly world: LeaseWorld;
  readonly witness: LeaseNode;
  readonly signers: readonly LeaseNode[];
  readonly owners: readonly LeaseNode[];
}

async function cast(): Promise<Cast> {
  const world = new LeaseWorld({ seed: 1, termS: TERM_S });
  const [witness, ...rest] = await world.mesh(3 + OWNERS, true);
  const signers = rest.slice(0, 2);
  const owners = rest.slice(2);
  for (const node of owners) witness!.roster.patch(node.self, { settled: false });
  return { world, witness: witness!, signers, owners };
}

/** One run: the witness, the authorities, and everything that was claimed so far. */
class Run {
  readonly #cast: Cast;
  readonly #makes: Makes;
  readonly #tally: Tally;
  readonly #clock = new HostClock();
  readonly #store: Store & { readonly crashed?: () => void };
  readonly #authorities: Authority[];
  readonly #claims: Claim[] = [];
  #witness!: Witness;

  constructor(members: Cast, makes: Makes, tally: Tally) {
    this.#cast = members;
    this.#makes = makes;
    this.#tally = tally;
    this.#store = makes.store();
    this.#authorities = Array.from({ length: ADDRESSES }, () => new Authority(this.#clock));
  }

  async start(): Promise<void> {
    const clock = this.#clock;
    clock.startedMs = clock.trueMs;
    const context = { ...this.#cast.witness.context, clock, store: this.#store };
    const ledger = this.#makes.ledger();
    const journal = this.#makes.journal(this.#store, clock);
    const views = new Views(context);
    views.selfSettled = true;
    // It has heard the others, which know no more than it does.
    for (const signer of this.#cast.signers) views.noteHeard(signer.self);
    await journal.load(ledger);
    this.#witness = new Witness(context, ledger, journal, views);
  }

  async play(command: Command): Promise<void> {
    switch (command.kind) {
      case 'wait':
        this.#clock.trueMs += command.ms;
        return;
      case 'date':
        this.#clock.aheadMs += command.ms;
        return;
      case 'restart':
        await this.#restart();
        return;
      case 'claim': {
        const number = this.#claims.length + 1;
        await this.#claim({ ...command, number, epoch: EPOCH_START + number, renewal: 0 });
        return;
      }
      default: {
        const claim = this.#claims.at(-1 - command.pick);
        if (claim === undefined) return;
        if (command.kind === 'renew') await this.#claim({ ...claim, renewal: claim.renewal + 1 });
        else if (command.kind === 'commit') await this.#commit(claim);
        else if (command.kind === 'release') await this.#release(claim);
        else if (command.kind === 'handover') await this.#handOver(claim, command.leftMs);
        else await this.#replay(claim);
      }
    }
  }

  async #claim(claim: Claim): Promise<void> {
    this.#claims.push(claim);
    const authority = this.#authorities[claim.address]!;
    const { subject, epoch, renewal, termS, view } = this.#terms(claim);
    const id = claimId(claim.number);
    const { self } = this.#cast.owners[claim.owner]!;
    const request = ['claim', subject.kind, subject.key, id, epoch, renewal, termS, [...view]];
    const answer = await this.#witness.answer(self, request as never);
    if (answer[0] !== 'granted') {
      // Epochs grow with every claim, so a fresh one is newer than all that went before.
      const mustGrant = renewal === 0 && authority.isFree();
      expect(mustGrant, `free, but the answer was ${answer[0]}`).to.be.false;
      this.#tally.note('refused');
      return;
    }
    this.#expectNobodyElse(claim, 'granted');
    authority.granted(claim);
    this.#tally.note(renewal === 0 ? 'granted' : 'granted again');
  }

  async #commit(claim: Claim): Promise<void> {
    const authority = this.#authorities[claim.address]!;
    const { self } = this.#cast.owners[claim.owner]!;
    const answer = await this.#witness.answer(self, ['commit', this.#certificate(claim)]);
    if (answer[0] !== 'done') {
      expect(answer[0]).to.equal('held');
      this.#tally.note('commit refused');
      return;
    }
    this.#expectNobodyCommitted(claim);
    expect(authority.isOver(claim), 'a certificate came back that was given back').to.be.false;
    authority.committed(claim);
    this.#tally.note('committed');
  }

  async #release(claim: Claim): Promise<void> {
    const { key, kind } = subjectOf(claim.address);
    // Of everybody but its owner it is a lie.
    const liar = this.#cast.owners[(claim.owner + 1) % OWNERS]!;
    const request = ['release', kind, key, claimId(claim.number)] as const;
    await this.#witness.answer(liar.self, [...request]);
    await this.#expectKept('a release by somebody else');
    await this.#witness.answer(this.#cast.owners[claim.owner]!.self, [...request]);
    this.#authorities[claim.address]!.released(claim);
    this.#tally.note('released');
  }

  /** Somebody else shows the certificate, as if it were new. */
  async #replay(claim: Claim): Promise<void> {
    const thief = this.#cast.owners[(claim.owner + 1) % OWNERS]!;
    const answer = await this.#witness.answer(thief.self, ['commit', this.#certificate(claim)]);
    expect(answer).to.deep.equal(['refused', 'not-the-owner']);
  }

  async #handOver(claim: Claim, leftMs: number): Promise<void> {
    const authority = this.#authorities[claim.address]!;
    if (!(await this.#witness.import(this.#certificate(claim), leftMs))) return;
    this.#expectNobodyCommitted(claim);
    expect(authority.isOver(claim), 'handed over what was given back').to.be.false;
    authority.committed(claim, leftMs);
    this.#tally.note('handed over');
  }

  async #restart(): Promise<void> {
    this.#store.crashed?.();
    await this.start();
    for (const authority of this.#authorities) authority.restarted();
    this.#tally.note('restarted');
    if (this.#authorities.some((authority) => authority.relying() !== null)) {
      this.#tally.note('restarted with promises');
    }
    await this.#expectKept('a restart');
  }

  /** What was committed and is relied on is there for everybody to see. */
  async #expectKept(after: string): Promise<void> {
    for (const [index, { promised }] of this.#authorities.entries()) {
      if (promised?.state !== 'committed') continue;
      if (this.#clock.trueMs >= promised.neededUntilMs) continue;
      const { kind, key } = subjectOf(index);
      const answer = await this.#witness.answer(this.#cast.owners[0]!.self, ['lookup', kind, key]);
      expect(shown(answer), `a committed lease after ${after}`).to.equal(1);
    }
  }

  #expectNobodyElse(claim: Claim, what: string): void {
    const relying = this.#authorities[claim.address]!.relying();
    if (relying === null || relying.owner === claim.owner) return;
    expect.fail(
      `${what} to owner ${claim.owner} what is promised to owner ${relying.owner}, claim ${relying.number}`,
    );
  }

  /** A certificate stands against a mere grant, because a quorum decided it. */
  #expectNobodyCommitted(claim: Claim): void {
    if (this.#authorities[claim.address]!.promised?.state !== 'committed') return;
    this.#expectNobodyElse(claim, 'committed');
  }

  #terms(claim: Claim): ClaimTerms {
    const { witness, signers, owners } = this.#cast;
    return {
      subject: subjectOf(claim.address),
      owner: owners[claim.owner]!.self,
      claimId: claimId(claim.number),
      epoch: claim.epoch,
      renewal: claim.renewal,
      termS: TERM_S,
      view: [witness, ...signers].map((node) => node.self),
    };
  }

  /** As two other witnesses grant it, so that this one is told of what it never granted, too. */
  #certificate(claim: Claim): Uint8Array {
    const { world, signers } = this.#cast;
    const terms = this.#terms(claim);
    const grants = signers.map((node) => ({
      witness: node.self,
      signature: signGrant(world.crypto, node.secretKey, world.networkId, terms),
      membership: new Uint8Array(),
    }));
    return encodeCertificate({ ...terms, grants });
  }
}

function subjectOf(index: number): Subject {
  return { kind: 'address', key: `10.77.0.${index + 1}` };
}

function shown(answer: LeaseResponse): number {
  return answer[0] === 'record' ? answer[1].length : -1;
}

function propertyOf(members: Cast, makes: Makes, tally: Tally): fc.IAsyncProperty<[Command[]]> {
  const sequences = fc.array(commands, {
    minLength: COMMANDS_MIN,
    maxLength: COMMANDS_MAX,
    size: 'max',
  });
  return fc.asyncProperty(sequences, async (sequence) => {
    const run = new Run(members, makes, tally);
    await run.start();
    for (const command of sequence) await run.play(command);
  });
}

/** Forgets what went before as soon as it is over. */
class WithoutPast extends Ledger {
  override commit(...args: Parameters<Ledger['commit']>): CommitDecision {
    const [{ subject }, nowMs] = args;
    const entry = this.at(subject, nowMs);
    if (entry?.phase === 'tombstone') this.restore({ ...entry, epoch: 0 });
    return super.commit(...args);
  }
}

/** Grants to the next one what is only granted to somebody. */
class Generous extends Ledger {
  override claim(...args: Parameters<Ledger['claim']>): ClaimDecision {
    const decision = super.claim(...args);
    return decision.kind === 'held' && decision.entry.phase === 'granted'
      ? { kind: 'grant' }
      : decision;
  }
}

/** Takes the latest certificate, whoever has the lease. */
class Fickle extends Ledger {
  override commit(...args: Parameters<Ledger['commit']>): CommitDecision {
    const [certificate, nowMs] = args;
    const decision = super.commit(...args);
    if (decision.kind !== 'held' || decision.entry.phase !== 'committed') return decision;
    const { subject, owner: other, claimId: id, epoch, renewal } = certificate;
    this.restore({
      ...{ subject, phase: 'committed', owner: other, claimId: id, epoch, renewal, certificate },
      expiresAtMs: nowMs + KEPT_MS,
    });
    return { kind: 'committed', changed: true };
  }
}

/** Keeps a lease for half of its term. */
class Hasty extends Ledger {
  override commit(...args: Parameters<Ledger['commit']>): CommitDecision {
    const [certificate, nowMs, leftMs] = args;
    return super.commit(certificate, nowMs, Math.min(leftMs ?? TERM_MS / 2, TERM_MS / 2));
  }
}

/** Says that it freed what it keeps. */
class Clinging extends Ledger {
  override release(): boolean {
    return true;
  }
}

/** Frees for anybody that asks. */
class Gullible extends Ledger {
  override release(...args: Parameters<Ledger['release']>): boolean {
    const [subject, , , nowMs] = args;
    const entry = this.at(subject, nowMs);
    return entry !== null && super.release(subject, entry.owner, entry.claimId, nowMs);
  }
}

/** Says that it wrote what it still has in memory: a crash loses the latest write. */
class WriteBehind extends MemoryStore {
  #latest: readonly [string, Uint8Array] | null = null;

  override async put(key: string, value: Uint8Array): Promise<void> {
    if (this.#latest !== null) await super.put(...this.#latest);
    this.#latest = [key, value.slice()];
  }

  crashed(): void {
    this.#latest = null;
  }
}

/** Begins every run with empty hands. */
class Amnesiac extends Journal {
  override async load(): Promise<{ loaded: number; unreadable: number }> {
    return { loaded: 0, unreadable: 0 };
  }
}

const BROKEN: readonly (readonly [title: string, makes: Partial<Makes>])[] = [
  ['a ledger that forgets its tombstones', { ledger: () => new WithoutPast() }],
  ['a ledger that grants twice', { ledger: () => new Generous() }],
  ['a ledger that lets a committed lease be taken', { ledger: () => new Fickle() }],
  ['a ledger that keeps a lease too briefly', { ledger: () => new Hasty() }],
  ['a ledger that does not free what is given back', { ledger: () => new Clinging() }],
  ['a ledger that lets anybody give back', { ledger: () => new Gullible() }],
  ['a disk that loses the latest write', { store: () => new WriteBehind() }],
  ['a journal that forgets on restart', { journal: (store, clock) => new Amnesiac(store, clock) }],
];

describe('lease witness against a plain authority', function () {
  this.timeout(60_000);
  let members: Cast;
  before(async () => {
    members = await cast();
  });

  it(`keeps what it promised and frees what was given back (seed ${SEED})`, async () => {
    const tally = new Tally();
    const options = { seed: SEED, numRuns: RUNS };
    await fc.assert(propertyOf(members, SOUND, tally), options);
    const often = [
      'granted',
      'granted again',
      'refused',
      'committed',
      'commit refused',
      'released',
    ];
    for (const what of [...often, 'handed over', 'restarted with promises']) {
      expect(tally.of(what), `${what}, of ${tally.toString()}`).to.be.greaterThan(RUNS / 10);
    }
  });

  for (const [title, parts] of BROKEN) {
    it(`notices ${title}`, async () => {
      const property = propertyOf(members, { ...SOUND, ...parts }, new Tally());
      const found = await fc.check(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
      expect(found.failed, 'it should have been noticed').to.be.true;
      // A test that fails because it is broken itself would notice everything.
      expect(found.errorInstance).to.have.property('name', 'AssertionError');
    });
  }
});
