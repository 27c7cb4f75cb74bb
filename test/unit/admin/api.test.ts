import { expect } from 'chai';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { CodedError } from '../../../overlay/base/errors.js';
import { AdminClient } from '../../../src/admin/client.js';
import { startAdmin, type AdminServer } from '../../../src/admin/server.js';
import { ADMIN_VERBS } from '../../../src/admin/verbs/table.js';
import { rejection, temporaryFolder } from '../../support/temporary-folder.js';
import { FakeControl, NAS, silentLogger } from './fake-control.js';

const PING = { query: 'nas', count: 3, intervalMs: 10, timeoutMs: 1000, untilDirect: false };

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 3_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('it did not come to be');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  const error = await rejection(run);
  expect(error).to.be.instanceOf(CodedError);
  return (error as CodedError).code;
}

describe('admin/client and verbs', () => {
  const folder = temporaryFolder();
  let control: FakeControl;
  let server: AdminServer;
  let client: AdminClient;

  beforeEach(async () => {
    control = new FakeControl();
    const path = join(folder(), 'admin.sock');
    server = await startAdmin(path, control, silentLogger);
    client = new AdminClient(path);
  });

  afterEach(() => server.close());

  it('names each verb as it is listed', () => {
    for (const [name, verb] of Object.entries(ADMIN_VERBS)) expect(verb.name).to.equal(name);
  });

  it('passes every fact on, with the schema number', async () => {
    expect(await client.call('status', {})).to.deep.equal({ schema: 1, ...control.status() });
    expect(await client.call('peers', {})).to.deep.equal({
      schema: 1,
      peers: await control.peers(),
    });
    expect(await client.call('leases', {})).to.deep.equal({ schema: 1, leases: control.leases() });
    expect(await client.call('members', {})).to.deep.equal({
      schema: 1,
      members: control.members(),
    });
    expect(await client.call('whois', { query: 'nas' })).to.include({ schema: 1, peerId: NAS });
    expect((await client.call('invite-list', {})).invites).to.deep.equal(
      await control.listInvites(),
    );
    expect(await client.call('invite-revoke', { id: 'bb' })).to.include({
      id: 'bb',
      revoked: true,
    });
  });

  it('passes an invite request on as it is', async () => {
    const request = { uses: 3, expiresInMs: 1000, roles: ['inviter'], address4: '10.77.0.5' };
    expect(await client.call('invite-create', request)).to.include({
      schema: 1,
      invite: 'ovl1qqqq',
    });
    expect(JSON.parse(control.calls[0]?.slice('invite '.length) ?? '')).to.deep.equal(request);
  });

  it('passes a change of scheduling on as it is, and what holds then back', async () => {
    expect(
      await client.call('scheduling-set', { peer: 'nas', scheduler: 'replicate', overflow: true }),
    ).to.deep.equal({ schema: 1, peer: NAS, scheduler: 'replicate', overflow: true });
    await client.call('scheduling-set', { peer: null, scheduler: 'default' });
    expect(control.calls).to.deep.equal([
      'scheduling {"peer":"nas","scheduler":"replicate","overflow":true}',
      'scheduling {"peer":null,"scheduler":"default"}',
    ]);
    expect(await codeOf(client.call('scheduling-set', { peer: 'nobody' }))).to.equal('not-found');
  });

  it('passes the code and the sentence of an error on', async () => {
    const error = await rejection(client.call('whois', { query: 'nobody' }));
    expect(error).to.include({ code: 'not-found' });
    expect((error as Error).message).to.contain('nobody is called nobody');
    expect(await codeOf(client.call('invite-revoke', { id: 'zz' }))).to.equal('not-found');
    const owner = { uses: 1, expiresInMs: 0, roles: ['owner'] };
    expect(await codeOf(client.call('invite-create', owner))).to.equal('not-allowed');
  });

  it('refuses requests that are out of bounds, naming the field', async () => {
    const wrong = { uses: -1, expiresInMs: 0, roles: [] };
    const error = await rejection(client.call('invite-create', wrong));
    expect(error).to.include({ code: 'bad-request' });
    expect((error as Error).message).to.match(/^uses: must be a whole number from 0/);
    expect(await codeOf(client.call('whois', { query: '' }))).to.equal('bad-request');
    expect(await codeOf(client.call('whois', { query: 'x'.repeat(257) }))).to.equal('bad-request');
    const best = { peer: null, scheduler: 'best' } as never;
    expect(await codeOf(client.call('scheduling-set', best))).to.equal('bad-request');
    expect(await codeOf(client.call('scheduling-set', {} as never))).to.equal('bad-request');
    expect(await codeOf(client.call('scheduling-set', { peer: '' }))).to.equal('bad-request');
    expect(
      await codeOf(client.call('status', { extra: 1 } as unknown as Record<string, never>)),
    ).to.equal('bad-request');
    expect(control.calls).to.deep.equal([]);
  });

  it('answers a bug of ours with its place in the log, not with its text', async () => {
    control.members = () => {
      throw new TypeError('secret detail');
    };
    const error = await rejection(client.call('members', {}));
    expect(error).to.include({ code: 'internal' });
    expect((error as Error).message)
      .to.contain('see its log')
      .and.to.not.contain('secret');
  });

  it('streams replies one by one', async () => {
    const sequences: number[] = [];
    for await (const reply of client.stream('ping', PING, new AbortController().signal)) {
      sequences.push(reply.sequence);
    }
    expect(sequences).to.deep.equal([1, 2, 3]);
  });

  it('fails before the first reply when the peer is not found', async () => {
    const stream = client.stream(
      'ping',
      { ...PING, query: 'nobody' },
      new AbortController().signal,
    );
    expect(await codeOf(stream.next())).to.equal('not-found');
  });

  it('reports an error in mid-stream after the replies before it', async () => {
    control.ping = async function* (...args) {
      yield* FakeControl.prototype.ping.apply(control, args);
      throw new CodedError('unreachable', 'the peer is gone');
    };
    const stream = client.stream('ping', PING, new AbortController().signal);
    for (let reply = 0; reply < 3; reply++) expect((await stream.next()).done).to.equal(false);
    expect(await codeOf(stream.next())).to.equal('unreachable');
  });

  it('ends the work at the node when the client leaves', async () => {
    let ended = false;
    control.ping = async function* (query, options, signal) {
      try {
        yield* FakeControl.prototype.ping.call(control, query, options, signal);
      } finally {
        ended = true;
      }
    };
    for await (const reply of client.stream(
      'ping',
      { ...PING, count: 0 },
      new AbortController().signal,
    )) {
      if (reply.sequence === 3) break;
    }
    await until(() => ended);
  });

  it('gives up on a stream when its signal aborts', async () => {
    const stopper = new AbortController();
    const stream = client.stream('ping', { ...PING, count: 0, intervalMs: 60_000 }, stopper.signal);
    await stream.next();
    setTimeout(() => {
      stopper.abort();
    }, 20);
    expect(await codeOf(stream.next())).to.equal('aborted');
  });

  it('tells a waiting client what is missing until nothing is', async () => {
    control.waitFor('no address yet');
    const seen: (string | null)[] = [];
    for await (const status of client.stream('wait', {}, new AbortController().signal)) {
      seen.push(status.waitingFor);
      if (seen.length === 1) {
        control.waitFor('no address yet');
        control.waitFor('no peer yet');
      }
      if (seen.length === 2) control.waitFor(null);
    }
    expect(seen).to.deep.equal(['no address yet', 'no peer yet', null]);
    await until(() => control.watchers === 0);
  });

  it('forgets a waiting client that leaves', async () => {
    control.waitFor('no address yet');
    const stopper = new AbortController();
    const stream = client.stream('wait', {}, stopper.signal);
    await stream.next();
    expect(control.watchers).to.equal(1);
    stopper.abort();
    expect(await codeOf(stream.next())).to.equal('aborted');
    await until(() => control.watchers === 0);
  });

  it('stops the node only after the answer has left', async () => {
    control.onStop = () => void server.close();
    expect(await client.call('stop', {})).to.deep.equal({ schema: 1, stopping: true });
    await until(() => control.calls.includes('stop'));
    await server.close();
    expect(await codeOf(client.call('status', {}))).to.equal('not-running');
  });

  it('leaves first and stops then, also if the client does not stay', async () => {
    let left: () => void = () => undefined;
    control.leave = () => {
      control.calls.push('leave');
      return new Promise((resolve) => {
        left = resolve;
      });
    };
    const impatient = AbortSignal.timeout(50);
    expect(await codeOf(client.call('leave', {}, { signal: impatient }))).to.equal('timeout');
    expect(control.calls).to.deep.equal(['leave']);
    left();
    await until(() => control.calls.includes('stop'));
  });

  it('gives up on a node that does not answer', async () => {
    control.hang = true;
    const hanging = client.call('whois', { query: 'nas' }, { timeoutMs: 50 });
    expect(await codeOf(hanging)).to.equal('timeout');
  });

  it('says that the node went away when it ends in mid-answer', async () => {
    control.hang = true;
    const hanging = client.call('whois', { query: 'nas' });
    const stream = client.stream('ping', { ...PING, query: 'nas' }, new AbortController().signal);
    const next = stream.next();
    await until(() => control.calls.length === 2);
    const codes = Promise.all([codeOf(hanging), codeOf(next)]);
    await server.close();
    expect(await codes).to.deep.equal(['broken', 'broken']);
  });
});

