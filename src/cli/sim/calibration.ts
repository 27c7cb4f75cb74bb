/**
 * Whether the model does what real hosts do: the same members join one after another, once on real libp2p hosts in this
 * process and once on virtual ones, and what each had to do for it is compared. Delays are left out of it, on the one side by
 * the memory transport, on the other by the model of a local network: what remains of time on real hosts is their processor's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rpc } from '../../../overlay/ports.js';
import { MemberKeys } from '../../../sim/world/member-keys.js';
import { World } from '../../../sim/world/world.js';
import {
  distributionDistance,
  quantilesOf,
  type Quantiles,
} from '../../../sim/statistics/summary.js';
import { NodeCrypto } from '../../io/node-crypto.js';
import { startMember, type RealMember } from './real-members.js';

const SETTINGS = { subnet4: '10.77.0.0/16', leaseTermS: 3_600 } as const;
/** After the last has come: for what members do about each other. */
const AFTER_MS = 15_000;
const POLL_MS = 10;

export interface CalibrationOptions {
  readonly nodes: number;
  readonly seed: number;
  /** Between two joins. */
  readonly everyMs: number;
  readonly progress?: (what: 'real' | 'model', joined: number) => void;
}

/** Of each node: until it had its address, and in all. */
interface Measured {
  readonly acquireMs: number[];
  readonly requests: number[];
  readonly requestBytes: number[];
  readonly members: number[];
}

export interface Comparison {
  readonly name: string;
  readonly real: Quantiles | null;
  readonly model: Quantiles | null;
  /** Largest distance of the two distribution functions, from 0 to 1. */
  readonly distance: number;
}

class Counts {
  readonly requests: number[] = [];
  readonly bytes: number[] = [];

  around(number: number, rpc: Rpc): Rpc {
    return {
      self: rpc.self,
      serve: (protocol, options, handler) => {
        rpc.serve(protocol, options, handler);
      },
      request: (to, protocol, request, options) => {
        this.requests[number] = (this.requests[number] ?? 0) + 1;
        this.bytes[number] = (this.bytes[number] ?? 0) + request.length;
        return rpc.request(to, protocol, request, options);
      },
    };
  }
}

export async function calibrate(options: CalibrationOptions): Promise<readonly Comparison[]> {
  const real = await measureReal(options);
  const model = await measureModel(options);
  const compare = (name: string, of: keyof Measured): Comparison => ({
    name,
    real: quantilesOf(real[of]),
    model: quantilesOf(model[of]),
    distance: distributionDistance(real[of], model[of]),
  });
  return [
    compare('milliseconds to the address', 'acquireMs'),
    compare('requests sent', 'requests'),
    compare('bytes of requests', 'requestBytes'),
    compare('members known', 'members'),
  ];
}

async function measureReal({ nodes, everyMs, progress }: CalibrationOptions): Promise<Measured> {
  const crypto = new NodeCrypto();
  const keys = new MemberKeys(SETTINGS, crypto);
  const counts = new Counts();
  const watchRpc = (number: number, rpc: Rpc): Rpc => counts.around(number, rpc);
  const members: RealMember[] = [];
  const acquireMs: number[] = [];
  try {
    for (let number = 0; number < nodes; number++) {
      const startMs = performance.now();
      const bootstrap = members[0]?.addresses ?? [];
      const member = await startMember({ keys, crypto, watchRpc }, number, bootstrap);
      members.push(member);
      while (member.node.configured4 === null && performance.now() - startMs < AFTER_MS) {
        await sleep(POLL_MS);
      }
      if (member.node.configured4 !== null) acquireMs.push(performance.now() - startMs);
      progress?.('real', number + 1);
      await sleep(Math.max(0, everyMs - (performance.now() - startMs)));
    }
    await sleep(AFTER_MS);
    const known = members.map(({ node }) => node.roster.all().length);
    return { acquireMs, requests: counts.requests, requestBytes: counts.bytes, members: known };
  } finally {
    await Promise.all(members.map((member) => member.stop()));
  }
}

async function measureModel({
  nodes,
  seed,
  everyMs,
  progress,
}: CalibrationOptions): Promise<Measured> {
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const crypto = new NodeCrypto();
  const world = new World({ seed, crypto, settle, latency: 'lan', ...SETTINGS });
  const counts = new Counts();
  world.watchRpc = (node, rpc) => counts.around(node.number, rpc);
  const startedMs = new Map<number, number>();
  const acquireMs: number[] = [];
  world.listen({
    heard: (event, nowMs) => {
      if (event.kind === 'started') startedMs.set(event.node.number, nowMs);
      if (event.kind !== 'address' || event.address === null) return;
      const fromMs = startedMs.get(event.node.number);
      startedMs.delete(event.node.number);
      if (fromMs !== undefined) acquireMs.push(nowMs - fromMs);
    },
  });
  const founder = world.add();
  for (let number = 0; number < nodes; number++) {
    const node = number === 0 ? founder : world.add();
    void world.start(node, number === 0 ? [] : [founder.peer]);
    progress?.('model', number + 1);
    await world.advance(everyMs);
  }
  await world.advance(AFTER_MS);
  const members = world.nodes.map(({ run }) => run?.node.roster.all().length ?? 0);
  return { acquireMs, requests: counts.requests, requestBytes: counts.bytes, members };
}
