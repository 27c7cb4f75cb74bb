/**
 * Goal: every verb of the command line works against a running node, in text and in JSON, with the exit codes
 * scripts rely on; and no client, however broken, harms the node.
 * Method: a node of fixed facts behind the real admin server in this process; the real program as a
 * child process, and raw sockets for the broken clients.
 */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../../src/admin/client.js';
import { CONNECTIONS_MAX, HEADERS_TIMEOUT_MS, REQUEST_BYTES_MAX } from '../../src/admin/limits.js';
import { startAdmin, type AdminServer } from '../../src/admin/server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { FakeControl, HUB, NAS, SELF, silentLogger } from '../unit/admin/fake-control.js';
import { overlay, type Finished, type RunOptions } from './overlay-process.js';

interface Expected {
  readonly code?: number;
  readonly text: RegExp;
  /** Top-level fields of `--json` and what they must hold. */
  readonly json: Readonly<Record<string, unknown>>;
}

const ADDRESSES = { address4: '10.77.3.9', address6: 'fd00:1:2::9' };

const VERBS: Readonly<Record<string, Expected>> = {
  status: {
    text: /^state +ready\nname +laptop\naddress +10\.77\.3\.9, fd00:1:2::9\nlease +held, expires in .*, acquired in 0\.4 s\ndevice +ov0, MTU 1420\npeers +1 connected \(1 direct, 0 relayed\)\n/,
    json: { ready: true, peerId: SELF, ...ADDRESSES, uptimeS: 12 },
  },
  peers: {
    text: /^PEER +IPV4 .*\nnas +10\.77\.8\.1 +fd00:1:2::1 +direct +12\.1 ms +1\/1 +adaptive +7\.5 +1\.0 kB +2\.0 kB\n.*relayed via nas .*\n2 peers, 2 linked\n$/,
    json: { 'peers.0.peerId': NAS, 'peers.0.paths.0.state': 'active', 'peers.1.relay': NAS },
  },
  paths: {
    text: /^nas {2}10\.77\.8\.1 {2}direct {2}adaptive: one path is alive\n {2}ID .*\n +1 +tcp +eth0 +192\.168\.1\.5:4242 -> 203\.0\.113\.9:4242 +0 +active +12\.1 ms +0\.0 % +48\.0 Mb\/s +1\.0 kB +2\.0 kB +0 +1452\n\n.*relayed via nas .*\n {2}no path is open\n$/,
    json: { 'paths.0.peerId': NAS, 'paths.0.name': 'nas', 'paths.0.transport': 'tcp' },
  },
  'paths 10.77.8.1': {
    text: /^nas {2}.*\n {2}ID .*\n +1 +tcp .*\n$/,
    json: { 'paths.0.peerId': NAS },
  },
  leases: {
    text: /^KIND .*\naddress +10\.77\.3\.9 +laptop +held +holder +in .*\nname +nas +….{8} +held +witness +in .*\n$/,
    json: { 'leases.0.key': '10.77.3.9', 'leases.1.role': 'witness' },
  },
  members: {
    text: /^MEMBER .*\nlaptop +10\.77\.3\.9 .* this node .*\nnas .* 1 m 30 s ago .*\n.* never .*\n$/,
    json: { 'members.0.self': true, 'members.1.lastSeenS': 90 },
  },
  ip: { text: /^10\.77\.3\.9\nfd00:1:2::9\n$/, json: { peerId: SELF, ...ADDRESSES } },
  'ip -4': { text: /^10\.77\.3\.9\n$/, json: ADDRESSES },
  'ip -6': { text: /^fd00:1:2::9\n$/, json: ADDRESSES },
  'ip -4 nas': { text: /^10\.77\.8\.1\n$/, json: { peerId: NAS, address4: '10.77.8.1' } },
  'whois 10.77.8.1': {
    text: /^name +nas\nIPv4 +10\.77\.8\.1\nIPv6 +fd00:1:2::1\npeer id +12D3.*\nsource +known from a connected peer\n$/,
    json: { peerId: NAS, source: 'peer' },
  },
  'ping nas -c 2 --interval 10ms': {
    text: /^reply from nas \(10\.77\.8\.1\): seq=1 time=0\.30 ms direct path 1 tcp\nreply .* seq=2 .*\n2 sent, 2 received, 0 % lost, time min\/avg\/max 0\.3\/0\.35\/0\.4 ms\n$/,
    json: { sent: 2, received: 2, 'rttMs.min': 0.3, via: 'direct' },
  },
  'invite --uses 5': {
    text: /^ovl1qqqq\n$/,
    json: {
      id: '4f1d22c09a3b5e77',
      invite: 'ovl1qqqq',
      uses: 5,
      expiresAt: '2100-01-01T00:00:00Z',
    },
  },
  'invite list': {
    text: /^ID .*\n4f1d22c09a3b5e77 +valid +0 of 1 .*\naa +revoked +unlimited .*\nbb +expired .*\ncc +used up +1 of 1 +never .*\n$/,
    json: { 'invites.0.invite': null, 'invites.1.revoked': true },
  },
  'invite revoke bb': { text: /^invite bb is revoked\n$/, json: { id: 'bb', revoked: true } },
  'wait --timeout 5s': {
    text: /^address 10\.77\.3\.9 in 0\.4 s, device ov0 up, 1 peer\n$/,
    json: { ready: true, ...ADDRESSES },
  },
  down: { text: /^the node is stopped/, json: { stopped: true } },
  leave: { text: /^left the network/, json: { left: true, released: true } },
};

