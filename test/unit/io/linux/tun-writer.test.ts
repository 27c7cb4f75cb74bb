import { expect } from 'chai';
import { TunWriter } from '../../../../src/io/linux/tun-writer.js';
import type { Packet } from '../../../../overlay/ports.js';
import { EAGAIN, EINVAL, fakeLibc } from './fake-libc.js';

const FD = 3;

function packet(length: number): Packet {
  return { bytes: new Uint8Array(length), offload: null };
}

/** Answers each write by `answer(length of the packet)`. */
function writerWith(answer: (length: number) => number): { writer: TunWriter; sizes: number[] } {
  const sizes: number[] = [];
  let scratch: DataView = new DataView(new ArrayBuffer(0));
  let address = 2 ** 47 - 4096;
  const libc = fakeLibc({
    addressOf: (bytes) => {
      if (scratch.byteLength === 0) scratch = new DataView(bytes.buffer);
      address += 64;
      return address;
    },
    writev: (fd, _vectors, count) => {
      expect([fd, count]).to.deep.equal([FD, 2]);
      // The second vector holds the packet: its address in full, and its length.
      expect(Number(scratch.getBigUint64(16, true))).to.equal(address);
      const length = Number(scratch.getBigUint64(24, true));
      sizes.push(length);
      return answer(length);
    },
    write: (_fd, bytes) => {
      sizes.push(bytes.length);
      return answer(bytes.length);
    },
  });
  return { writer: new TunWriter(libc, FD, true), sizes };
}

describe('writing to the TUN device', () => {
  it('writes every packet and counts it', () => {
    const { writer, sizes } = writerWith((length) => length);
    expect(writer.write([packet(40), packet(1420), packet(65_535)])).to.equal(3);
    expect(sizes).to.deep.equal([40, 1420, 65_535]);
    expect(writer.refused).to.equal(0);
  });

  it('stops where the kernel has no room, and takes no credit for the rest', () => {
    const { writer, sizes } = writerWith((length) => (length === 2 ? -EAGAIN : length));
    expect(writer.write([packet(1), packet(2), packet(3)])).to.equal(1);
    expect(sizes).to.deep.equal([1, 2]);
    expect(writer.refused).to.equal(0);
  });

  it('drops and counts what the kernel refuses for good, and goes on', () => {
    const { writer } = writerWith((length) => (length === 2 ? -EINVAL : length));
    expect(writer.write([packet(1), packet(2), packet(3)])).to.equal(3);
    expect(writer.refused).to.equal(1);
  });

  it('drops without asking the kernel what is empty, too long or has an impossible offload', () => {
    const { writer, sizes } = writerWith((length) => length);
    const impossible: Packet = {
      bytes: new Uint8Array(40),
      offload: {
        gsoType: 1,
        needsChecksum: true,
        headerBytes: 40,
        segmentBytes: 1400,
        checksumStart: 70_000,
        checksumOffset: 16,
      },
    };
    expect(writer.write([packet(0), packet(65_536), impossible])).to.equal(3);
    expect(sizes).to.deep.equal([]);
    expect(writer.refused).to.equal(3);
  });

  it('without offloads writes plain packets only', () => {
    const sizes: number[] = [];
    const libc = fakeLibc({
      addressOf: () => 4096,
      write: (_fd, bytes) => sizes.push(bytes.length),
    });
    const writer = new TunWriter(libc, FD, false);
    const offload = {
      gsoType: 0,
      needsChecksum: true,
      headerBytes: 28,
      segmentBytes: 0,
      checksumStart: 20,
      checksumOffset: 6,
    };
    expect(writer.write([packet(40), { bytes: new Uint8Array(40), offload }])).to.equal(2);
    expect(sizes).to.deep.equal([40]);
    expect(writer.refused).to.equal(1);
  });
});
