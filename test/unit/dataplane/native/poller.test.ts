/**
 * Goal: a wait ends when something is ready or its time has come, to well below a millisecond, and says
 * what is ready. Method: sockets on loopback.
 */
import { expect } from 'chai';
import { SendBatch } from '../../../../overlay/batch/send-batch.js';
import { SystemCallError } from '../../../../src/io/linux/libc.js';
import { NativeIo } from '../../../../src/dataplane/native/native-io.js';
import { Poller, READABLE, WRITABLE } from '../../../../src/dataplane/native/poller.js';
import type { NativeSocket } from '../../../../src/dataplane/native/datagram-socket.js';

const DATAGRAM_BYTES = 100;

describe('Poller', () => {
  let io: NativeIo;
  let poller: Poller;
  let sockets: NativeSocket[];

  beforeEach(async () => {
    io = new NativeIo(4 << 20);
    poller = new Poller(io.calls, io.arena);
    const options = { transport: 'udp', family: 4, port: 0, device: null, address: null } as const;
    sockets = [await io.socket(options), await io.socket(options)];
  });

  afterEach(() => {
    poller.close();
    for (const socket of sockets) socket.close();
  });

  function send(from: NativeSocket, to: NativeSocket): void {
    const batch = new SendBatch(io.memory, io.region(DATAGRAM_BYTES), DATAGRAM_BYTES, 1);
    batch.place(1, false);
    expect(from.send(batch, 0, 1, { address: '127.0.0.1', port: to.port })).to.equal(1);
  }

  const found = (): (readonly [number, number])[] => {
    const { tags, what, count } = poller.ready;
    return Array.from({ length: count }, (_, index) => [tags[index] ?? 0, what[index] ?? 0]);
  };

  it('waits as long as it is told, and no longer', () => {
    for (const timeoutUs of [0, 300, 2_000, 20_000]) {
      // The shortest of some: the system may take the processor away at any time.
      const times = Array.from({ length: 5 }, () => {
        const startMs = performance.now();
        poller.wait(timeoutUs);
        return (performance.now() - startMs) * 1000;
      });
      expect(poller.ready.count).to.equal(0);
      expect(Math.min(...times)).to.be.within(timeoutUs, timeoutUs + 1_000);
    }
  });

  it('says what can be read, by its tag', () => {
    const [a, b] = sockets as [NativeSocket, NativeSocket];
    poller.add(a.fd, 7);
    poller.add(b.fd, 0xffff_fffe);
    send(a, b);
    poller.wait(-1);
    expect(found()).to.deep.equal([[0xffff_fffe, READABLE]]);
    send(b, a);
    poller.wait(1_000_000);
    expect(new Map(found())).to.deep.equal(
      new Map([
        [7, READABLE],
        [0xffff_fffe, READABLE],
      ]),
    );
    poller.remove(b.fd);
    poller.wait(0);
    expect(found()).to.deep.equal([[7, READABLE]]);
  });

  it('says what can be written when that is asked for, and only then', () => {
    const [a, b] = sockets as [NativeSocket, NativeSocket];
    poller.add(a.fd, 1);
    poller.wantWritable(a.fd, 1, true);
    poller.wait(0);
    expect(found()).to.deep.equal([[1, WRITABLE]]);
    send(b, a);
    poller.wait(0);
    expect(found()).to.deep.equal([[1, READABLE | WRITABLE]]);
    poller.wantWritable(a.fd, 1, false);
    poller.wait(0);
    expect(found()).to.deep.equal([[1, READABLE]]);
  });

  it('refuses what is no descriptor', () => {
    expect(() => {
      poller.add(-1, 1);
    }).to.throw(SystemCallError, 'EBADF');
  });
});