const FAILURES: readonly (readonly [string, number, RegExp])[] = [
  ['whois nobody', 1, /nobody is called nobody: overlay members lists/],
  ['ping nobody', 1, /nobody is called nobody/],
  ['ip nobody', 1, /nobody is called nobody/],
  ['paths nobody', 1, /no peer is called nobody/],
  ['invite revoke zz', 1, /no invite has the id zz/],
  ['invite --role owner', 1, /an invite cannot make owners/],
  ['invite --ip 10.77.0.256', 2, /address4: must be an IPv4 address/],
  ['invite --scheduler best', 2, /scheduler: must be one of adaptive/],
  ['ping nas --interval 1ms', 2, /intervalMs: must be a whole number from 10/],
];

describe('the command line against a running node', function () {
  this.timeout(20_000);
  const folder = temporaryFolder();
  const path = (): string => join(folder(), 'admin.sock');
  let control: FakeControl;
  let server: AdminServer;

  beforeEach(async () => {
    control = new FakeControl();
    server = await startAdmin(path(), control, silentLogger);
    control.onStop = () => void server.close();
  });

  afterEach(() => server.close());

  function run(command: string, options?: RunOptions): Promise<Finished> {
    return overlay(folder(), command.split(' '), options);
  }

  for (const [command, { text, json }] of Object.entries(VERBS)) {
    it(`${command} tells a person`, async () => {
      const { code, stdout } = await run(command);
      expect(stdout).to.match(text);
      expect(code).to.equal(0);
      // Neither colours, as this is no terminal, nor what a hostile name brought along.
      expect(stdout).to.not.match(/[^\P{Cc}\n]/u);
    });

    it(`${command} --json tells a script`, async () => {
      const { code, stdout, stderr } = await run(`${command} --json`);
      expect(stderr).to.equal('');
      expect(code).to.equal(0);
      const facts = JSON.parse(stdout) as Record<string, unknown>;
      expect(Object.entries(facts)[0]).to.deep.equal(['schema', 1]);
      for (const [field, value] of Object.entries(json)) {
        expect(facts).to.have.nested.property(field, value);
      }
    });
  }

  for (const [command, expected, message] of FAILURES) {
    it(`${command} exits with ${String(expected)} and one line on stderr`, async () => {
      const { code, stdout, stderr } = await run(command);
      expect(code).to.equal(expected);
      expect(stdout).to.equal('');
      expect(stderr)
        .to.match(message)
        .and.to.match(/^overlay: [^\n]*\n$/);
    });
  }

  it('shows where it failed with OVERLAY_LOG=debug, and only then', async () => {
    expect((await run('whois nobody')).stderr).to.not.match(/^ +at /m);
    const { stderr } = await run('whois nobody', { env: { OVERLAY_LOG: 'debug' } });
    expect(stderr).to.match(/^ +at /m);
  });

  it('passes all of an invite on', async () => {
    const flags = '--name nas --ip 10.77.0.5 --scheduler replicate --interfaces eth0,wlan0';
    await run(`invite ${flags} --uses unlimited --expires never --role inviter --role relay`);
    expect(JSON.parse(control.calls[0]?.slice('invite '.length) ?? '')).to.deep.equal({
      name: 'nas',
      address4: '10.77.0.5',
      scheduler: 'replicate',
      interfaces: ['eth0', 'wlan0'],
      uses: 0,
      expiresInMs: 0,
      roles: ['inviter', 'relay'],
    });
  });

  it('makes an invite for one machine and one day by default', async () => {
    await run('invite');
    expect(control.calls).to.deep.equal(['invite {"uses":1,"expiresInMs":86400000,"roles":[]}']);
  });

  it('ping fails when nothing comes back', async () => {
    control.pingVia = null;
    const { code, stdout } = await run('ping nas -c 2 --interval 10ms');
    expect(code).to.equal(1);
    expect(stdout).to.match(/^no answer from nas: seq=1\n.*\n2 sent, 0 received, 100 % lost\n$/);
    const json = await run('ping nas -c 1 --json');
    expect(json.code).to.equal(1);
    expect(JSON.parse(json.stdout)).to.include({ received: 0, rttMs: null, via: null });
  });

  it('ping names the relay', async () => {
    control.pingVia = 'relay';
    control.members = () => [
      { ...new FakeControl().members()[0], peerId: HUB, name: 'hub' } as never,
    ];
    const { stdout } = await run('ping nas -c 1');
    expect(stdout).to.contain('time=0.30 ms relay via hub tcp\n');
  });

  it('ping --until-direct ends at the first direct reply', async () => {
    control.pingVia = 'relay';
    const { code, stdout } = await run('ping nas --until-direct --interval 10ms --json');
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ sent: 3, via: 'direct' });
    const limited = await run('ping nas --until-direct -c 2 --interval 10ms --json');
    expect(limited.code).to.equal(1);
    expect(JSON.parse(limited.stdout)).to.include({ sent: 2, via: 'relay' });
  });

  it('ping sums up on Ctrl-C', async () => {
    let interrupted = false;
    const { code, stdout } = await run('ping nas -c 1000 --interval 50ms', {
      onStdout: (text, interrupt) => {
        if (interrupted || !text.includes('seq=2')) return;
        interrupted = true;
        interrupt();
      },
    });
    expect(code).to.equal(0);
    expect(stdout).to.match(/\n\d+ sent, \d+ received, 0 % lost, time [^\n]*\n$/);
    expect(stdout.split('\n').length).to.be.lessThan(50);
  });

  it('wait returns as soon as the node is ready', async () => {
    control.waitFor('no address yet');
    const waiting = run('wait');
    while (control.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    control.waitFor('no peer yet');
    control.waitFor(null);
    expect((await waiting).code).to.equal(0);
  });

  it('wait exits with 4 when time is up, saying what is missing', async () => {
    control.waitFor('no address yet');
    const { code, stdout, stderr } = await run('wait --timeout 1s --json');
    expect(code).to.equal(4);
    expect(stderr).to.equal('overlay: not ready after 1 s: no address yet\n');
    expect(JSON.parse(stdout)).to.include({ ready: false, waitingFor: 'no address yet' });
  });

  it('wait exits with 3 when the node stops', async () => {
    control.waitFor('no address yet');
    const waiting = run('wait');
    while (control.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await server.close();
    expect((await waiting).code).to.equal(3);
  });

  it('wait --timeout sees a node that starts meanwhile', async () => {
    await server.close();
    const waiting = run('wait --timeout 10s');
    await new Promise((resolve) => setTimeout(resolve, 500));
    server = await startAdmin(path(), control, silentLogger);
    expect((await waiting).code).to.equal(0);
  });

  it('down waits until the socket is gone', async () => {
    let closedAtMs = 0;
    control.onStop = () => {
      setTimeout(() => {
        closedAtMs = performance.now();
        void server.close();
      }, 300);
    };
    expect((await run('down')).code).to.equal(0);
    expect(closedAtMs).to.be.greaterThan(0);
    expect(readdirSync(folder())).to.deep.equal([]);
    expect((await run('status')).code).to.equal(3);
  });

  it('leave asks the node to leave before it stops', async () => {
    expect((await run('leave')).code).to.equal(0);
    expect(control.calls).to.deep.equal(['leave', 'stop']);
  });

  it('serves several at once', async () => {
    const runs = await Promise.all(Array.from({ length: 4 }, () => run('status --json')));
    for (const { code } of runs) expect(code).to.equal(0);
  });
});

