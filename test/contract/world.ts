/** What the contract suite needs of a host, real or virtual, and helpers to drive it. */
import { expect } from 'chai';
import { hasCode } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type {
  ConnectionFacts,
  Directory,
  Gate,
  RecordRules,
  Rpc,
  Streams,
  Swarm,
  Trust,
} from '../../overlay/ports.js';

/** Trusts everybody unless told otherwise, and notes who misbehaved. */
export class TestGate implements Gate {
  readonly complaints: { readonly peer: PeerId; readonly what: string }[] = [];
  readonly #trust = new Map<PeerId, Trust>();
  readonly #exchanges = new Map<PeerId, Promise<void>>();
  #others: Trust = 'member';

  set(peer: PeerId, trust: Trust): void {
    this.#trust.set(peer, trust);
  }

  /** Trust in peers that were not set. */
  setOthers(trust: Trust): void {
    this.#others = trust;
  }

  /** Begins a membership exchange that ends when the returned function is called. */
  exchange(peer: PeerId): (result: Trust) => void {
    let finish: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    this.#exchanges.set(peer, done);
    return (result) => {
      this.set(peer, result);
      finish();
    };
  }

  trust(peer: PeerId): Trust {
    return this.#trust.get(peer) ?? this.#others;
  }

  async settled(peer: PeerId, timeoutMs: number): Promise<Trust> {
    const exchange = this.#exchanges.get(peer);
    if (exchange !== undefined) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([exchange, late]);
      clearTimeout(timer);
    }
    return this.trust(peer);
  }

  misbehaved(peer: PeerId, what: string): void {
    this.complaints.push({ peer, what });
  }
}

export interface WorldHost {
  readonly self: PeerId;
  readonly gate: TestGate;
  readonly rpc: Rpc;
  readonly directory: Directory;
  readonly swarm: Swarm;
  readonly streams: Streams;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface World {
  /** A new host, not started. */
  create(): Promise<WorldHost>;
  /** Stops everything. */
  end(): Promise<void>;
}

export const PATIENT = { timeoutMs: 5_000 };

/** Records whose first byte is their version; those with a second byte of 0xff are invalid. */
export const VERSIONED: RecordRules = {
  validate: (_key, value) => value.length > 0 && value[1] !== 0xff,
  select: (_key, values) =>
    values.reduce((best, value, index) => {
      const held = values[best];
      return (value[0] ?? 0) > (held?.[0] ?? 0) ? index : best;
    }, 0),
};

export async function started(
  world: World,
  setUp: (host: WorldHost) => void = () => undefined,
): Promise<WorldHost> {
  const host = await world.create();
  host.directory.register('versioned', VERSIONED);
  setUp(host);
  await host.start();
  return host;
}

export async function connect(from: WorldHost, to: WorldHost): Promise<void> {
  const [address] = to.swarm.addresses();
  expect(await from.swarm.dial(address ?? 'no address', PATIENT)).to.equal(to.self);
}

/** Several hosts, the first one connected to all others. */
export async function star(
  world: World,
  size: number,
  setUp: (host: WorldHost) => void = () => undefined,
): Promise<readonly WorldHost[]> {
  const hosts: WorldHost[] = [];
  for (let index = 0; index < size; index++) hosts.push(await started(world, setUp));
  for (const host of hosts.slice(1)) await connect(host, at(hosts, 0));
  return hosts;
}

export function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new Error(`nothing at ${String(index)}`);
  return value;
}

/** The code of the CodedError that `work` rejects with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (hasCode(error)) return error.code;
    throw error;
  }
  return 'no error';
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Repeats `check` until it passes; fails with its last error after `limitMs`. */
export async function eventually(check: () => unknown, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await sleep(20);
    }
  }
}

/** Everything a host was told about its connections. */
export class Watched {
  readonly opened: ConnectionFacts[] = [];
  readonly closed: PeerId[] = [];

  constructor(host: WorldHost) {
    host.swarm.watch({
      opened: (facts) => this.opened.push(facts),
      closed: (peer) => this.closed.push(peer),
    });
  }
}

/** Bytes that show where they belong, so that a swap or a gap is seen. */
export function pattern(length: number, offset = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = ((offset + index) * 131) >>> 8;
  return bytes;
}
