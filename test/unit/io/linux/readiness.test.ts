import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { checked, libc } from '../../../../src/io/linux/libc.js';
import { Readiness } from '../../../../src/io/linux/readiness.js';

const ONE = new Uint8Array(BigUint64Array.of(1n).buffer);

describe('waiting for a descriptor', () => {
  let fd = -1;
  beforeEach(() => {
    fd = checked('eventfd', libc().eventfd(0, 0));
  });
  afterEach(() => {
    libc().close(fd);
  });

  it('wakes once for each wait', async () => {
    const readiness = new Readiness(libc(), fd);
    let wakes = 0;
    const woken = new Promise<void>((resolve) => {
      readiness.wait(() => {
        wakes++;
        resolve();
      });
    });
    expect(wakes).to.equal(0);
    libc().write(fd, ONE, ONE.length);
    await woken;
    await delay(5);
    expect(wakes).to.equal(1);
    await readiness.close();
  });

  it('ends a wait by close, without waking, and close may be repeated', async () => {
    const readiness = new Readiness(libc(), fd);
    readiness.wait(() => {
      throw new Error('woken after close');
    });
    await Promise.all([readiness.close(), readiness.close()]);
    await readiness.close();
    readiness.wait(() => {
      throw new Error('waited after close');
    });
  });

  it('closes at once when nothing waits', async () => {
    const listeners = process.listenerCount('exit');
    const readiness = new Readiness(libc(), fd);
    await readiness.close();
    expect(process.listenerCount('exit')).to.equal(listeners);
  });

  for (const [how, code, end] of [
    ['process.exit', 7, 'process.exit(7)'],
    ['an uncaught exception', 1, "throw new Error('deliberate')"],
  ] as const) {
    it(`does not hold up the end of the process by ${how}`, () => {
      const suffix = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
      const source = (name: string): string =>
        JSON.stringify(new URL(`../../../../src/io/linux/${name}${suffix}`, import.meta.url).href);
      const script = `
        import { libc } from ${source('libc')};
        import { Readiness } from ${source('readiness')};
        const readiness = new Readiness(libc(), libc().eventfd(0, 0));
        readiness.wait(() => console.log('woken'));
        setTimeout(() => { ${end}; }, 50);`;
      const loader = suffix === '.ts' ? ['--import', 'tsx'] : [];
      const child = spawnSync(
        process.execPath,
        [...loader, '--input-type=module', '--eval', script],
        { encoding: 'utf8', timeout: 10_000 },
      );
      expect([child.status, child.signal, child.stdout]).to.deep.equal([code, null, '']);
    });
  }
});
