/** Contract of datagram sockets: runs arrive as they were sent, and what does not leave is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SendBatch } from '../../overlay/batch/send-batch.js';
import { DATAGRAM_OVERHEAD_BYTES } from '../../overlay/wire/datagram.js';
import type { BatchIo, DatagramSocket, Endpoint } from '../../src/dataplane/batch-io.js';
import { Received } from '../../src/dataplane/received.js';
import { SLAB_BYTES, Slabs } from '../../src/dataplane/slabs.js';
import { codeOf } from './world.js';

const BATCH_BYTES = 1 << 20;
const SLABS = 40;
const BURST = 64;
const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;

export function datagramContract(create: () => BatchIo): void {
  let io: BatchIo;
  let slabs: Slabs;
  let batch: SendBatch;
  const sockets: DatagramSocket[] = [];

  beforeEach(() => {
    io = create();
    slabs = new Slabs(io.region(SLABS * SLAB_BYTES), SLABS);
    batch = new SendBatch(io.memory, io.region(BATCH_BYTES), BATCH_BYTES, 1024);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  async function open(family: 4 | 6, port = 0): Promise<DatagramSocket> {
    const socket = await io.socket({ family, port, device: null });
    sockets.push(socket);
    return socket;
  }

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
      expect(from.failure).to.equal(null);
      if (sent < count) await sleep(1);
    }
  }

  async function collect(socket: DatagramSocket, wanted: number): Promise<Buffer[]> {
    const received = new Received();
    const found: Buffer[] = [];
    for (let round = 0; round < 300 && found.length < wanted; round++) {
      socket.receive(slabs, received);
      for (let index = 0; index < received.count; index++) {
        const at = received.offsets[index] ?? 0;
        const end = at + (received.lengths[index] ?? 0);
        found.push(Buffer.from(io.memory.bytes.subarray(at, end)));
        const next = index + 1 < received.count ? received.messages[index + 1] : -1;
        if (received.messages[index] !== next) slabs.release(at);
      }
      if (received.count === 0) await sleep(2);
    }
    return found;
  }

  for (const family of [4, 6] as const) {
    it(`carries runs of equal and of different datagrams over IPv${String(family)}`, async () => {
      const [from, to] = [await open(family), await open(family)];
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
          await sendAll(from, first, count, endpointOf(family, to));
          found.push(...(await collect(to, count)));
        }
        expect(found.map((datagram) => datagram.length)).to.deep.equal(sizes);
        for (const [index, datagram] of found.entries()) {
          expect(datagram.every((byte) => byte === (index & 0xff))).to.equal(true);
        }
      }
      expect(slabs.freeCount).to.equal(SLABS);
    });

    it(`tells who a message of IPv${String(family)} came from`, async () => {
      const [from, to] = [await open(family), await open(family)];
      fill([100, 200, 300, 400]);
      expect(from.send(batch, 1, 2, endpointOf(family, to))).to.equal(2);
      const received = new Received();
      for (let round = 0; round < 100 && received.count === 0; round++) {
        await sleep(2);
        to.receive(slabs, received);
      }
      expect(to.sourceOf(received.messages[0] ?? 0)).to.deep.equal(endpointOf(family, from));
    });
  }

  it('leaves what it has no slab for until there is one', async () => {
    const [from, to] = [await open(4), await open(4)];
    fill([500, 400]);
    await sendAll(from, 0, 2, endpointOf(4, to));
    const taken = Array.from({ length: SLABS }, () => slabs.take());
    const received = new Received();
    await sleep(20);
    to.receive(slabs, received);
    expect(received.count).to.equal(0);
    for (const slab of taken) slabs.release(slab);
    expect((await collect(to, 2)).map((datagram) => datagram.length)).to.deep.equal([500, 400]);
  });

  it('names what is wrong with a destination', async () => {
    const socket = await open(4);
    fill([100]);
    socket.send(batch, 0, 1, { address: '255.255.255.255', port: 9 });
    for (let round = 0; round < 50 && socket.failure === null; round++) await sleep(2);
    expect(socket.failure).to.equal('EACCES');
  });

  it('refuses a port that is taken, and an interface that is not there', async () => {
    const { port } = await open(4);
    expect(port).to.be.greaterThan(0);
    expect(await codeOf(open(4, port))).to.equal('cannot-open');
    const nowhere = io.socket({ family: 4, port: 0, device: 'none-such' });
    expect(await codeOf(nowhere)).to.equal('cannot-open');
  });
}
