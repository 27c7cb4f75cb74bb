import { expect } from 'chai';
import type { Libc } from '../../../../src/io/linux/libc.js';
import { checkDeviceName, createTun } from '../../../../src/io/linux/tun-open.js';
import { hasCode } from '../../../../overlay/base/errors.js';
import { EINVAL, fakeLibc } from './fake-libc.js';

const FD = 9;
const EPERM = 1;
const ENOENT = 2;
const EACCES = 13;
const EBUSY = 16;
const ENODEV = 19;
const EMFILE = 24;

interface Kernel {
  readonly open?: number;
  readonly setInterface?: number;
  readonly setOffload?: number;
}

/** A kernel that answers the three calls with these, and records what it was asked. */
function kernel(answers: Kernel): { libc: Libc; closed: number[]; requests: Uint8Array[] } {
  const closed: number[] = [];
  const requests: Uint8Array[] = [];
  const libc = fakeLibc({
    open: () => answers.open ?? FD,
    close: (fd) => {
      closed.push(fd);
      return 0;
    },
    ioctlStruct: (_fd, _request, struct) => {
      requests.push(struct.slice());
      // As the kernel does, fill in the number.
      struct.set(Buffer.from('ov7\0'));
      return answers.setInterface ?? 0;
    },
    ioctlValue: () => answers.setOffload ?? 0,
  });
  return { libc, closed, requests };
}

function failure(answers: Kernel, name: string | null = 'vpn'): unknown {
  const { libc, closed } = kernel(answers);
  try {
    createTun(libc, name, true);
  } catch (error) {
    expect(closed).to.deep.equal((answers.open ?? FD) < 0 ? [] : [FD]);
    return error;
  }
  throw new Error('did not fail');
}

describe('creating a TUN device', () => {
  it('asks for an exclusive TUN without packet information, with offload headers if wanted', () => {
    const { libc, requests } = kernel({});
    expect(createTun(libc, null, true)).to.deep.equal({ fd: FD, name: 'ov7' });
    createTun(libc, 'vpn', false);
    expect(requests.map((request) => Buffer.from(request).toString('latin1', 0, 5))).to.deep.equal([
      'ov%d\0',
      'vpn\0\0',
    ]);
    const flags = requests.map((request) => new DataView(request.buffer).getUint16(16, true));
    expect(flags).to.deep.equal([0x1 | 0x1000 | 0x4000 | 0x8000, 0x1 | 0x1000 | 0x8000]);
  });

  const cases: readonly [string, Kernel, string][] = [
    ['no right to open the file', { open: -EACCES }, 'no-permission'],
    ['no right to make a device', { setInterface: -EPERM }, 'no-permission'],
    ['the file is missing', { open: -ENOENT }, 'no-device'],
    ['the kernel has no TUN', { open: -ENODEV }, 'no-device'],
    ['the name is in use', { setInterface: -EBUSY }, 'name-taken'],
    ['too many open files', { open: -EMFILE }, 'system'],
    ['the kernel refuses the flags', { setInterface: -EINVAL }, 'system'],
    ['the kernel refuses the offloads', { setOffload: -EINVAL }, 'system'],
  ];
  for (const [when, answers, code] of cases) {
    it(`says ${code} and what to do when ${when}, and leaves nothing open`, () => {
      const error = failure(answers);
      expect(hasCode(error, code)).to.equal(true);
      expect((error as Error).message).to.contain('--no-tun');
    });
  }

  it('takes names that Linux takes', () => {
    for (const name of ['ov0', 'my-vpn.1', '_x', 'fifteen-letters', '0']) checkDeviceName(name);
  });

  it('refuses names that are no names, or would mean something else', () => {
    const wrong = ['', 'sixteen-letters-', 'a/b', 'a b', '.', '..', '.x', '-x', 'ov%d', 'a:1', 'ö'];
    for (const name of [...wrong, 'all', 'default', 'a\0b', 'a\n']) {
      const check = (): void => {
        checkDeviceName(name);
      };
      expect(check, JSON.stringify(name))
        .to.throw()
        .that.satisfies((error: unknown) => hasCode(error, 'bad-name'));
    }
  });
});
