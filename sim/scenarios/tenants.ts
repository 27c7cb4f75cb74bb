/**
 * More keepers of addresses on the hosts of a storm, by the code that keeps a node's own. They show their leases to nobody and
 * put them on no device, so an allocation costs what the lease protocol costs and no more; and they go for the same
 * addresses at the same time, which nodes with an order of their own rarely do.
 */
import { Canceller } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import { Distance } from '../../overlay/peers/distance.js';
import type { Directory, Rng, Store } from '../../overlay/ports.js';
import type { LeaseCertificate } from '../../dhcp/certificate.js';
import type { ClaimParts } from '../../dhcp/claim.js';
import { Keeper } from '../../dhcp/keeper.js';
import { LEASE_PROTOCOL, leaseRequestCodec, leaseResponseCodec } from '../../dhcp/messages.js';
import type { Witness } from '../../dhcp/witness.js';
import type { NodeRun, VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import { waiting } from './storm-plan.js';

/** So many of those who look for an address begin with the same one, for so long. */
const HOT_SHARE = 0.5;
const HOT_MS = 400;
/** Primes, so that the address that everybody wants is another one each time. */
const HOT_STEP = 7_919;
/** One in so many asks for what its host knows to be taken. */
const CHECKS_SHARE = 0.05;
/** Share of those that forget an address instead of giving it back, as long as they may. */
const FORGETS_SHARE = 0.05;
const PAUSE_MS_MAX = 600;

export interface TenantsParts {
  readonly world: World;
  readonly node: VirtualNode;
  readonly run: NodeRun;
  readonly rng: Rng;
  /** Mean time for which an address is kept, at present. */
  readonly keepMs: () => number;
  /** Whether one more may forget its address, which stays taken until the lease is over. */
  readonly mayForget: () => boolean;
}

/** All tenants of one process of a node; they end with it. */
export class Tenants {
  readonly #parts: TenantsParts;
  readonly #claimParts: ClaimParts;
  readonly #keepers = new Set<Keeper>();
  readonly #addresses: readonly string[];
  /** What some tenant here asks for at present. */
  readonly #claiming = new Set<string>();
  /** The last address of the node itself, which it asks for again when it gave it back. */
  #ownKey: string | null = null;

  constructor(parts: TenantsParts) {
    this.#parts = parts;
    this.#claimParts = claimPartsOf(parts);
    const { pool } = parts.node.identity;
    // The order of the founder: all hosts have to agree which address is the next.
    this.#addresses = [...pool.candidates(parts.world.keys.peer(0), parts.world.crypto)];
  }

  /** Runs `count` of them until the process ends. */
  start(count: number): void {
    for (let number = 0; number < count; number++) void this.#live();
  }

  async #live(): Promise<void> {
    const { run, node, rng, keepMs, mayForget } = this.#parts;
    while (node.run === run) {
      await sleep(run.clock, rng.float() * PAUSE_MS_MAX);
      const life = new Canceller();
      const held = new Canceller();
      const keeper = this.#keeper(held);
      this.#keepers.add(keeper);
      void keeper.run(life.signal);
      if (keeper.lease === null) await aborted(held);
      await sleep(run.clock, waiting(rng, keepMs()));
      life.abort('moves');
      if (rng.float() >= FORGETS_SHARE || !mayForget()) await keeper.release();
      this.#keepers.delete(keeper);
    }
  }

  /** @param held is aborted when it has its first lease */
  #keeper(held: Canceller): Keeper {
    let shown: LeaseCertificate | null = null;
    const keeper: Keeper = new Keeper(this.#claimParts, {
      kind: 'address',
      termS: this.#parts.node.identity.genesis.leaseTermS,
      candidates: () => this.#candidates(),
      isTaken: (key) => this.#isTaken(key),
      changed: () => {
        const certificate = keeper.lease?.certificate ?? null;
        if (certificate === shown) return;
        this.#tell(keeper, shown);
        shown = certificate;
        if (certificate !== null) held.abort('held');
      },
    });
    return keeper;
  }

  #tell(keeper: Keeper, before: LeaseCertificate | null): void {
    const { world, node, run } = this.#parts;
    if (node.run !== run) return;
    const { lease } = keeper;
    if (before !== null && before.subject.key !== lease?.certificate.subject.key) {
      world.tell({ kind: 'lease-gone', node, certificate: before });
    }
    if (lease === null) return;
    const untilMs = run.clock.worldTimeOf(lease.heldUntilMs);
    world.tell({ kind: 'lease', node, certificate: lease.certificate, untilMs });
  }

  *#candidates(): Generator<string> {
    const { world, rng } = this.#parts;
    const { length } = this.#addresses;
    const hot = Math.floor(world.nowMs / HOT_MS) * HOT_STEP;
    const first = rng.float() < HOT_SHARE ? hot : Math.floor(rng.float() * length);
    for (let index = 0; index < length; index++) {
      const key = this.#addresses[(first + index) % length];
      if (key === undefined || this.#claiming.has(key)) continue;
      this.#claiming.add(key);
      try {
        yield key;
      } finally {
        this.#claiming.delete(key);
      }
    }
  }

  /** Two keepers of one host would be one owner to the witnesses, so they keep out of each other's way. */
  #isTaken(key: string): boolean {
    const { run, rng } = this.#parts;
    this.#ownKey = run.node.address.key ?? this.#ownKey;
    if (this.#ownKey === key) return true;
    for (const keeper of this.#keepers) if (keeper.key === key) return true;
    if (rng.float() < CHECKS_SHARE) return false;
    const entry = run.node.ledger.at({ kind: 'address', key }, run.clock.now());
    return entry?.phase === 'committed';
  }
}

