/**
 * A tunnel of the batch back end and nothing else: one device, one socket, fixed keys. It shows what
 * the back end can do before schedulers and sessions take their share, and that it carries bytes right.
 *
 *   node batch-tunnel.js <json of BatchTunnelOptions>
 *
 * Prints `ready`, and its counters as JSON when it is ended by SIGTERM.
 */
import { ReceiveBatch } from '../../../overlay/batch/receive-batch.js';
import { SendBatch } from '../../../overlay/batch/send-batch.js';
import { split } from '../../../overlay/batch/split.js';
import {
  BODY_OFFSET,
  DATAGRAM_OVERHEAD_BYTES,
  FLAGS_OFFSET,
  FLAG_CHECKSUM_OPEN,
} from '../../../overlay/wire/datagram.js';
import { SESSION_KEY_BYTES, type CipherName } from '../../../overlay/link/session/key-exchange.js';
import { NativeIo } from '../../../src/dataplane/native/native-io.js';
import { Poller } from '../../../src/dataplane/native/poller.js';
import { Received } from '../../../src/dataplane/received.js';
import { SLAB_BYTES, Slabs } from '../../../src/dataplane/slabs.js';
import { libc } from '../../../src/io/linux/libc.js';
import { createTun } from '../../../src/io/linux/tun-open.js';
import { command } from './command.js';

export interface BatchTunnelOptions {
  readonly device: string;
  /** Addresses of the device with prefix lengths. */
  readonly addresses: readonly string[];
  /** IPv4 address of the other end; both use the same port. */
  readonly remote: string;
  readonly port: number;
  readonly cipher: CipherName;
  /** The two ends have different ones. */
  readonly side: 0 | 1;
}

export interface BatchTunnelCounters {
  readonly sent: number;
  readonly notSent: number;
  readonly received: number;
  readonly forged: number;
  readonly malformed: number;
  readonly refused: number;
}

const ARENA_BYTES = 16 << 20;
const BATCH_BYTES = 1 << 20;
const PACKETS_MAX = 2048;
const SLABS = 64;
/** Super-packets read before what they became is sent. */
const READS_MAX = 4;
const MTU_BYTES = 1420;
/** A super-packet then fits one message, headers included. */
const GSO_BYTES_MAX = 61_500;
const TUN_TAG = 1;
const UDP_TAG = 2;
/** Signals are seen between two waits. */
const WAIT_US = 200_000;

const options = JSON.parse(process.argv[2] ?? '{}') as BatchTunnelOptions;
const io = new NativeIo(ARENA_BYTES);
const slabs = new Slabs(io.region(SLABS * SLAB_BYTES), SLABS);
const outgoing = new SendBatch(io.memory, io.region(BATCH_BYTES), BATCH_BYTES, PACKETS_MAX);
const incoming = new ReceiveBatch(io.memory, PACKETS_MAX);
const received = new Received();
const { view } = io.memory;

const tun = createTun(libc(), options.device, true);
for (const address of options.addresses) {
  command('ip', ['addr', 'add', address, 'dev', options.device, 'nodad']);
}
const sizes = ['mtu', String(MTU_BYTES), 'gso_max_size', String(GSO_BYTES_MAX)];
command('ip', ['link', 'set', options.device, ...sizes, 'up']);

const queue = io.tunQueue(tun.fd, true);
const { port } = options;
const socket = await io.socket({
  transport: 'udp',
  family: 4,
  port,
  ...{ device: null, address: null },
});
const keys = [1, 2].map((fill) => new Uint8Array(SESSION_KEY_BYTES).fill(fill)) as [
  Uint8Array,
  Uint8Array,
];
const sealer = io.sealer(options.cipher, keys[options.side]);
const opener = io.opener(options.cipher, keys[options.side === 0 ? 1 : 0]);
const remote = { address: options.remote, port };
const poller = new Poller(io.calls, io.arena);
poller.add(tun.fd, TUN_TAG);
poller.add(socket.fd, UDP_TAG);

let packetNumber = 0;
let sent = 0;
let arrived = 0;
let forged = 0;
let malformed = 0;

function forward(): void {
  outgoing.clear();
  for (let reads = 0; reads < READS_MAX; reads++) {
    const bytes = queue.readPacket();
    if (bytes === 0) break;
    // The batch has room for as many super-packets as are read.
    if (split(outgoing, queue.packetAt, bytes) !== 'taken') malformed += 1;
  }
  const count = outgoing.count;
  if (count === 0) return;
  sealer.seal(outgoing, 0, count, 1, packetNumber);
  packetNumber += count;
  sent += socket.send(outgoing, 0, count, remote);
}

function deliver(): void {
  socket.receive(slabs, received);
  incoming.clear();
  for (let index = 0; index < received.count; index++) {
    const at = received.offsets[index] ?? 0;
    const bytes = received.lengths[index] ?? 0;
    if (!opener.open(at, bytes)) forged += 1;
    else {
      const open = (view.getUint8(at + FLAGS_OFFSET) & FLAG_CHECKSUM_OPEN) !== 0;
      incoming.push(at + BODY_OFFSET, bytes - DATAGRAM_OVERHEAD_BYTES, open);
    }
  }
  arrived += incoming.count;
  queue.write(incoming);
  for (let index = 0; index < received.count; index++) {
    const isLast = received.messages[index] !== received.messages[index + 1];
    if (isLast || index === received.count - 1) slabs.release(received.offsets[index] ?? 0);
  }
}

function turn(): void {
  const endMs = performance.now() + WAIT_US / 1000;
  while (performance.now() < endMs) {
    const ready = poller.wait(WAIT_US);
    for (let index = 0; index < ready.count; index++) {
      if (ready.tags[index] === TUN_TAG) forward();
      else deliver();
    }
  }
  setImmediate(turn);
}

process.on('SIGTERM', () => {
  const { refused } = queue;
  const notSent = packetNumber - sent;
  const counters: BatchTunnelCounters = {
    ...{ sent, notSent, received: arrived, forged, malformed, refused },
  };
  process.stdout.write(`${JSON.stringify(counters)}\n`, () => process.exit(0));
});
process.stdout.write('ready\n');
turn();
