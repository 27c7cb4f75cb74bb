/** Contract of datagram sockets: runs arrive as they were sent, and what does not leave is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SendBatch } from '../../overlay/batch/send-batch.js';
import type {
  DataSocketOptions,
  DatagramTransport,
  Endpoint,
} from '../../overlay/link/data-plane.js';
import { DATAGRAM_OVERHEAD_BYTES } from '../../overlay/wire/datagram.js';
import type { BatchIo, DatagramSocket } from '../../src/dataplane/batch-io.js';
import { Received } from '../../src/dataplane/received.js';
import { SLAB_BYTES, Slabs } from '../../src/dataplane/slabs.js';
import { codeOf } from './world.js';

const BATCH_BYTES = 1 << 20;
const SLABS = 40;
const BURST = 64;
const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;
const ELSEWHERE = { 4: '127.0.0.2', 6: '::2' } as const;
/** At the start of every datagram: raw sockets also see those of other processes. */
const TAG = process.pid;
const TAG_BYTES = 4;
/** Longer than any datagram of IP. */
const TOO_BIG = 66_000;
const ROUNDS_MAX = 300;

export function datagramContract(create: () => BatchIo, transport: DatagramTransport): void {
  let io: BatchIo;
  let slabs: Slabs;
  let batch: SendBatch;
  const received = new Received();
  const sockets: DatagramSocket[] = [];

  beforeEach(() => {
    io = create();
    slabs = new Slabs(io.region(SLABS * SLAB_BYTES), SLABS);
    batch = new SendBatch(io.memory, io.region(BATCH_BYTES), BATCH_BYTES, 1024);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  async function open(
    family: 4 | 6,
    options: Partial<DataSocketOptions> = {},
  ): Promise<DatagramSocket> {
    const anywhere = { transport, family, port: 0, device: null, address: null };
    const socket = await io.socket({ ...anywhere, ...options });
    sockets.push(socket);
    return socket;
  }

  const pair = async (family: 4 | 6): Promise<readonly [DatagramSocket, DatagramSocket]> => [
    await open(family),
    await open(family),
  ];

  const endpointOf = (family: 4 | 6, { port }: DatagramSocket): Endpoint => ({
    address: LOOPBACK[family],
    port,
  });

  function fill(sizes: readonly number[]): void {
    batch.clear();
    for (const [index, size] of sizes.entries()) {
      batch.place(size - DATAGRAM_OVERHEAD_BYTES, false);
      const at = batch.offsets[index] ?? 0;
      io.memory.bytes.fill(index & 0xff, at, at + size);
      io.memory.view.setUint32(at, TAG);
    }
  }

  /** Sends a part of the batch, with as many attempts as full buffers ask for. */
  async function sendAll(
    from: DatagramSocket,
    first: number,
    count: number,
    to: Endpoint,
  ): Promise<void> {
    for (let sent = 0; sent < count;) {
      sent += from.send(batch, first + sent, count - sent, to);
      if (sent < count) await sleep(1);
    }
  }

  /** What became of all that was sent, which a back end may tell a call later. */
  async function outcome(
    socket: DatagramSocket,
    to: Endpoint,
  ): Promise<{ failure: string | null; tooBig: number }> {
    for (let round = 0; round < ROUNDS_MAX && socket.failure === null; round++) {
      await sleep(1);
      socket.send(batch, 0, 0, to);
    }
    const { failure, tooBig } = socket;
    return { failure, tooBig };
  }

  async function collect(socket: DatagramSocket, wanted: number): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (let round = 0; round < ROUNDS_MAX && found.length < wanted; round++) {
      socket.receive(slabs, received);
      for (let index = 0; index < received.count; index++) {
        const at = received.offsets[index] ?? 0;
        const end = at + (received.lengths[index] ?? 0);
        if (io.memory.view.getUint32(at) === TAG) {
          found.push(Buffer.from(io.memory.bytes.subarray(at, end)));
        }
        const next = index + 1 < received.count ? received.messages[index + 1] : -1;
        if (received.messages[index] !== next) slabs.release(at);
      }
      if (received.count === 0) await sleep(2);
    }
    return found;
  }

  const lengthsOf = (datagrams: readonly Buffer[]): number[] =>
    datagrams.map(({ length }) => length);

  /** Waits for something, and leaves its slabs in use. */
  async function receiveSome(socket: DatagramSocket): Promise<number> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      socket.receive(slabs, received);
      if (received.count > 0) return received.messages[0] ?? 0;
      await sleep(2);
    }
    return expect.fail('nothing arrived');
  }

  for (const family of [4, 6] as const) {
    describe(`over IPv${String(family)}`, () => {
      it('carries runs of equal and of different datagrams', async () => {
        const [from, to] = await pair(family);
        const there = endpointOf(family, to);
        for (const sizes of [
          [100],
          Array.from({ length: 200 }, () => 1456),
          [1456, 1456, 300, 1456, 1456, 1456, 60, 61, 62, 9_000, 9_000],
          Array.from({ length: 100 }, (_, index) => 60 + ((index * 37) % 900)),
        ]) {
          fill(sizes);
          const found: Buffer[] = [];
          // The kernel's own buffer, which every back end starts with, holds about 90 of them.
          for (let first = 0; first < sizes.length; first += BURST) {
            const count = Math.min(BURST, sizes.length - first);
            await sendAll(from, first, count, there);
            expect(from).to.include({ failure: null, tooBig: 0 });
            found.push(...(await collect(to, count)));
          }
          expect(lengthsOf(found)).to.deep.equal(sizes);
          for (const [index, datagram] of found.entries()) {
            const content = datagram.subarray(TAG_BYTES);
            expect(content.every((byte) => byte === (index & 0xff))).to.equal(true);
          }
        }
        expect(slabs.freeCount).to.equal(SLABS);
      });

      it('tells who a message came from', async () => {
        const [from, to] = await pair(family);
        fill([100, 200, 300, 400]);
        expect(from.send(batch, 1, 2, endpointOf(family, to))).to.equal(2);
        const message = await receiveSome(to);
        const source = endpointOf(family, from);
        expect(to.sourceOf(message)).to.deep.equal(source);
        expect(to.isFrom(message, source)).to.equal(true);
        expect(to.isFrom(message, { ...source })).to.equal(true);
        expect(to.isFrom(message, { ...source, port: source.port ^ 1 })).to.equal(false);
        expect(to.isFrom(message, { ...source, port: source.port ^ 256 })).to.equal(false);
        const elsewhere = { ...source, address: ELSEWHERE[family] };
        expect(to.isFrom(message, elsewhere)).to.equal(false);
      });

      it('passes over what is too big, and nothing else', async () => {
        const [from, to] = await pair(family);
        const there = endpointOf(family, to);
        fill([1000, 1000, TOO_BIG, 1000, TOO_BIG, TOO_BIG, 900]);
        await sendAll(from, 0, batch.count, there);
        expect(await outcome(from, there)).to.deep.equal({ failure: 'EMSGSIZE', tooBig: 3 });
        expect(lengthsOf(await collect(to, 4))).to.deep.equal([1000, 1000, 1000, 900]);
        // The tale of one send is not told again by the next.
        await sendAll(from, 0, 1, there);
        expect(from).to.include({ failure: null, tooBig: 0 });
      });
    });
  }

  it('leaves what it has no slab for until there is one', async () => {
    const [from, to] = await pair(4);
    fill([500, 400]);
    await sendAll(from, 0, 2, endpointOf(4, to));
    const taken = Array.from({ length: SLABS }, () => slabs.take());
    await sleep(20);
    to.receive(slabs, received);
    expect(received.count).to.equal(0);
    for (const slab of taken) slabs.release(slab);
    expect(lengthsOf(await collect(to, 2))).to.deep.equal([500, 400]);
  });

  it('names what is wrong with a destination, and goes on with the others', async () => {
    const [from, to] = await pair(4);
    fill([100, 100, 300, 200, 200]);
    const wrong = { address: '255.255.255.255', port: to.port };
    await sendAll(from, 0, batch.count, wrong);
    expect(await outcome(from, wrong)).to.deep.equal({ failure: 'EACCES', tooBig: 0 });
    await sendAll(from, 0, batch.count, endpointOf(4, to));
    expect(from.failure).to.equal(null);
    expect(lengthsOf(await collect(to, 5))).to.deep.equal([100, 100, 300, 200, 200]);
  });

  it('binds to an interface', async () => {
    const lo = { device: 'lo', address: LOOPBACK[4] };
    const [from, to] = [await open(4, lo), await open(4, lo)];
    fill([100]);
    await sendAll(from, 0, 1, endpointOf(4, to));
    expect(lengthsOf(await collect(to, 1))).to.deep.equal([100]);
  });

  it('refuses an interface that is not there', async () => {
    for (const device of ['none-such', 'x'.repeat(100), '']) {
      expect(await codeOf(open(4, { device }))).to.equal('cannot-open');
    }
  });

  it('says that it is closed', async () => {
    const [from, to] = await pair(4);
    fill([100, 200]);
    from.close();
    from.close();
    expect(from.send(batch, 0, 2, endpointOf(4, to))).to.equal(2);
    expect(from.failure).to.equal('EBADF');
  });
}