describe('admin/client, talking to something else', () => {
  const folder = temporaryFolder();
  let server: Server;

  async function answering(text: string): Promise<AdminClient> {
    const path = join(folder(), 'admin.sock');
    server = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end(text);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return new AdminClient(path);
  }

  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const head = 'HTTP/1.1 200 OK\r\n';
  for (const [what, text] of Object.entries({
    nothing: '',
    'no HTTP': 'SSH-2.0-OpenSSH\r\n',
    'no JSON': `${head}content-length: 2\r\n\r\nhi`,
    'a JSON string': `${head}content-length: 4\r\n\r\n"hi"`,
    'half an answer': `${head}content-length: 100\r\n\r\n{"schema":1`,
    'half a chunk': `${head}transfer-encoding: chunked\r\n\r\nff\r\n{"schema":1}\n`,
    'an error of no form': 'HTTP/1.1 500 No\r\ncontent-length: 12\r\n\r\n{"error":"x"}',
  })) {
    it(`calls ${what} a broken node`, async () => {
      const client = await answering(text);
      expect(await codeOf(client.call('status', {}))).to.equal('broken');
      const stream = client.stream('wait', {}, new AbortController().signal);
      const drain = async (): Promise<void> => {
        let items = 0;
        for await (const item of stream) items += Object.keys(item).length;
        expect(items).to.equal(0);
      };
      expect(await codeOf(drain())).to.equal('broken');
    });
  }
});
