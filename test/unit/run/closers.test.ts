import { expect } from 'chai';
import type { Logger } from '../../../overlay/ports.js';
import { Closers } from '../../../src/run/closers.js';
import { SILENT } from '../../support/silent.js';

describe('Closers', () => {
  it('closes what was opened last first, and what was put first last', async () => {
    const closed: string[] = [];
    const closers = new Closers(SILENT);
    const close = (what: string) => (): Promise<void> => {
      closed.push(what);
      return Promise.resolve();
    };
    closers.add('store', close('store'));
    closers.add('host', close('host'));
    closers.addFirst('socket', close('socket'));
    closers.add('node', close('node'));
    await closers.run();
    expect(closed).to.deep.equal(['node', 'host', 'store', 'socket']);
    await closers.run();
    expect(closed).to.have.length(4);
  });

  it('goes on when a part fails, and says which', async () => {
    const warned: unknown[] = [];
    const logger: Logger = { ...SILENT, warn: (_message, fields) => warned.push(fields) };
    const closed: string[] = [];
    const closers = new Closers(logger);
    closers.add('store', () => {
      closed.push('store');
      return Promise.resolve();
    });
    closers.add('host', () => Promise.reject(new Error('stuck')));
    closers.add('node', () => {
      throw new Error('at once');
    });
    await closers.run();
    expect(closed).to.deep.equal(['store']);
    expect(warned).to.deep.equal([
      { what: 'node', reason: 'at once' },
      { what: 'host', reason: 'stuck' },
    ]);
  });

  it('leaves a part behind that does not close, and closes what was added meanwhile', async () => {
    const closed: string[] = [];
    const closers = new Closers(SILENT);
    closers.add('store', () => {
      closed.push('store');
      return Promise.resolve();
    });
    closers.add('hanging', () => new Promise(() => undefined));
    closers.add('verb', () => {
      // As `leave` does, which removes data after everything that writes there.
      closers.addFirst('data', () => {
        closed.push('data');
        return Promise.resolve();
      });
      return Promise.resolve();
    });
    const startedMs = performance.now();
    await closers.run();
    expect(closed).to.deep.equal(['store', 'data']);
    expect(performance.now() - startedMs).to.be.within(3_500, 8_000);
  }).timeout(15_000);
});
