/** The back ends of the data plane, each against the one contract, and what is different on purpose. */
import { expect } from 'chai';
import { CodedError, hasCode } from '../../overlay/base/errors.js';
import type { DataSocketOptions } from '../../overlay/link/data-plane.js';
import type { BatchIo, DatagramSocket } from '../../src/dataplane/batch-io.js';
import { NativeIo } from '../../src/dataplane/native/native-io.js';
import { PlainIo } from '../../src/dataplane/plain/plain-io.js';
import { cipherContract } from './cipher-contract.js';
import { datagramContract } from './datagram-contract.js';
import { codeOf } from './world.js';

const MEMORY_BYTES = 8 << 20;
const NOBODY = 65534;
const UDP4: DataSocketOptions = {
  transport: 'udp',
  family: 4,
  port: 0,
  device: null,
  address: null,
};

const native = (): BatchIo => new NativeIo(MEMORY_BYTES);
const plain = (): BatchIo => new PlainIo(MEMORY_BYTES, () => undefined);

for (const [name, create] of [
  ['native', native],
  ['plain', plain],
] as const) {
  describe(`the ${name} back end`, () => {
    describe('seals and opens', () => {
      cipherContract(create);
    });
    describe('sends and receives over UDP', () => {
      datagramContract(create, 'udp');

      it('refuses a port that is taken', async () => {
        const io = create();
        const socket = await io.socket(UDP4);
        expect(socket.port).to.be.greaterThan(0);
        expect(await codeOf(io.socket({ ...UDP4, port: socket.port }))).to.equal('cannot-open');
        socket.close();
      });

      it('names a port that is none', async () => {
        const io = create();
        const socket = await io.socket(UDP4);
        const one = { memory: io.memory, offsets: Uint32Array.of(0), lengths: Uint32Array.of(100) };
        expect(socket.send(one, 0, 1, { address: '127.0.0.1', port: 0 })).to.equal(1);
        expect(socket.failure).to.equal('EINVAL');
        socket.close();
      });
    });
  });
}

describe('the native back end without UDP', function () {
  before(async function () {
    // Raw sockets need a right that those who run tests seldom have.
    if ((await errnoOf(native().socket({ ...UDP4, transport: 'raw' }))) === 'EPERM') this.skip();
  });

  datagramContract(native, 'raw');

  it('needs the right to', async function () {
    if (process.geteuid?.() !== 0 || process.seteuid === undefined) return this.skip();
    process.seteuid(NOBODY);
    try {
      for (const family of [4, 6] as const) {
        const raw = { ...UDP4, family, transport: 'raw' } as const;
        expect(await errnoOf(native().socket(raw))).to.equal('EPERM');
      }
    } finally {
      process.seteuid(0);
    }
  });
});

describe('the plain back end', () => {
  it('refuses what it cannot do', async () => {
    for (const options of [{ transport: 'raw' }, { device: 'lo' }] as const) {
      expect(await errnoOf(plain().socket({ ...UDP4, ...options }))).to.equal('ENOTSUP');
    }
  });

  it('refuses an address that is not of this machine', async () => {
    const elsewhere = { ...UDP4, device: 'lo', address: '192.0.2.77' };
    expect(await errnoOf(plain().socket(elsewhere))).to.equal('EADDRNOTAVAIL');
  });
});

/** Why no socket was opened; null if one was. */
async function errnoOf(opening: Promise<DatagramSocket>): Promise<unknown> {
  try {
    (await opening).close();
  } catch (error) {
    if (hasCode(error, 'cannot-open') && error instanceof CodedError) return error.fields['errno'];
    throw error;
  }
  return null;
}
