import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { TunReader } from '../../../../src/io/linux/tun-reader.js';
import { VNET_HEADER_BYTES } from '../../../../overlay/batch/split.js';
import type { Packet } from '../../../../overlay/ports.js';
import { EAGAIN, fakeLibc } from './fake-libc.js';

const FD = 3;
const EBADFD = 77;

/** A device whose packets come from `next`: bytes as the kernel would write them, or an errno. */
class FakeDevice {
  readonly gone: string[] = [];
  readonly batches: string[][] = [];
  waiting: (() => void) | null = null;
  reads = 0;
  next: () => Uint8Array | number = () => EAGAIN;
  readonly reader: TunReader;
  #arena: Uint8Array = new Uint8Array(0);

  constructor(offloads: boolean) {
    const libc = fakeLibc({
      // Addresses are offsets into the arena, from a base that is not 0.
      addressOf: (bytes) => {
        this.#arena = bytes;
        return 1000;
      },
      read: (_fd, address, length) => {
        this.reads++;
        const answer = this.next();
        if (typeof answer === 'number') return -answer;
        expect(address - 1000 + length).to.be.at.most(this.#arena.length);
        this.#arena.set(answer, address - 1000);
        return answer.length;
      },
    });
    const readiness = {
      wait: (woken: () => void) => {
        this.waiting = woken;
      },
      close: () => Promise.resolve(),
    };
    this.reader = new TunReader(libc, FD, readiness, offloads, (errno) => this.gone.push(errno));
  }

  listen(): void {
    this.reader.listen((batch) => this.batches.push(batch.map(textOf)));
  }

  wake(): void {
    const woken = this.waiting;
    this.waiting = null;
    woken?.();
  }
}

function textOf(packet: Packet): string {
  return Buffer.from(packet.bytes).toString('latin1');
}

function queueOf(...packets: (Uint8Array | number)[]): () => Uint8Array | number {
  return () => packets.shift() ?? EAGAIN;
}

describe('reading the TUN device', () => {
  it('hands over all packets that are there in one batch, in order', () => {
    const device = new FakeDevice(false);
    device.listen();
    device.next = queueOf(Buffer.from('one'), Buffer.from('two-is-longer'), Buffer.from('3'));
    device.wake();
    expect(device.batches).to.deep.equal([['one', 'two-is-longer', '3']]);
  });

  it('tries once more without the thread pool after a batch, then waits', async () => {
    const device = new FakeDevice(false);
    device.listen();
    device.next = queueOf(Buffer.from('one'), EAGAIN, Buffer.from('two'));
    device.wake();
    expect(device.waiting).to.equal(null);
    await nextTurn();
    expect(device.batches).to.deep.equal([['one'], ['two']]);
    await nextTurn();
    expect(device.waiting).to.be.a('function');
  });

  it('lets the event loop run between batches when packets never end', async () => {
    const device = new FakeDevice(false);
    device.listen();
    device.next = () => Buffer.from('again');
    device.wake();
    const readsInOneTurn = device.reads;
    expect(readsInOneTurn).to.equal(128);
    await nextTurn();
    // Another turn ran meanwhile, and this test was let in between.
    expect(device.reads).to.be.greaterThan(readsInOneTurn);
    await device.reader.stop();
    const { reads } = device;
    await nextTurn();
    expect(device.reads).to.equal(reads);
  });

  it('never reads beyond its arena with packets of the largest size', async () => {
    const device = new FakeDevice(true);
    device.listen();
    device.next = () => new Uint8Array(VNET_HEADER_BYTES + 65_535);
    device.wake();
    expect(device.batches[0]?.length).to.be.within(8, 16);
    await device.reader.stop();
  });

  it('takes the offload header off and passes its meaning on', () => {
    const device = new FakeDevice(true);
    const seen: Packet[] = [];
    device.reader.listen((batch) => seen.push(...batch));
    const bytes = new Uint8Array(VNET_HEADER_BYTES + 100);
    bytes.set([1, 0, 0, 0, 0, 0, 20, 0, 6, 0]);
    device.next = queueOf(bytes);
    device.wake();
    expect(seen.map(({ bytes: { length }, offload }) => ({ length, offload }))).to.deep.equal([
      {
        length: 100,
        offload: {
          gsoType: 0,
          needsChecksum: true,
          headerBytes: 28,
          segmentBytes: 0,
          checksumStart: 20,
          checksumOffset: 6,
        },
      },
    ]);
  });

  it('counts and leaves out packets with an impossible header', () => {
    const device = new FakeDevice(true);
    device.listen();
    const broken = new Uint8Array(VNET_HEADER_BYTES + 4);
    broken.set([1, 1, 0, 0, 0, 0, 200, 0, 16, 0]);
    const good = Buffer.concat([new Uint8Array(VNET_HEADER_BYTES), Buffer.from('good')]);
    device.next = queueOf(broken, new Uint8Array(3), good);
    device.wake();
    expect(device.batches).to.deep.equal([['good']]);
    expect(device.reader.malformed).to.equal(2);
  });

  it('tells once that the device is gone, and stops', async () => {
    const device = new FakeDevice(false);
    device.listen();
    device.next = queueOf(Buffer.from('last'), EBADFD, EBADFD);
    device.wake();
    await nextTurn();
    expect(device.gone).to.deep.equal(['EBADFD']);
    expect(device.batches).to.deep.equal([['last']]);
    expect([device.reads, device.waiting]).to.deep.equal([2, null]);
  });

  it('stops when the listener closes it in the middle of a load', async () => {
    const device = new FakeDevice(false);
    let calls = 0;
    device.reader.listen(() => {
      calls++;
      void device.reader.stop();
    });
    device.next = () => Buffer.from('again');
    device.wake();
    await nextTurn();
    await nextTurn();
    expect(calls).to.equal(1);
  });
});
