/** Contract of the `Rpc` port. */
import { expect } from 'chai';
import { Canceller } from '../../overlay/base/signal.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { MESSAGE_BYTES_MAX, PEER_REQUESTS_MAX } from '../../overlay/host-limits.js';
import type { RpcHandler } from '../../overlay/ports.js';
import {
  PATIENT,
  at,
  codeOf,
  connect,
  pattern,
  sleep,
  star,
  started,
  type World,
  type WorldHost,
} from './world.js';

const ECHO: RpcHandler = (_from, request) => Promise.resolve(request);

function serveAll(host: WorldHost): void {
  const options = { trust: 'member', requestBytesMax: MESSAGE_BYTES_MAX } as const;
  host.rpc.serve('echo/1', options, ECHO);
  host.rpc.serve('whoami/1', options, (from) => Promise.resolve(Buffer.from(from)));
  host.rpc.serve('small/1', { ...options, requestBytesMax: 100 }, ECHO);
  host.rpc.serve('fail/1', options, () => Promise.reject(new Error('a secret')));
  host.rpc.serve('silent/1', options, () => new Promise(() => undefined));
  host.rpc.serve('huge/1', options, () => Promise.resolve(new Uint8Array(MESSAGE_BYTES_MAX + 1)));
  host.rpc.serve('guest/1', { trust: 'guest', requestBytesMax: 100 }, ECHO);
  host.rpc.serve('hello/1', { trust: 'unknown', requestBytesMax: 100 }, ECHO);
}

