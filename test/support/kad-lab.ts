/** A modelled Kademlia network for tests, grown node by node, and the truth to compare it with. */
import { NONE, nodeOf, type ContactList } from '../../sim/dht/contacts.js';
import { KadNetwork } from '../../sim/dht/network.js';
import { NodeIds, drawKadId, type KadId } from '../../sim/dht/node-ids.js';
import type { OperationResult } from '../../sim/dht/operations.js';
import { KAD_DHT, type KadParameters } from '../../sim/dht/parameters.js';
import { SeededRng } from '../../sim/memory/seeded-rng.js';

export interface KadLabOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly parameters?: KadParameters;
  /** Share of messages lost. */
  readonly loss?: number;
}

export function nodesOf(list: ContactList): readonly number[] {
  return Array.from({ length: list.length }, (_, index) => nodeOf(list.at(index)));
}

export class KadLab {
  readonly rng: SeededRng;
  readonly ids: NodeIds;
  readonly network: KadNetwork;
  loss: number;

  constructor(options: KadLabOptions) {
    this.rng = new SeededRng(options.seed);
    this.ids = new NodeIds(options.nodes);
    for (let node = 0; node < options.nodes; node++) this.ids.add(drawKadId(this.rng));
    this.loss = options.loss ?? 0;
    const chance = this.rng.fork();
    this.network = new KadNetwork({
      ids: this.ids,
      rng: this.rng.fork(),
      parameters: options.parameters ?? KAD_DHT,
      latencyMs: (from, to) => 10 + ((from * 31 + to * 17) % 40),
      isLost: () => this.loss > 0 && chance.float() < this.loss,
    });
  }

  /** Starts all nodes, one every 100 ms, each by one that runs already; then lets them settle. */
  grow(settleMs = 60_000): void {
    for (let node = 0; node < this.ids.count; node++) {
      this.network.join(node, node === 0 ? NONE : this.rng.u32() % node);
      this.run(100);
    }
    this.run(settleMs);
  }

  run(ms: number): void {
    this.network.runUntil(this.network.nowMs + ms);
  }

  running(): readonly number[] {
    return Array.from({ length: this.ids.count }, (_, node) => node).filter((node) =>
      this.network.population.isUp(node),
    );
  }

  /** The running nodes nearest to a key. */
  truth(key: KadId, count: number): readonly number[] {
    return [...this.running()].sort((a, b) => this.ids.compare(a, b, key)).slice(0, count);
  }

  lookup(node: number, key: KadId, count: number): OperationResult {
    return this.#finished((done) => {
      this.network.lookup(node, key, count, 30_000, done);
    });
  }

  put(node: number, number: number, version: number): OperationResult {
    const record = { number, target: this.keyOf(number) };
    return this.#finished((done) => {
      this.network.put(node, record, version, 500, 30_000, done);
    });
  }

  get(node: number, number: number): OperationResult {
    const record = { number, target: this.keyOf(number) };
    return this.#finished((done) => {
      this.network.get(node, record, 500, 30_000, done);
    });
  }

  /** The place of a record's key, the same in every run. */
  keyOf(number: number): KadId {
    return drawKadId(new SeededRng(7_000 + number));
  }

  #finished(begin: (done: (result: OperationResult) => void) => void): OperationResult {
    const results: OperationResult[] = [];
    begin((result) => results.push(result));
    this.network.runWhile(() => results.length === 0, this.network.nowMs + 60_000);
    const [result] = results;
    if (result === undefined) throw new Error('the operation has not ended');
    return result;
  }
}
