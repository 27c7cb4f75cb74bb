/**
 * Opens a network device and sends every packet back to where it came from, with source and
 * destination changed places. Whoever pings any address behind the device gets the system's own
 * answer, and a TCP connection to there arrives at this machine's own listener.
 *
 *   node device-child.js '{"name": null, "mtu": 1420, "offloads": true}'
 *
 * Takes one {@link Command} a line and answers each with one line of JSON that has `event`.
 */
import { createHash, randomBytes, type Hash } from 'node:crypto';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { DeviceAddress, Logger, Packet } from '../../overlay/ports.js';
import { hasCode } from '../../overlay/base/errors.js';
import { libc } from '../../src/io/linux/libc.js';
import { listRoutes } from '../../src/io/linux/routes.js';
import { openTun } from '../../src/io/linux/tun.js';

export interface ChildOptions {
  readonly name: string | null;
  readonly mtu: number;
  readonly offloads: boolean;
  /** Become this user first. */
  readonly uid?: number;
}

export type Command =
  | { readonly do: 'configure'; readonly addresses: readonly DeviceAddress[] }
  /** Sends this many bytes by TCP from `local` to `remote`, which is behind the device. */
  | { readonly do: 'transfer'; local: string; remote: string; bytes: number }
  | { readonly do: 'facts' }
  /** Sends a packet that the kernel must refuse, and a good one. */
  | { readonly do: 'refused' }
  | { readonly do: 'close' }
  | { readonly do: 'exit' };

function say(event: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

const log =
  (level: string): Logger['info'] =>
  (message) => {
    say('log', { level, message });
  };
const logger: Logger = {
  debug: log('debug'),
  info: log('info'),
  warn: log('warn'),
  error: log('error'),
};

const CHUNK_BYTES = 1 << 16;

async function transfer(local: string, remote: string, bytes: number): Promise<object> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, local);
  await new Promise((resolve) => server.once('listening', resolve));
  const received = createHash('sha256');
  const arrived = new Promise<void>((resolve, reject) => {
    server.once('connection', (socket) => {
      pipeline(socket, received).then(() => {
        socket.end();
        resolve();
      }, reject);
    });
  });
  const { port } = server.address() as AddressInfo;
  const sent = createHash('sha256');
  const client = createConnection({ host: remote, port });
  await pipeline(blocks(bytes, sent), client);
  await arrived;
  server.close();
  return { sent: sent.digest('hex'), received: received.digest('hex') };
}

function* blocks(bytes: number, hash: Hash): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    const block = randomBytes(Math.min(left, CHUNK_BYTES));
    hash.update(block);
    yield block;
  }
}

/** The checksums stay right: both addresses are summed up, in whatever order. */
function turnRound({ bytes }: Packet): void {
  const [source, length] = (bytes[0] ?? 0) >> 4 === 4 ? [12, 4] : [8, 16];
  const saved = bytes.slice(source, source + length);
  bytes.copyWithin(source, source + length, source + 2 * length);
  bytes.set(saved, source + length);
}

const options = JSON.parse(process.argv[2] ?? '') as ChildOptions;
if (options.uid !== undefined) {
  // Loaded while files can be read for sure; what is tested is the right to make a device.
  libc();
  process.setgroups?.([]);
  process.setgid?.(options.uid);
  process.setuid?.(options.uid);
}

try {
  const device = await openTun({ ...options, logger });
  const seen = { packets: 0, superPackets: 0, openChecksums: 0, largestBytes: 0 };
  device.listen((batch) => {
    for (const packet of batch) {
      seen.packets++;
      seen.largestBytes = Math.max(seen.largestBytes, packet.bytes.length);
      if (packet.offload !== null) seen.openChecksums++;
      if ((packet.offload?.gsoType ?? 0) !== 0) seen.superPackets++;
      turnRound(packet);
    }
    const taken = device.write(batch);
    if (taken !== batch.length) say('short', { taken, of: batch.length });
  });
  const input = createInterface({ input: process.stdin });

  const act = async (command: Command): Promise<object> => {
    switch (command.do) {
      case 'configure':
        await device.configure(command.addresses);
        return {};
      case 'transfer':
        return transfer(command.local, command.remote, command.bytes);
      case 'facts':
        return { seen, drops: device.drops(), routes: listRoutes() };
      case 'refused': {
        const broken = { bytes: new Uint8Array(40), offload: null };
        const good = { bytes: new Uint8Array(40).fill(0x45, 0, 1), offload: null };
        return { taken: device.write([broken, good]), drops: device.drops() };
      }
      case 'close':
        // Twice, since shutting down has many triggers. Then nothing may keep the process alive.
        await Promise.all([device.close(), device.close()]);
        input.close();
        process.stdin.destroy();
        return { written: device.write([{ bytes: new Uint8Array(40), offload: null }]) };
      case 'exit':
        process.exit(3);
    }
  };
  input.on('line', (line) => {
    act(JSON.parse(line) as Command).then(
      (fields) => {
        say('done', fields);
      },
      (error: unknown) => {
        say('failed', { message: String(error), code: hasCode(error) ? error.code : null });
      },
    );
  });
  say('open', { name: device.name, mtu: device.mtu });
} catch (error) {
  say('failed', { message: String(error), code: hasCode(error) ? error.code : null });
}
