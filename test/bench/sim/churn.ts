/**
 * A modelled network under churn: sessions are exponential with a median of 60 minutes, a node that
 * leaves comes back a minute later as a new incarnation, and each looks for a random key once a minute.
 */
import { performance } from 'node:perf_hooks';
import { NONE, nodeOf } from '../../../sim/dht/contacts.js';
import { KadNetwork } from '../../../sim/dht/network.js';
import { NodeIds, drawKadId, type KadId } from '../../../sim/dht/node-ids.js';
import type { OperationResult } from '../../../sim/dht/operations.js';
import { KAD_DHT, type KadParameters } from '../../../sim/dht/parameters.js';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';

const SESSION_MEDIAN_MS = 3_600_000;
const AWAY_MS = 60_000;
const LOOKUP_INTERVAL_MS = 60_000;
const LOOKUP_TIMEOUT_MS = 30_000;
/** What a lease asks for. */
const WANTED = 8;
/** Lookups compared with the truth, which takes a look at every node. */
const JUDGED_MAX = 300;

const LEAVE = 0;
const COME = 1;
const LOOK = 2;

export interface ChurnFigures {
  readonly nodes: number;
  readonly simulatedS: number;
  /** Of what was measured, after the network had grown and settled. */
  readonly wallS: number;
  /** What the processor worked for it: tells more where others work too. */
  readonly cpuS: number;
  readonly events: number;
  readonly bytesPerNode: number;
  readonly tableContacts: number;
  readonly deadContacts: number;
  readonly lookups: number;
  readonly requestsPerLookup: number;
  readonly lookupMsMedian: number;
  /** Share of the eight nearest that run which the lookups found. */
  readonly nearestFound: number;
  readonly bytesPerNodeAndS: number;
  readonly fingerprint: number;
}

export interface ChurnOptions {
  readonly nodes: number;
  readonly growS: number;
  readonly settleS: number;
  readonly measureS: number;
  readonly parameters?: KadParameters;
}

class Churn {
  readonly #rng = new SeededRng(20_260_701);
  readonly #ids: NodeIds;
  readonly network: KadNetwork;
  readonly tookMs: number[] = [];
  judged = 0;
  found = 0;
  lookups = 0;
  requests = 0;
  judging = false;

  constructor(options: ChurnOptions) {
    const { nodes } = options;
    this.#ids = new NodeIds(nodes);
    for (let node = 0; node < nodes; node++) this.#ids.add(drawKadId(this.#rng));
    const places = Float32Array.from({ length: 2 * nodes }, () => this.#rng.float());
    this.network = new KadNetwork({
      ids: this.#ids,
      rng: this.#rng.fork(),
      parameters: options.parameters ?? KAD_DHT,
      // Nodes lie on a square: 5 ms to a neighbour, 75 ms to the farthest.
      latencyMs: (from, to) => {
        const [x, y] = [
          places[2 * from]! - places[2 * to]!,
          places[2 * from + 1]! - places[2 * to + 1]!,
        ];
        return 5 + 50 * Math.sqrt(x * x + y * y);
      },
      isLost: () => false,
      onTimer: (kind, node) => {
        this.#timer(kind, node);
      },
    });
    for (let node = 0; node < nodes; node++) {
      this.network.timer((node / nodes) * options.growS * 1_000, COME, node);
    }
  }

  #timer(kind: number, node: number): void {
    const { network } = this;
    if (kind === LEAVE) {
      network.leave(node);
      network.timer(AWAY_MS, COME, node);
    } else if (kind === COME) {
      network.join(node, this.#running(node));
      const sessionMs = (-Math.log(1 - this.#rng.float()) * SESSION_MEDIAN_MS) / Math.LN2;
      network.timer(sessionMs, LEAVE, node);
      // Sessions end before their next lookup, which then finds the node away.
      network.timer(this.#rng.float() * LOOKUP_INTERVAL_MS, LOOK, node);
    } else if (network.population.isUp(node)) {
      network.timer(LOOKUP_INTERVAL_MS, LOOK, node);
      this.#look(node);
    }
  }

  /** A running node other than one, or NONE. */
  #running(other: number): number {
    const count = this.#ids.count;
    const first = this.#rng.u32() % count;
    // Whoever found nobody would found a network of its own.
    for (let step = 0; step < count; step++) {
      const node = (first + step) % count;
      if (node !== other && this.network.population.isUp(node)) return node;
    }
    return NONE;
  }

  #look(node: number): void {
    const key = drawKadId(this.#rng);
    this.network.lookup(node, key, WANTED, LOOKUP_TIMEOUT_MS, (result) => {
      this.lookups++;
      this.requests += result.requests;
      if (!this.judging) return;
      this.tookMs.push(result.tookMs);
      if (this.judged < JUDGED_MAX) this.#judge(key, result);
    });
  }

  #judge(key: KadId, { nearest }: OperationResult): void {
    this.judged++;
    const { population } = this.network;
    const best: number[] = [];
    for (let node = 0; node < population.size; node++) {
      if (!population.isUp(node)) continue;
      const last = best[WANTED - 1];
      if (last !== undefined && this.#ids.distance(node, key) > this.#ids.distance(last, key))
        continue;
      best.push(node);
      best.sort((a, b) => this.#ids.compare(a, b, key));
      best.length = Math.min(best.length, WANTED);
    }
    const told = new Set<number>();
    for (let index = 0; index < nearest.length; index++) told.add(nodeOf(nearest.at(index)));
    this.found += best.filter((node) => told.has(node)).length / best.length;
  }
}

function memoryBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export function churn(options: ChurnOptions): ChurnFigures {
  const before = memoryBytes();
  const run = new Churn(options);
  const { network } = run;
  const { population } = network;
  network.runUntil((options.growS + options.settleS) * 1_000);
  run.judging = true;
  run.lookups = 0;
  run.requests = 0;
  const events = network.events;
  const traffic = totalBytes(run);
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  network.runUntil((options.growS + options.settleS + options.measureS) * 1_000);
  const wallS = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(startCpu);
  let [contacts, dead, up] = [0, 0, 0];
  for (let node = 0; node < population.size; node++) {
    if (!population.isUp(node)) continue;
    up++;
    contacts += population.tables.sizeOf(node);
    dead += population.deadContacts(node);
  }
  run.tookMs.sort((a, b) => a - b);
  return {
    nodes: options.nodes,
    simulatedS: options.measureS,
    wallS,
    cpuS: (user + system) / 1e6,
    events: network.events - events,
    bytesPerNode: (memoryBytes() - before) / options.nodes,
    tableContacts: contacts / up,
    deadContacts: dead / up,
    lookups: run.lookups,
    requestsPerLookup: run.requests / run.lookups,
    lookupMsMedian: run.tookMs[run.tookMs.length >> 1] ?? NaN,
    nearestFound: run.found / run.judged,
    bytesPerNodeAndS: (totalBytes(run) - traffic) / options.measureS / options.nodes,
    fingerprint: network.fingerprint,
  };
}

function totalBytes({ network: { population } }: Churn): number {
  let bytes = 0;
  for (let node = 0; node < population.size; node++) bytes += population.traffic(node).bytesSent;
  return bytes;
}