describe('the admin socket and broken clients', function () {
  this.timeout(20_000);
  const folder = temporaryFolder();
  const path = (): string => join(folder(), 'admin.sock');
  const sockets: Socket[] = [];
  let server: AdminServer;

  beforeEach(async () => {
    server = await startAdmin(path(), new FakeControl(), silentLogger);
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.close();
  });

  /** What comes back until the server ends the connection. */
  function exchange(bytes: string | Buffer): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(path());
      let answer = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        answer += text;
      });
      socket
        .on('error', () => undefined)
        .on('close', () => {
          resolve(answer);
        });
      socket.end(bytes);
    });
  }

  function idle(bytes = ''): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = connect(path());
      sockets.push(socket);
      socket.on('error', () => undefined).resume();
      socket.once('connect', () => {
        socket.write(bytes);
        resolve(socket);
      });
    });
  }

  async function expectAlive(): Promise<void> {
    expect((await new AdminClient(path()).call('status', {})).name).to.equal('laptop');
  }

  function post(verb: string, body: string, type = 'application/json'): Promise<string> {
    const length = String(Buffer.byteLength(body));
    return exchange(
      `POST /v1/${verb} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n` +
        `content-type: ${type}\r\ncontent-length: ${length}\r\n\r\n${body}`,
    );
  }

  const refused: readonly (readonly [string, () => Promise<string>, number, string])[] = [
    ['malformed JSON', () => post('whois', '{"query":'), 400, 'bad-json'],
    ['a JSON array', () => post('whois', '[]'), 400, 'bad-request'],
    ['a wrong field', () => post('whois', '{"query":5}'), 400, 'bad-request'],
    ['another content type', () => post('whois', '{"query":"nas"}', 'text/plain'), 415, 'bad-type'],
    ['an unknown verb', () => post('frobnicate', '{}'), 404, 'unknown-verb'],
    ['an inherited name', () => post('constructor', '{}'), 404, 'unknown-verb'],
    ['a path trick', () => post('../v1/status', '{}'), 404, 'unknown-verb'],
    ['a huge body', () => post('status', ' '.repeat(REQUEST_BYTES_MAX + 1)), 413, 'too-large'],
    [
      'another method',
      () => exchange('GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
      405,
      'bad-method',
    ],
  ];
  for (const [what, send, status, code] of refused) {
    it(`answers ${what} with ${String(status)} ${code}`, async () => {
      const answer = await send();
      expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${String(status)} `));
      const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as object;
      expect(body).to.have.nested.property('error.code', code);
      expect(body).to.have.nested.property('error.message').that.is.a('string');
      await expectAlive();
    });
  }

  it('serves a request without a body', async () => {
    const answer = await exchange(
      'POST /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
    );
    expect(answer)
      .to.match(/^HTTP\/1\.1 200 /)
      .and.to.contain('"schema":1');
  });

  it('survives random bytes', async () => {
    for (let round = 0; round < 100; round++) {
      const seed = createHash('sha512').update(String(round)).digest();
      const bytes = Buffer.concat(Array.from({ length: 1 + (round % 40) }, () => seed));
      // Some begin like HTTP, so that the parser gets further.
      const start = round % 3 === 0 ? 'POST /v1/status HTTP/1.1\r\n' : '';
      const answer = await exchange(Buffer.concat([Buffer.from(start), bytes]));
      expect(answer).to.match(/^$|^HTTP\/1\.1 4\d\d /);
    }
    await expectAlive();
  });

  it('survives requests that end early', async () => {
    const whole =
      'POST /v1/status HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{';
    for (let length = 0; length <= whole.length; length += 3)
      await exchange(whole.slice(0, length));
    await expectAlive();
  });

  it('survives a body that never ends', async () => {
    const socket = await idle(
      'POST /v1/status HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
    const flood = setInterval(() => socket.write(chunk), 1);
    await closed;
    clearInterval(flood);
    await expectAlive();
  });

  it('serves on beside 100 idle connections, and cuts them off', async () => {
    const opened = await Promise.all(Array.from({ length: 100 }, () => idle()));
    opened.push(...(await Promise.all(Array.from({ length: 20 }, () => idle('POST /v1/sta')))));
    await expectAlive();
    expect((await overlay(folder(), ['status'])).code).to.equal(0);
    const closed = opened.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const startMs = performance.now();
    await Promise.all(closed);
    expect(performance.now() - startMs).to.be.lessThan(HEADERS_TIMEOUT_MS + 5_000);
  });

  it('is back at once after more connections than it takes', async () => {
    const opened = await Promise.all(Array.from({ length: CONNECTIONS_MAX + 50 }, () => idle()));
    for (const socket of opened) socket.destroy();
    let alive = false;
    for (let attempt = 0; attempt < 50 && !alive; attempt++) {
      alive = await expectAlive().then(
        () => true,
        () => false,
      );
    }
    expect(alive).to.equal(true);
  });

  it('serves others, and can close, beside a client that does not read its stream', async () => {
    const socket = connect(path());
    sockets.push(socket);
    socket.on('error', () => undefined).pause();
    const body = JSON.stringify({
      query: 'nas',
      count: 0,
      intervalMs: 10,
      timeoutMs: 10,
      untilDirect: false,
    });
    const head = `POST /v1/ping HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${String(body.length)}\r\n\r\n`;
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.write(head + body);
    // Others are served meanwhile, and closing does not wait for it.
    await expectAlive();
    await server.close();
  });
});
