/**
 * Goal: what is read from a device lies where it is said to, and a device that is gone is told from an
 * empty one. Method: a UDP socket in place of the device, since a read of it is one packet, too. Real
 * devices are for test/netns/batch-tunnel.test.ts.
 */
import { expect } from 'chai';
import { VNET_HEADER_BYTES } from '../../../../overlay/batch/split.js';
import type { NativeSocket } from '../../../../src/dataplane/native/datagram-socket.js';
import { NativeIo } from '../../../../src/dataplane/native/native-io.js';
import type { TunQueue } from '../../../../src/dataplane/native/tun-queue.js';
import { payloadOf } from '../../../support/packets.js';

const NO_DESCRIPTOR = -1;

describe('TunQueue', () => {
  let io: NativeIo;
  let socket: NativeSocket;
  let queue: TunQueue;

  beforeEach(async () => {
    io = new NativeIo(4 << 20);
    const options = { transport: 'udp', family: 4, port: 0, device: null, address: null } as const;
    socket = await io.socket(options);
    queue = io.tunQueue(socket.fd, true);
  });

  afterEach(() => {
    socket.close();
  });

  function arrives(packet: Uint8Array): void {
    const at = io.region(packet.length);
    io.memory.bytes.set(packet, at);
    const one = {
      memory: io.memory,
      offsets: Uint32Array.of(at),
      lengths: Uint32Array.of(packet.length),
    };
    expect(socket.send(one, 0, 1, { address: '127.0.0.1', port: socket.port })).to.equal(1);
  }

  it('reads one packet at a time, behind its header', () => {
    const packets = [payloadOf(VNET_HEADER_BYTES + 1), payloadOf(VNET_HEADER_BYTES + 9_000)];
    for (const packet of packets) arrives(packet);
    for (const packet of packets) {
      const bytes = queue.readPacket();
      expect(bytes).to.equal(packet.length - VNET_HEADER_BYTES);
      const start = queue.packetAt - VNET_HEADER_BYTES;
      const read = io.memory.bytes.subarray(start, queue.packetAt + bytes);
      expect(Buffer.compare(read, packet)).to.equal(0);
    }
    expect(queue.readPacket()).to.equal(0);
    expect(queue.failure).to.equal(null);
  });

  it('finds nothing in what is shorter than a header', () => {
    arrives(payloadOf(VNET_HEADER_BYTES - 1));
    expect(queue.readPacket()).to.equal(0);
    expect(queue.failure).to.equal(null);
  });

  it('tells that the device does not work any more', () => {
    const gone = io.tunQueue(NO_DESCRIPTOR, true);
    expect(gone.readPacket()).to.equal(0);
    expect(gone.failure).to.equal('EBADF');
  });
});