export function rpcContract(world: () => World): void {
  let client: WorldHost;
  let server: WorldHost;

  beforeEach(async () => {
    const hosts = await star(world(), 2, serveAll);
    server = at(hosts, 0);
    client = at(hosts, 1);
  });

  const ask = async (protocol: string, body: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> =>
    await client.rpc.request(server.self, protocol, body, PATIENT);

  it('carries a request and its response, empty ones too', async () => {
    expect([...(await ask('echo/1', Uint8Array.of(1, 2, 3)))]).to.deep.equal([1, 2, 3]);
    expect([...(await ask('echo/1'))]).to.deep.equal([]);
  });

  it('works in both directions of one connection', async () => {
    const answer = await server.rpc.request(client.self, 'echo/1', Uint8Array.of(7), PATIENT);
    expect([...answer]).to.deep.equal([7]);
    expect(server.swarm.connections()).to.have.length(1);
  });

  it('tells the handler who asks', async () => {
    expect(Buffer.from(await ask('whoami/1')).toString()).to.equal(client.self);
  });

  it('keeps requests apart that run at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: PEER_REQUESTS_MAX }, (_, index) => ask('echo/1', Uint8Array.of(index))),
    );
    expect(answers.map((answer) => answer[0])).to.deep.equal(answers.map((_, index) => index));
  });

  it('carries the largest message both ways unchanged', async () => {
    const body = pattern(MESSAGE_BYTES_MAX);
    expect(Buffer.compare(await ask('echo/1', body), body)).to.equal(0);
  });

  it('refuses what exceeds the limits', async () => {
    expect(await codeOf(ask('echo/1', new Uint8Array(MESSAGE_BYTES_MAX + 1)))).to.equal(
      'too-large',
    );
    expect(await codeOf(ask('small/1', new Uint8Array(101)))).to.equal('too-large');
    expect(await codeOf(ask('small/1', new Uint8Array(900_000)))).to.equal('too-large');
    expect(await codeOf(ask('huge/1'))).to.equal('refused');
    expect(await ask('small/1', new Uint8Array(100))).to.have.length(100);
  });

  it('answers refused for unknown protocols and failed handlers, without their text', async () => {
    expect(await codeOf(ask('nothing/1'))).to.equal('refused');
    const error = await ask('fail/1').catch((reason: unknown) => reason);
    expect(String(error)).not.to.include('secret');
    expect(await codeOf(ask('fail/1'))).to.equal('refused');
  });

  it('gives up at the timeout', async () => {
    const startMs = performance.now();
    const request = client.rpc.request(server.self, 'silent/1', new Uint8Array(1), {
      timeoutMs: 200,
    });
    expect(await codeOf(request)).to.equal('timeout');
    expect(performance.now() - startMs).to.be.within(150, 1_500);
  });

  it('stops when cancelled, before and during the request', async () => {
    const canceller = new Canceller();
    const options = { ...PATIENT, signal: canceller.signal };
    const running = client.rpc.request(server.self, 'silent/1', new Uint8Array(1), options);
    setTimeout(() => {
      canceller.abort('enough');
    }, 50);
    expect(await codeOf(running)).to.equal('aborted');
    const late = client.rpc.request(server.self, 'echo/1', new Uint8Array(1), options);
    expect(await codeOf(late)).to.equal('aborted');
  });

  it('serves a bounded number of requests of one peer at once, and more after them', async () => {
    const impatient = { timeoutMs: 400 };
    const results = await Promise.all(
      Array.from({ length: PEER_REQUESTS_MAX + 8 }, () =>
        codeOf(client.rpc.request(server.self, 'silent/1', new Uint8Array(1), impatient)),
      ),
    );
    expect(results.filter((code) => code === 'timeout')).to.have.length(PEER_REQUESTS_MAX);
    expect(results.filter((code) => code === 'refused')).to.have.length(8);
  });

  it('finds nobody at an unknown peer, a stopped one, or itself', async () => {
    const stranger = await world().create();
    const unknown = client.rpc.request(stranger.self, 'echo/1', new Uint8Array(1), PATIENT);
    expect(await codeOf(unknown)).to.equal('unreachable');
    const self = client.rpc.request(client.self, 'echo/1', new Uint8Array(1), PATIENT);
    expect(await codeOf(self)).to.equal('unreachable');
    await server.stop();
    expect(await codeOf(ask('echo/1'))).to.equal('unreachable');
  });

  it('fails at once when the other side goes away during a request', async () => {
    const running = codeOf(ask('silent/1'));
    await sleep(100);
    await server.stop();
    expect(await running).to.equal('unreachable');
  });

  it('dials a peer it has an address of', async () => {
    const third = await started(world(), serveAll);
    await client.swarm.learn(third.self, third.swarm.addresses());
    const answer = await client.rpc.request(third.self, 'echo/1', Uint8Array.of(5), PATIENT);
    expect([...answer]).to.deep.equal([5]);
  });

  describe('trust', () => {
    it('serves each level to those who have it', async () => {
      const codes = async (): Promise<readonly string[]> =>
        await Promise.all(['echo/1', 'guest/1', 'hello/1'].map((name) => codeOf(ask(name))));
      server.gate.set(client.self, 'unknown');
      expect(await codes()).to.deep.equal(['refused', 'refused', 'no error']);
      server.gate.set(client.self, 'guest');
      expect(await codes()).to.deep.equal(['refused', 'no error', 'no error']);
      server.gate.set(client.self, 'member');
      expect(await codes()).to.deep.equal(['no error', 'no error', 'no error']);
    });

    it('asks only proven members unless told otherwise', async () => {
      client.gate.set(server.self, 'unknown');
      expect(await codeOf(ask('echo/1'))).to.equal('untrusted');
      const options = { ...PATIENT, trust: 'unknown' } as const;
      const answer = await client.rpc.request(server.self, 'echo/1', Uint8Array.of(1), options);
      expect([...answer]).to.deep.equal([1]);
    });

    it('waits for a membership exchange that is under way, on both sides', async () => {
      for (const [host, peer] of [
        [server, client.self],
        [client, server.self],
      ] as readonly (readonly [WorldHost, PeerId])[]) {
        host.gate.set(peer, 'unknown');
        const finish = host.gate.exchange(peer);
        const answer = ask('echo/1', Uint8Array.of(9));
        await sleep(100);
        finish('member');
        expect([...(await answer)]).to.deep.equal([9]);
      }
    });

    it('has nothing to do with denied peers', async () => {
      client.gate.set(server.self, 'denied');
      expect(await codeOf(ask('hello/1'))).to.equal('untrusted');
    });

    it('cannot get past a peer that denies it', async () => {
      await client.swarm.hangUp(server.self);
      server.gate.set(client.self, 'denied');
      expect(await codeOf(ask('hello/1'))).to.be.oneOf(['refused', 'unreachable']);
      expect(await codeOf(connect(client, server))).to.be.oneOf(['refused', 'unreachable']);
    });
  });
}