async function aborted(canceller: Canceller): Promise<void> {
  await new Promise<void>((resolve) => {
    canceller.signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

/** What claims take, of a node that runs. */
function claimPartsOf({ world, node, run, rng }: TenantsParts): ClaimParts {
  const { identity, peer } = node;
  const { views, roster, introductions } = run.node;
  const { rpc, logger, crypto } = run.node.ports;
  const { networkId, secretKey } = identity;
  return {
    views,
    witness: witnessOf(run),
    context: {
      ...{ self: peer, secretKey, networkId, clock: run.clock, crypto, rpc, logger, roster },
      rng: world.watchRng(node, rng),
      directory: unpublished(run.node.ports.directory),
      store: new Forgetful(),
      distance: new Distance(crypto),
      judge: {
        crypto,
        networkId,
        trustsWitness: (witness) => world.nodeOf(witness) !== null,
        mayGrantItself: (owner) => world.nodeOf(owner)?.founder === true,
      },
      membership: identity.membershipBytes,
      founder: node.founder,
      forbids: () => Promise.resolve(null),
      meet: (members, signal) => introductions.meet(members, signal),
      hintOf: (other) => [other, []],
      departed: () => undefined,
      misbehaved: (other, what) => {
        run.node.gate.misbehaved(other, what);
      },
    },
  };
}

/** The node's own witness, asked as the node itself does: without a network in between. */
function witnessOf(run: NodeRun): Witness {
  const { rpc, self } = run.host;
  const local: Pick<Witness, 'answer'> = {
    answer: async (_from, request) => {
      const raw = await rpc.receive(self, LEASE_PROTOCOL, leaseRequestCodec.encode(request));
      const response = raw instanceof Uint8Array ? leaseResponseCodec.decode(raw) : null;
      if (response?.ok !== true) throw new Error('the witness refused');
      return response.value;
    },
  };
  // Claimants use nothing else of it.
  return local as Witness;
}

/** Publishing decides nothing, and takes more time than all the rest. */
function unpublished(directory: Directory): Directory {
  return {
    register: () => undefined,
    closest: (key, count, options) => directory.closest(key, count, options),
    put: () => Promise.resolve(0),
    get: (kind, key, options) => directory.get(kind, key, options),
    provide: () => Promise.resolve(),
    providers: (key, options) => directory.providers(key, options),
  };
}

/** Tenants do not outlive their process. */
class Forgetful implements Store {
  get(): Promise<null> {
    return Promise.resolve(null);
  }

  put(): Promise<void> {
    return Promise.resolve();
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  list(): Promise<readonly []> {
    return Promise.resolve([]);
  }
}
