/**
 * Goal: runs of datagrams arrive as they were sent, whatever the kernel puts together on the way, and
 * what does not leave is told. Method: sockets on loopback.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { SystemCallError } from '../../../../src/io/linux/libc.js';
import { SLAB_BYTES, Slabs } from '../../../../src/dataplane/native/slabs.js';
import { UdpSocket, makeReceived } from '../../../../src/dataplane/native/udp-socket.js';
import { nativeRig, type NativeRig } from '../../../support/native-rig.js';

const OVERHEAD_BYTES = 36;
const ADDRESSES = { 4: '7f000001', 6: `${'00'.repeat(15)}01` } as const;

describe('UDP in batches', () => {
  let rig: NativeRig;
  let slabs: Slabs;
  const sockets: UdpSocket[] = [];

  beforeEach(() => {
    rig = nativeRig();
    slabs = new Slabs(rig.arena, 40);
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  function open(family: 4 | 6, port: number, device: string | null = null): UdpSocket {
    const socket = new UdpSocket(rig.calls, rig.arena, rig.messages, { family, port, device });
    sockets.push(socket);
    return socket;
  }

  /** A `sockaddr` of loopback in the arena. */
  function nameOf(family: 4 | 6, port: number): readonly [number, number] {
    const at = rig.arena.region(32);
    const { bytes, view } = rig.arena.memory;
    view.setUint16(at, family === 4 ? 2 : 10, true);
    view.setUint16(at + 2, port);
    bytes.set(Buffer.from(ADDRESSES[family], 'hex'), at + (family === 4 ? 4 : 8));
    return [at, family === 4 ? 16 : 28];
  }

  function fill(sizes: readonly number[]): void {
    rig.batch.clear();
    for (const [index, size] of sizes.entries()) {
      rig.batch.place(size - OVERHEAD_BYTES, false);
      const at = rig.batch.offsets[index] ?? 0;
      rig.arena.memory.bytes.fill(index & 0xff, at, at + size);
    }
  }

  async function collect(socket: UdpSocket, wanted: number): Promise<Buffer[]> {
    const received = makeReceived();
    const found: Buffer[] = [];
    for (let round = 0; round < 200 && found.length < wanted; round++) {
      socket.receive(slabs, received);
      for (let index = 0; index < received.count; index++) {
        const at = received.offsets[index] ?? 0;
        const end = at + (received.lengths[index] ?? 0);
        found.push(Buffer.from(rig.arena.memory.bytes.subarray(at, end)));
        // One use for each slab, which holds one message.
        if (
          received.messages[index] !== received.messages[index + 1] ||
          index === received.count - 1
        )
          slabs.release(at);
      }
      if (received.count === 0) await sleep(2);
    }
    return found;
  }

  for (const family of [4, 6] as const) {
    it(`carries runs of equal and of different datagrams over IPv${String(family)}`, async () => {
      const port = 40_000 + (process.pid % 10_000) + family;
      const [from, to] = [open(family, 0), open(family, port)];
      const [name, nameBytes] = nameOf(family, port);
      for (const sizes of [
        [100],
        Array.from({ length: 200 }, () => 1456),
        [1456, 1456, 300, 1456, 1456, 1456, 60, 61, 62, 9_000, 9_000],
        Array.from({ length: 100 }, (_, index) => 60 + ((index * 37) % 900)),
      ]) {
        fill(sizes);
        expect(from.send(rig.batch, 0, sizes.length, name, nameBytes)).to.equal(sizes.length);
        const found = await collect(to, sizes.length);
        expect(found.map((datagram) => datagram.length)).to.deep.equal(sizes);
        for (const [index, datagram] of found.entries()) {
          expect(datagram.every((byte) => byte === (index & 0xff))).to.equal(true);
        }
      }
      expect(slabs.freeCount).to.equal(40);
    });
  }

  it('sends a part of a batch, and tells who a message came from', async () => {
    const port = 40_000 + (process.pid % 10_000) + 10;
    const [from, to] = [open(4, port + 1), open(4, port)];
    const [name, nameBytes] = nameOf(4, port);
    fill([100, 200, 300, 400]);
    expect(from.send(rig.batch, 1, 2, name, nameBytes)).to.equal(2);
    const received = makeReceived();
    for (let round = 0; round < 100 && received.count === 0; round++) {
      await sleep(2);
      to.receive(slabs, received);
    }
    const source = rig.messages.nameOffset(received.messages[0] ?? 0);
    expect(rig.arena.memory.view.getUint16(source + 2)).to.equal(port + 1);
  });

  it('is bound to an interface', async () => {
    if (process.getuid?.() !== 0) return;
    const port = 40_000 + (process.pid % 10_000) + 20;
    const [from, to] = [open(4, 0, 'lo'), open(4, port, 'lo')];
    const [name, nameBytes] = nameOf(4, port);
    fill([77]);
    expect(from.send(rig.batch, 0, 1, name, nameBytes)).to.equal(1);
    expect(await collect(to, 1)).to.have.length(1);
    expect(() => open(4, 0, 'none-such')).to.throw(SystemCallError, 'ENODEV');
  });

  it('says what did not leave, and why', () => {
    const socket = open(4, 0);
    const [name, nameBytes] = nameOf(4, 0);
    fill([100, 100]);
    expect(socket.send(rig.batch, 0, 2, name, nameBytes)).to.equal(0);
    expect(socket.lastErrno).to.be.greaterThan(0);
  });

  it('refuses a port that is taken', () => {
    const port = 40_000 + (process.pid % 10_000) + 30;
    open(4, port);
    expect(() => open(4, port)).to.throw(SystemCallError, 'EADDRINUSE');
  });

  it('leaves what it has no memory for to the kernel', async () => {
    const port = 40_000 + (process.pid % 10_000) + 40;
    const [from, to] = [open(4, 0), open(4, port)];
    const [name, nameBytes] = nameOf(4, port);
    fill([500, 400]);
    from.send(rig.batch, 0, 2, name, nameBytes);
    const taken = Array.from({ length: 40 }, () => slabs.take());
    const received = makeReceived();
    to.receive(slabs, received);
    expect(received.count).to.equal(0);
    for (const slab of taken) slabs.release(slab);
    expect((await collect(to, 2)).map((datagram) => datagram.length)).to.deep.equal([500, 400]);
  });
});

describe('slabs', () => {
  it('are free again after the last use, wherever in them it points', () => {
    const { arena } = nativeRig();
    const slabs = new Slabs(arena, 3);
    const [a, b] = [slabs.take(), slabs.take()];
    expect(Math.abs(a - b)).to.be.at.least(SLAB_BYTES);
    slabs.retain(a + 100);
    slabs.retain(a + SLAB_BYTES - 1);
    slabs.release(a);
    slabs.release(a + 5);
    expect(slabs.freeCount).to.equal(1);
    slabs.release(a + SLAB_BYTES - 1);
    slabs.release(b);
    expect(slabs.freeCount).to.equal(3);
  });
});
