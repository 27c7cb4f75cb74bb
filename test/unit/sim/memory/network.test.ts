/** What only virtual hosts can: repeat exactly, be split, and die on command. */
import { expect } from 'chai';
import { peerIdOfPublicKey, type PeerId } from '../../../../overlay/base/peer-id.js';
import type { Trust } from '../../../../overlay/ports.js';
import { MemoryHost } from '../../../../sim/memory/host.js';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import { MemoryNetwork } from '../../../../sim/memory/network.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { nodeCrypto } from '../../../support/node-crypto.js';
import { VERSIONED, at, codeOf } from '../../../contract/world.js';

const KEY = Uint8Array.of(1);
const OPTIONS = { timeoutMs: 1_000 };

const GATE = {
  trust: (): Trust => 'member',
  settled: (): Promise<Trust> => Promise.resolve('member'),
  misbehaved: () => undefined,
};

class Lab {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork;
  readonly hosts: MemoryHost[] = [];
  readonly log: string[] = [];

  constructor(latencyMs: number | ((from: PeerId, to: PeerId) => number) = 10) {
    this.network = new MemoryNetwork({
      clock: this.clock,
      sha256: (data) => nodeCrypto.sha256(data),
      latencyMs,
    });
  }

  async add(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const self = peerIdOfPublicKey(new Uint8Array(32).fill(this.hosts.length + 1));
      const host = new MemoryHost(this.network, { self, gate: GATE });
      host.directory.register('versioned', VERSIONED);
      host.rpc.serve('echo/1', { trust: 'member', requestBytesMax: 10 }, (from, body) => {
        this.log.push(`${String(this.clock.now())} ${from.slice(-4)}>${self.slice(-4)}`);
        return Promise.resolve(body);
      });
      await host.start();
      const hub = this.hosts[0];
      this.hosts.push(host);
      if (hub !== undefined) await this.run(host.swarm.dial(at(hub.swarm.addresses(), 0), OPTIONS));
    }
  }

  async run<Value>(work: Promise<Value>): Promise<Value> {
    return await this.clock.until(work, 60_000);
  }

  host(index: number): MemoryHost {
    return at(this.hosts, index);
  }

  async echo(from: number, to: number): Promise<string> {
    const target = this.host(to).self;
    return await this.run(
      codeOf(this.host(from).rpc.request(target, 'echo/1', Uint8Array.of(1), OPTIONS)),
    );
  }
}

describe('MemoryNetwork', () => {
  it('takes exactly the time its latency says', async () => {
    const lab = new Lab(25);
    await lab.add(2);
    expect(lab.clock.now(), 'connecting is a round trip').to.equal(50);
    expect(await lab.echo(1, 0)).to.equal('no error');
    expect(lab.clock.now(), 'a request is another').to.equal(100);
  });

  it('times requests out to the millisecond', async () => {
    const lab = new Lab(10);
    await lab.add(2);
    lab.host(0).rpc.serve('silent/1', { trust: 'member', requestBytesMax: 1 }, () => {
      return new Promise(() => undefined);
    });
    const startMs = lab.clock.now();
    const request = lab.host(1).rpc.request(lab.host(0).self, 'silent/1', KEY, OPTIONS);
    expect(await lab.run(codeOf(request))).to.equal('timeout');
    expect(lab.clock.now() - startMs).to.equal(OPTIONS.timeoutMs);
  });

  it('repeats from a seed, message by message', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const rng = new SeededRng(seed);
      const lab = new Lab(() => 1 + Math.floor(rng.float() * 50));
      await lab.add(6);
      const pending = lab.hosts.flatMap((from) =>
        lab.hosts
          .filter((to) => to !== from)
          .map((to) => codeOf(from.rpc.request(to.self, 'echo/1', KEY, OPTIONS))),
      );
      const codes = await lab.run(Promise.all(pending));
      return [...lab.log, ...codes, String(lab.clock.now())];
    };
    const first = await run(1);
    expect(first.length).to.be.greaterThan(55);
    expect(await run(1)).to.deep.equal(first);
    expect(await run(2)).to.not.deep.equal(first);
  });

  it('splits and heals', async () => {
    const lab = new Lab();
    await lab.add(5);
    const closed: PeerId[] = [];
    lab.host(0).swarm.watch({ opened: () => undefined, closed: (peer) => closed.push(peer) });
    lab.network.partition([
      [lab.host(0).self, lab.host(1).self],
      [lab.host(2).self, lab.host(3).self, lab.host(4).self],
    ]);
    expect(closed).to.have.members([2, 3, 4].map((index) => lab.host(index).self));
    expect(await lab.echo(1, 0)).to.equal('no error');
    expect(await lab.echo(2, 0)).to.equal('unreachable');
    const mine = await lab.run(lab.host(0).directory.closest(KEY, 8, OPTIONS));
    expect(mine).to.have.members([lab.host(0).self, lab.host(1).self]);
    lab.network.heal();
    expect(await lab.echo(2, 0)).to.equal('no error');
    expect(await lab.echo(3, 0)).to.equal('no error');
    const merged = await lab.run(lab.host(0).directory.closest(KEY, 8, OPTIONS));
    expect(merged).to.have.length(4);
  });

  it('loses a killed host with its requests, and takes it back', async () => {
    const lab = new Lab();
    await lab.add(3);
    const running = codeOf(lab.host(1).rpc.request(lab.host(0).self, 'echo/1', KEY, OPTIONS));
    await lab.clock.advance(5);
    lab.network.kill(lab.host(0).self);
    expect(await lab.run(running)).to.equal('unreachable');
    expect(lab.host(0).swarm.addresses()).to.deep.equal([]);
    expect(await lab.echo(0, 1)).to.equal('unreachable');
    await lab.host(0).start();
    expect(await lab.echo(1, 0)).to.equal('no error');
  });

  it('cuts single connections', async () => {
    const lab = new Lab();
    await lab.add(2);
    lab.network.disconnect(lab.host(0).self, lab.host(1).self);
    expect(lab.host(0).swarm.connections()).to.deep.equal([]);
    expect(lab.host(1).swarm.connections()).to.deep.equal([]);
    expect(await lab.echo(1, 0), 'and may make them again').to.equal('no error');
  });

  it('carries streams at the rate of the line', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({
      clock,
      sha256: (data) => nodeCrypto.sha256(data),
      latencyMs: 5,
      streamBytesPerMs: 1_000,
    });
    const ids = [1, 2].map((fill) => peerIdOfPublicKey(new Uint8Array(32).fill(fill)));
    const [a, b] = ids.map((self) => new MemoryHost(network, { self, gate: GATE }));
    if (a === undefined || b === undefined) throw new Error('two hosts');
    let arrivedMs = 0;
    b.streams.accept('s/1', (stream) => {
      stream.listen({
        data: () => (arrivedMs = clock.now()),
        drained: () => undefined,
        closed: () => undefined,
      });
    });
    await Promise.all([a.start(), b.start()]);
    await clock.until(a.swarm.dial(at(b.swarm.addresses(), 0), OPTIONS), 1_000);
    const stream = await clock.until(a.streams.open(b.self, 's/1', OPTIONS), 1_000);
    const startMs = clock.now();
    for (let index = 0; index < 10; index++) stream.send(new Uint8Array(10_000));
    await clock.advance(1_000);
    expect(arrivedMs - startMs).to.equal(105);
    expect(stream.bufferedBytes()).to.equal(0);
  });
});
