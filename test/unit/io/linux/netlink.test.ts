import { expect } from 'chai';
import { isIP } from 'node:net';
import { checked, libc } from '../../../../src/io/linux/libc.js';
import { Netlink, NetlinkError } from '../../../../src/io/linux/netlink.js';
import { encodeMessage } from '../../../../src/io/linux/netlink-wire.js';
import { listRoutes } from '../../../../src/io/linux/routes.js';
import { EAGAIN, fakeLibc } from './fake-libc.js';

const ERROR_TYPE = 2;
const DONE_TYPE = 3;
const LINK_TYPE = 16;
const DUMP_INTERRUPTED = 0x10;

/** A socket on which each request is answered by the next of `answers`. */
function answering(...answers: (Uint8Array | number)[]): { netlink: Netlink; sent: number[] } {
  const sent: number[] = [];
  const libcOfTest = fakeLibc({
    socket: () => 5,
    setsockopt: () => 0,
    send: (_fd, bytes) => {
      sent.push(new DataView(bytes.buffer).getUint32(8, true));
      return bytes.length;
    },
    recv: (_fd, bytes) => {
      const answer = answers.shift() ?? EAGAIN;
      if (typeof answer === 'number') return -answer;
      bytes.set(answer.subarray(0, bytes.length));
      return answer.length;
    },
  });
  return { netlink: new Netlink(libcOfTest), sent };
}

function answer(type: number, payload: Uint8Array, sequence = 1, flags = 0): Uint8Array {
  return encodeMessage({ type, flags, sequence, payload });
}

function errno(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(-value, 0, 0, 0, 0).buffer);
}

function failureOf(action: () => unknown): NetlinkError {
  try {
    action();
  } catch (error) {
    if (error instanceof NetlinkError) return error;
    throw error;
  }
  throw new Error('did not fail');
}

const PREFIX = { address: Uint8Array.of(10, 0, 0, 1), prefixLength: 8 };

describe('netlink', () => {
  it('lists the links of this machine, loopback among them', () => {
    const netlink = new Netlink(libc());
    try {
      expect(netlink.linkIndex('lo')).to.be.greaterThan(0);
      expect(netlink.linkIndex('no-such-link')).to.equal(null);
    } finally {
      netlink.close();
      netlink.close();
    }
  });

  it('passes on the errno of the kernel by name', () => {
    const netlink = new Netlink(libc());
    try {
      // No link has this index, whoever asks.
      const error = failureOf(() => {
        netlink.changeLink(0x7ffffff0, { mtu: 1400 });
      });
      expect(error).to.include({ code: 'refused' });
      expect(error.errno).to.be.oneOf(['ENODEV', 'EPERM']);
    } finally {
      netlink.close();
    }
  });

  it('lists routes in text form', () => {
    for (const route of listRoutes()) {
      expect(isIP(route.destination)).to.equal(route.family);
      expect(route.prefixLength).to.be.within(0, route.family === 4 ? 32 : 128);
    }
  });

  it('leaves no descriptor behind', () => {
    const first = checked('eventfd', libc().eventfd(0, 0));
    libc().close(first);
    for (let times = 0; times < 5; times++) listRoutes();
    const second = checked('eventfd', libc().eventfd(0, 0));
    libc().close(second);
    expect(second).to.equal(first);
  });

  it('skips answers to others and waits for its own', () => {
    const { netlink } = answering(answer(ERROR_TYPE, errno(1), 77), answer(ERROR_TYPE, errno(0)));
    netlink.addAddress(1, PREFIX);
  });

  it('explains a refusal in the words of the kernel', () => {
    const words = Buffer.from('Invalid prefix\0');
    const attribute = Buffer.concat([
      Buffer.from([4 + words.length, 0, 1, 0]),
      words,
      Buffer.alloc(1),
    ]);
    const { netlink } = answering(answer(ERROR_TYPE, Buffer.concat([errno(22), attribute])));
    const error = failureOf(() => {
      netlink.addAddress(1, PREFIX);
    });
    expect(error.message).to.equal('add address: refused with EINVAL (Invalid prefix)');
  });

  it('fails by a typed error when the answer is missing, cut or too long', () => {
    const cases: readonly [Uint8Array | number, string][] = [
      [EAGAIN, 'no-answer'],
      [105, 'no-answer'],
      [answer(ERROR_TYPE, errno(0)).subarray(0, 18), 'malformed'],
      [answer(ERROR_TYPE, new Uint8Array(2)), 'malformed'],
      [new Uint8Array(70_000), 'malformed'],
    ];
    for (const [bytes, code] of cases) {
      const { netlink } = answering(bytes);
      const error = failureOf(() => {
        netlink.addAddress(1, PREFIX);
      });
      expect(error.code).to.equal(code);
    }
  });

  it('fails when a link in a dump cannot be read', () => {
    const { netlink } = answering(answer(LINK_TYPE, new Uint8Array(5)));
    expect(failureOf(() => netlink.links()).code).to.equal('malformed');
  });

  it('fails when a dump ends with an errno', () => {
    const { netlink } = answering(answer(DONE_TYPE, errno(1)));
    expect(failureOf(() => netlink.links()).errno).to.equal('EPERM');
  });

  it('reads a table again that changed meanwhile, and gives up in the end', () => {
    const interrupted = (sequence: number): Uint8Array =>
      answer(DONE_TYPE, errno(0), sequence, DUMP_INTERRUPTED);
    const once = answering(interrupted(1), answer(DONE_TYPE, errno(0), 2));
    expect(once.netlink.links()).to.deep.equal([]);
    expect(once.sent).to.deep.equal([1, 2]);
    const always = answering(...[1, 2, 3, 4, 5, 6, 7].map(interrupted));
    expect(failureOf(() => always.netlink.links()).code).to.equal('changing');
    expect(always.sent.length).to.equal(5);
  });
});
