/**
 * Goal: datagrams of both transports pass between hosts over both families, whole or not at all, and
 * what does not leave is told without holding up the rest.
 * Method: bare sockets of the batch back end on hosts whose line behind the router takes less than a's.
 *
 *   a ---- switch near (MTU 1500) ---- router ---- switch far (MTU 1400) ---- b
 *           c on it, too
 */
import { expect } from 'chai';
import type { DatagramTransport, Endpoint } from '../../overlay/link/data-plane.js';
import { commandIn } from './lab/command.js';
import type { ArrivedFacts, DatagramsOptions, SentFacts } from './lab/datagrams.js';
import type { Host } from './lab/host.js';
import type { Lab } from './lab/lab.js';
import type { Program } from './lab/program.js';
import { eventually, withLab } from './lab/scenario.js';
import { scriptArgs } from './lab/scripts.js';

const PORT = 5000;
const MTU_BYTES = 1500;
const FAR_MTU_BYTES = 1400;
const HEADER_BYTES = { udp: { 4: 28, 6: 48 }, raw: { 4: 20, 6: 40 } } as const;
const KINDS = (['udp', 'raw'] as const).flatMap((transport) =>
  ([4, 6] as const).map((family) => ({ transport, family })),
);
const A = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;
const B = { 4: '198.51.100.2', 6: '2001:db8:1::2' } as const;
const C = { 4: '192.0.2.3', 6: '2001:db8::3' } as const;
const WAIT_MS = 5_000;
const FOR_EVER = 1e9;
const PAUSE_MS = 50;

interface Kind {
  readonly transport: DatagramTransport;
  readonly family: 4 | 6;
}

interface Hosts {
  readonly a: Host;
  readonly b: Host;
  readonly c: Host;
}

const NOTHING = { failure: null, tooBig: 0 };

const nameOf = ({ transport, family }: Kind): string => `${transport} over IPv${String(family)}`;

const endpointOf =
  ({ transport }: Kind) =>
  (address: string): Endpoint => ({ address, port: transport === 'raw' ? 0 : PORT });

describe('datagrams of the batch back end', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hosts: Hosts;

  withLab((created) => {
    lab = created;
    hosts = build(lab, '');
    return Promise.resolve();
  });

  for (const kind of KINDS) {
    describe(nameOf(kind), () => {
      const largest = MTU_BYTES - HEADER_BYTES[kind.transport][kind.family];

      it('pass to the next host, up to the MTU; longer ones are told, whatever is around them', async () => {
        const sizes = [largest, largest, largest + 1, largest + 1, 300, 200, 9_000, largest];
        const receiver = await start(hosts.c, kind, { to: [], sizes: [] });
        const [sent] = await sendTo(hosts.a, kind, C, sizes);
        const whole = { to: C[kind.family], taken: sizes.length };
        expect(sent).to.deep.equal({ ...whole, tooBig: 3, failure: 'EMSGSIZE' });
        const expected = sizes.filter((size) => size <= largest);
        await eventually('all that is not too long', WAIT_MS, () => {
          expect(arrivedOn(receiver).map(({ bytes }) => bytes)).to.deep.equal(expected);
        });
        for (const { from } of arrivedOn(receiver)) {
          expect(from.address).to.equal(A[kind.family]);
          expect(from.port === 0).to.equal(kind.transport === 'raw');
        }
        await receiver.stop();
      });

      it('are never in fragments, and are not held back by what the kernel knows of a path', async () => {
        const receiver = await start(hosts.b, kind, { to: [], sizes: [] });
        const fits = largest - (MTU_BYTES - FAR_MTU_BYTES);
        const sizes = [largest, fits + 1, fits];
        // The router says each time that the first two are too long, and the kernel believes it.
        const rounds = 3;
        const sent = await sendTo(hosts.a, kind, B, sizes, rounds);
        const all = { to: B[kind.family], taken: sizes.length, tooBig: 0, failure: null };
        expect(sent).to.deep.equal([all, all, all]);
        await eventually('what fits', WAIT_MS, () => {
          const bytes = arrivedOn(receiver).map((arrived) => arrived.bytes);
          expect(bytes).to.deep.equal([fits, fits, fits]);
        });
        const learnt = hosts.a.ip('route', 'get', B[kind.family]);
        expect(learnt).to.contain(`mtu ${String(FAR_MTU_BYTES)}`);
        await receiver.stop();
      });

      it('reach the others when a firewall or a missing route stops those to one', async () => {
        const family = kind.family === 4 ? 'ip' : 'ip6';
        nft(hosts.a, [
          'table inet stop {',
          `chain out { type filter hook output priority 0; ${family} daddr ${C[kind.family]} drop; }`,
          '}',
        ]);
        const nowhere = kind.family === 4 ? '203.0.113.9' : '2001:db8:9::9';
        const receiver = await start(hosts.b, kind, { to: [], sizes: [] });
        const to = [C[kind.family], nowhere, B[kind.family]];
        const sizes = [500, 500, 700];
        const sender = await start(hosts.a, kind, { to: to.map(endpointOf(kind)), sizes });
        await sender.waitFor(WAIT_MS);
        nft(hosts.a, ['delete table inet stop']);
        const sent = sentBy(sender);
        expect(sent.map(({ taken }) => taken)).to.deep.equal([3, 3, 3]);
        // Where IPv4 has no route, it looks for the host on the line of the interface.
        const missing = kind.family === 4 ? null : 'ENETUNREACH';
        expect(sent.map(({ failure }) => failure)).to.deep.equal(['EPERM', missing, null]);
        await eventually('those to b', WAIT_MS, () => {
          expect(arrivedOn(receiver).map(({ bytes }) => bytes)).to.deep.equal(sizes);
        });
        await receiver.stop();
      });

      it('wait for the caller when the line has no room', async () => {
        const tc = (...args: string[]): unknown => commandIn(hosts.a.netns, 'tc', args);
        const slow = ['tbf', 'rate', '1mbit', 'burst', '16kb', 'limit', '100mb'];
        tc('qdisc', 'add', 'dev', 'eth0', 'root', ...slow);
        const sizes = Array.from({ length: 1_000 }, () => 1_400);
        const rounds = 20;
        const sent = await sendTo(hosts.a, kind, C, sizes, rounds);
        tc('qdisc', 'del', 'dev', 'eth0', 'root');
        expect(sent[0]?.taken).to.equal(sizes.length);
        expect(sent.at(-1)?.taken).to.be.lessThan(sizes.length);
        for (const { failure, tooBig } of sent) expect({ failure, tooBig }).to.deep.equal(NOTHING);
      });
    });
  }

  for (const kind of KINDS) {
    it(`tell that their interface is gone, ${nameOf(kind)}`, async () => {
      const { a } = build(lab, `-${kind.transport}${String(kind.family)}`);
      const to = [endpointOf(kind)(C[kind.family])];
      const sender = await start(a, kind, { to, sizes: [500], rounds: FOR_EVER });
      await sender.match(/"failure":null/, WAIT_MS);
      a.ip('link', 'set', 'eth0', 'down');
      await sender.match(/"failure":"ENETUNREACH"/, WAIT_MS);
      a.ip('link', 'delete', 'eth0');
      await sender.match(/"failure":"ENODEV"/, WAIT_MS);
      await sender.stop();
    });
  }
});

