import { VNET_HEADER_BYTES } from '../../../../overlay/batch/split.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeVnetHeader, encodeVnetHeader } from '../../../../src/io/linux/virtio.js';
import type { Offload } from '../../../../overlay/ports.js';

const TCP_OVER_IPV4: Offload = {
  gsoType: 1,
  needsChecksum: true,
  headerBytes: 20 + 32,
  segmentBytes: 1368,
  checksumStart: 20,
  checksumOffset: 16,
};

/** Header and packet in one memory, as the device hands them over. */
function framed(offload: Offload | null, packetBytes: number, tcpWords = 8): DataView {
  const memory = new DataView(new ArrayBuffer(VNET_HEADER_BYTES + packetBytes));
  expect(encodeVnetHeader(memory, 0, offload, packetBytes)).to.equal(true);
  if (offload?.checksumOffset === 16) {
    memory.setUint8(VNET_HEADER_BYTES + offload.checksumStart + 12, tcpWords << 4);
  }
  return memory;
}

function decodeFramed(memory: DataView): ReturnType<typeof decodeVnetHeader> {
  return decodeVnetHeader(memory, VNET_HEADER_BYTES, memory.byteLength - VNET_HEADER_BYTES);
}

describe('the offload header of a TUN packet', () => {
  it('has the layout of struct virtio_net_hdr', () => {
    const memory = framed(TCP_OVER_IPV4, 3000);
    const header = [...new Uint8Array(memory.buffer, 0, VNET_HEADER_BYTES)];
    expect(header).to.deep.equal([1, 1, 52, 0, 0x58, 0x05, 20, 0, 16, 0]);
  });

  it('of an ordinary packet is all zero, and says nothing when read', () => {
    const memory = framed(null, 40);
    expect([...new Uint8Array(memory.buffer)].every((byte) => byte === 0)).to.equal(true);
    expect(decodeFramed(memory)).to.deep.equal({ ok: true, value: null });
  });

  it('comes back as it was put in, for super-packets and for open checksums', () => {
    const shapes: readonly Offload[] = [
      TCP_OVER_IPV4,
      { ...TCP_OVER_IPV4, gsoType: 4, headerBytes: 40 + 32, checksumStart: 40 },
      { ...TCP_OVER_IPV4, gsoType: 5, headerBytes: 28, checksumOffset: 6 },
      { ...TCP_OVER_IPV4, gsoType: 0, segmentBytes: 0 },
      { ...TCP_OVER_IPV4, gsoType: 0, segmentBytes: 0, checksumOffset: 6, headerBytes: 28 },
    ];
    for (const offload of shapes) {
      expect(decodeFramed(framed(offload, 3000))).to.deep.equal({ ok: true, value: offload });
    }
  });

  it('takes the header length from the TCP header, not from the hint', () => {
    const memory = framed({ ...TCP_OVER_IPV4, headerBytes: 2000 }, 3000, 5);
    const decoded = decodeFramed(memory);
    expect(decoded.ok && decoded.value?.headerBytes).to.equal(40);
  });

  it('drops the ECN mark of the type, which the TCP flags repeat', () => {
    const memory = framed(TCP_OVER_IPV4, 3000);
    memory.setUint8(1, 0x81);
    const decoded = decodeFramed(memory);
    expect(decoded.ok && decoded.value?.gsoType).to.equal(1);
  });

  it('is malformed when it points beyond the packet or contradicts itself', () => {
    const broken: readonly ((memory: DataView) => void)[] = [
      (memory) => {
        memory.setUint16(6, 2999, true);
      },
      (memory) => {
        memory.setUint8(0, 0);
      },
      (memory) => {
        memory.setUint8(1, 3);
      },
      (memory) => {
        memory.setUint16(4, 0, true);
      },
      (memory) => {
        memory.setUint16(8, 6, true);
      },
      (memory) => {
        memory.setUint8(VNET_HEADER_BYTES + 20 + 12, 4 << 4);
      },
    ];
    for (const spoil of broken) {
      const memory = framed(TCP_OVER_IPV4, 3000);
      spoil(memory);
      expect(decodeFramed(memory)).to.include({ ok: false, code: 'malformed' });
    }
  });

  it('is refused when a field cannot be said in it', () => {
    const memory = new DataView(new ArrayBuffer(VNET_HEADER_BYTES));
    const wrong: readonly Partial<Offload>[] = [
      { headerBytes: -1 },
      { segmentBytes: 65_536 },
      { checksumStart: 1.5 },
      { checksumStart: 2990 },
      { headerBytes: 3001 },
      { gsoType: 3 },
      { gsoType: 0x101 },
      { checksumOffset: Number.NaN },
    ];
    for (const part of wrong) {
      expect(encodeVnetHeader(memory, 0, { ...TCP_OVER_IPV4, ...part }, 3000)).to.equal(false);
    }
  });

  it('decodes anything without a throw, and only to offsets inside the packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: VNET_HEADER_BYTES + 1, maxLength: 90 }), (bytes) => {
        const memory = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const decoded = decodeFramed(memory);
        if (!decoded.ok || decoded.value === null) return;
        const { checksumStart, checksumOffset, gsoType, headerBytes } = decoded.value;
        const packetBytes = bytes.length - VNET_HEADER_BYTES;
        expect(checksumStart + checksumOffset + 2).to.be.at.most(packetBytes);
        if (gsoType !== 0) expect(headerBytes).to.be.at.most(packetBytes);
      }),
      { numRuns: 2000 },
    );
  });
});
