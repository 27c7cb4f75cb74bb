/** A whole node on a virtual host: the code that real hosts run, started, killed and started again. */
import type { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { Roster } from '../../overlay/peers/roster.js';
import type { Clock, Crypto, Logger, Rng, Rpc } from '../../overlay/ports.js';
import { WITNESS_GRACE_MS } from '../../dhcp/terms.js';
import type { NodeIdentity } from '../../src/node/identity.js';
import { OverlayNode } from '../../src/node/node.js';
import { TrustGate } from '../../src/node/trust.js';
import { HostClock } from '../core/host-clock.js';
import { addressOf } from '../memory/connection.js';
import { MemoryHost } from '../memory/host.js';
import type { MemoryNetwork } from '../memory/network.js';
import type { HostDirectory, LocalHost } from '../memory/parts.js';
import type { SeededRng } from '../memory/seeded-rng.js';
import { VirtualDisk, type DiskHandle } from './virtual-disk.js';

export interface NodeEnvironment {
  /** Time of the world. */
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly network: MemoryNetwork;
  /** Makes the directory of a host; null: the exact one. */
  readonly directory: ((host: LocalHost) => HostDirectory) | null;
  /** Random numbers of this node alone. */
  readonly rng: SeededRng;
  /** Longest write with its flush. */
  readonly diskWriteMsMax: number;
  readonly driftPpm: number;
  readonly wallOffsetMs: number;
  readonly mtu: number;
  /** What the node writes down. */
  readonly logger: (node: VirtualNode) => Logger;
  /** What is around the node's own randomness, for those who watch what it draws. */
  readonly watchRng: (node: VirtualNode, rng: Rng) => Rng;
  /** The same around its requests. */
  readonly watchRpc: (node: VirtualNode, rpc: Rpc) => Rpc;
  /** Its state, leases included, may be another than before. */
  readonly changed: (node: VirtualNode) => void;
}

/** One process of the node. */
export interface NodeRun {
  readonly node: OverlayNode;
  readonly host: MemoryHost;
  readonly clock: HostClock;
  readonly disk: DiskHandle;
  /** Time of the world. */
  readonly startedMs: number;
  readonly failures: CodedError[];
}

export class VirtualNode {
  readonly number: number;
  readonly name: string;
  readonly identity: NodeIdentity;
  readonly founder: boolean;
  readonly #environment: NodeEnvironment;
  readonly #disk: VirtualDisk;
  #wallOffsetMs: number;
  #run: NodeRun | null = null;
  #starts = 0;

  constructor(
    number: number,
    identity: NodeIdentity,
    founder: boolean,
    environment: NodeEnvironment,
  ) {
    this.number = number;
    this.name = `n${number}`;
    this.identity = identity;
    this.founder = founder;
    this.#environment = environment;
    this.#wallOffsetMs = environment.wallOffsetMs;
    const { clock, diskWriteMsMax } = environment;
    this.#disk = new VirtualDisk({
      clock,
      rng: environment.rng.fork(),
      writeMsMax: diskWriteMsMax,
    });
  }

  get peer(): PeerId {
    return this.identity.self;
  }

  /** The process that runs; null while there is none. */
  get run(): NodeRun | null {
    return this.#run;
  }

  get starts(): number {
    return this.#starts;
  }

  /** The host's date is set to another, by this much. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
    this.#run?.clock.jump(byMs);
  }

  /** @param bootstrap members whose addresses the invite names */
  async start(bootstrap: readonly PeerId[]): Promise<void> {
    if (this.#run !== null) return;
    const environment = this.#environment;
    const { network, crypto, driftPpm } = environment;
    const clock = new HostClock(environment.clock, { driftPpm, wallOffsetMs: this.#wallOffsetMs });
    const logger = environment.logger(this);
    const disk = this.#disk.open();
    const roster = new Roster({ graceMs: WITNESS_GRACE_MS });
    const gate = new TrustGate({ self: this.peer, roster, clock, logger });
    const host = new MemoryHost(network, {
      ...{ self: this.peer, gate },
      ...(environment.directory === null ? {} : { directory: environment.directory }),
    });
    const { directory, swarm, streams } = host;
    const rpc = environment.watchRpc(this, host.rpc);
    const failures: CodedError[] = [];
    const node = new OverlayNode(
      this.identity,
      {
        ...{ clock, crypto, rpc, directory, swarm, streams, logger, store: disk },
        rng: environment.watchRng(this, environment.rng.fork()),
        device: null,
        multipath: null,
      },
      { roster, gate },
      {
        name: this.name,
        founder: this.founder,
        bootstrap: bootstrap.map(addressOf),
        mtu: environment.mtu,
        version: 'simulated',
        admitted: (peer) => {
          host.admit(peer);
        },
        failed: (error) => {
          failures.push(error);
          environment.changed(this);
        },
      },
    );
    this.#starts += 1;
    const startedMs = environment.clock.now();
    const run: NodeRun = { node, host, clock, disk, startedMs, failures };
    this.#run = run;
    node.watch(() => {
      if (this.#run === run) environment.changed(this);
    });
    await node.prepare();
    // It may have been killed while it read its disk.
    if (this.#run !== run) return;
    await host.start();
    node.start();
  }

  /** The process is killed; the kernel tells whoever it was connected to. */
  kill(): void {
    this.#end((run) => {
      this.#environment.network.kill(run.host.self);
    });
  }

  /** The host loses its power: nobody is told. @returns what its peers still take for connections */
  powerOff(): readonly { close(): void }[] {
    let left: readonly { close(): void }[] = [];
    this.#end((run) => {
      left = this.#environment.network.vanish(run.host.self);
    });
    return left;
  }

  /** The process ends as on a signal. @param leaves it gives its lease back and forgets the network */
  async stop(leaves: boolean): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    if (leaves) {
      const released = run.node.release();
      // It is given up from here on, and a node that leaves does not tell those who watch it.
      this.#environment.changed(this);
      await released;
    }
    await run.node.stop();
    if (this.#run === run) this.kill();
  }

  #end(take: (run: NodeRun) => void): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    // The clock is the host's and not the process's: by what it was wrong it stays wrong.
    this.#wallOffsetMs = run.clock.wallNow() - this.#environment.clock.wallNow();
    run.clock.die();
    run.disk.cut();
    // What it does by itself ends with the process.
    run.host.directory.stop?.();
    take(run);
    this.#environment.changed(this);
  }
}