function build(lab: Lab, suffix: string): Hosts {
  const [near, far] = [lab.switch(`near${suffix}`), lab.switch(`far${suffix}`)];
  const [a, b, c] = [lab.host(`a${suffix}`), lab.host(`b${suffix}`), lab.host(`c${suffix}`)];
  const router = lab.router(`router${suffix}`);
  a.connect(near, { v4: `${A[4]}/24`, v6: `${A[6]}/64` });
  c.connect(near, { v4: `${C[4]}/24`, v6: `${C[6]}/64` });
  b.connect(far, { v4: `${B[4]}/24`, v6: `${B[6]}/64` });
  router.connect(near, { v4: '192.0.2.9/24', v6: '2001:db8::9/64' });
  router.connect(far, { v4: '198.51.100.9/24', v6: '2001:db8:1::9/64' });
  router.ip('link', 'set', 'eth1', 'mtu', String(FAR_MTU_BYTES));
  a.ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.9');
  a.ip('-6', 'route', 'add', '2001:db8:1::/64', 'via', '2001:db8::9');
  return { a, b, c };
}

function nft(host: Host, lines: readonly string[]): void {
  commandIn(host.netns, 'nft', ['-f', '-'], `${lines.join('\n')}\n`);
}

/** Starts a socket bound to the only card of a host. */
async function start(
  host: Host,
  { transport, family }: Kind,
  options: Partial<DatagramsOptions>,
): Promise<Program> {
  const port = options.to?.length === 0 && transport === 'udp' ? PORT : 0;
  const all: DatagramsOptions = {
    ...{ to: [], sizes: [], rounds: 1, pauseMs: PAUSE_MS },
    ...options,
    socket: { transport, family, port, device: 'eth0', address: null },
  };
  const program = host.spawn(process.execPath, scriptArgs('datagrams', [JSON.stringify(all)]));
  await program.match(/^ready$/m, WAIT_MS);
  return program;
}

async function sendTo(
  host: Host,
  kind: Kind,
  address: Readonly<Record<4 | 6, string>>,
  sizes: readonly number[],
  rounds = 1,
): Promise<readonly SentFacts[]> {
  const to = [endpointOf(kind)(address[kind.family])];
  const sender = await start(host, kind, { to, sizes, rounds });
  await sender.waitFor(WAIT_MS);
  return sentBy(sender);
}

const arrivedOn = (receiver: Program): readonly ArrivedFacts[] =>
  linesOf(receiver).map((line) => JSON.parse(line) as ArrivedFacts);

const sentBy = (sender: Program): readonly SentFacts[] =>
  linesOf(sender).map((line) => JSON.parse(line) as SentFacts);

/** Whole lines after `ready`. */
const linesOf = (program: Program): readonly string[] => program.stdout.split('\n').slice(1, -1);
