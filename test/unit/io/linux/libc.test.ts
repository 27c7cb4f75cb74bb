import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import {
  checked,
  errnoName,
  libc,
  loadLibc,
  SystemCallError,
} from '../../../../src/io/linux/libc.js';
import { hasCode } from '../../../../overlay/base/errors.js';

const EBADF = 9;

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('did not fail');
}

describe('the libc bindings', () => {
  it('answer a failed call with its errno', () => {
    expect(libc().close(-1)).to.equal(-EBADF);
    expect(libc().open('/nowhere/at/all', 0)).to.equal(-2);
  });

  it('move bytes by address and by array', () => {
    const calls = libc();
    const counter = checked('eventfd', calls.eventfd(5, 0));
    try {
      const bytes = new Uint8Array(16);
      const window = bytes.subarray(4, 12);
      expect(calls.read(counter, calls.addressOf(window), 8)).to.equal(8);
      expect([...bytes]).to.deep.equal([0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      expect(calls.write(counter, window, 8)).to.equal(8);
      expect(calls.read(counter, calls.addressOf(bytes), 8)).to.equal(8);
      expect(bytes[0]).to.equal(5);
    } finally {
      calls.close(counter);
    }
  });

  it('name errors by their call and errno', () => {
    const error = thrownBy(() => checked('TUNSETIFF', -16));
    expect(error).to.be.instanceOf(SystemCallError);
    expect(error).to.include({ errno: 'EBUSY', message: 'TUNSETIFF failed with EBUSY' });
    expect(checked('read', 0)).to.equal(0);
  });

  it('prefer the usual name of an errno with two', () => {
    expect([11, 77, 9999].map(errnoName)).to.deep.equal(['EAGAIN', 'EBADFD', 'errno 9999']);
  });

  it('say what to do when the native module cannot be loaded', () => {
    const error = thrownBy(() =>
      loadLibc(
        () => {
          throw new Error('Cannot find module');
        },
        'linux',
        'x64',
      ),
    );
    expect(hasCode(error, 'no-ffi')).to.equal(true);
    expect((error as Error).message).to.match(/Cannot find module.*--no-tun/);
  });

  it('are refused on systems with other layouts', () => {
    for (const [platform, arch] of [
      ['darwin', 'arm64'],
      ['win32', 'x64'],
      ['linux', 's390x'],
    ] as const) {
      const error = thrownBy(() => loadLibc(undefined, platform, arch));
      expect(hasCode(error, 'unsupported-system')).to.equal(true);
    }
  });

  it('load no native code before the first call', () => {
    const device = new URL('../../../../src/io/linux/', import.meta.url);
    const suffix = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    const script = `
      import { readFileSync } from 'node:fs';
      const mapped = () => readFileSync('/proc/self/maps', 'latin1').includes('koffi');
      await import(${JSON.stringify(new URL(`tun${suffix}`, device).href)});
      const { libc } = await import(${JSON.stringify(new URL(`libc${suffix}`, device).href)});
      const before = mapped();
      libc();
      console.log(before, mapped());`;
    const loader = suffix === '.ts' ? ['--import', 'tsx'] : [];
    const child = spawnSync(
      process.execPath,
      [...loader, '--input-type=module', '--eval', script],
      { encoding: 'utf8', timeout: 15_000 },
    );
    expect(child.stdout.trim(), child.stderr).to.equal('false true');
  });
});
