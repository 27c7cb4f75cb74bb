import { expect } from 'chai';
import { readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { hasCode } from '../../../overlay/base/errors.js';
import { AdminClient } from '../../../src/admin/client.js';
import { startAdmin, type AdminServer } from '../../../src/admin/server.js';
import { rejection, temporaryFolder } from '../../support/temporary-folder.js';
import { FakeControl, silentLogger } from './fake-control.js';

/** Leaves the socket file of a node that was killed: bound once, and nobody behind it. */
async function leaveStale(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.bound`, resolve));
  // Closing removes the name it was bound to; under another name the file stays.
  renameSync(`${path}.bound`, path);
  await new Promise((resolve) => server.close(resolve));
}

describe('admin/server, taking the socket', () => {
  const folder = temporaryFolder();
  const path = (): string => join(folder(), 'admin.sock');
  const started: AdminServer[] = [];

  async function start(at = path()): Promise<AdminServer> {
    const server = await startAdmin(at, new FakeControl(), silentLogger);
    started.push(server);
    return server;
  }

  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.close()));
  });

  it('is for owner and group, and removed on close', async () => {
    const server = await start();
    expect(readdirSync(folder())).to.deep.equal(['admin.sock']);
    expect(statSync(path()).mode & 0o777).to.equal(0o660);
    expect(statSync(path()).gid).to.equal(statSync(folder()).gid);
    await server.close();
    await server.close();
    expect(readdirSync(folder())).to.deep.equal([]);
  });

  it('takes over from a node that was killed', async () => {
    await leaveStale(path());
    await start();
    expect((await new AdminClient(path()).call('status', {})).ready).to.equal(true);
    expect(readdirSync(folder())).to.deep.equal(['admin.sock']);
  });

  it('refuses to start next to a live node, which stays reachable', async () => {
    await start();
    const error = await rejection(start());
    expect(hasCode(error, 'already-running')).to.equal(true);
    expect((await new AdminClient(path()).call('status', {})).ready).to.equal(true);
    expect(readdirSync(folder())).to.deep.equal(['admin.sock']);
  });

  it('takes a node that is stopped by a signal for alive', async () => {
    // A full backlog is what a connecting client meets then.
    const frozen = createServer();
    frozen.maxConnections = 0;
    await new Promise<void>((resolve) => frozen.listen(path(), resolve));
    try {
      expect(hasCode(await rejection(start()), 'already-running')).to.equal(true);
    } finally {
      await new Promise((resolve) => frozen.close(resolve));
    }
  });

  it('leaves a file alone that is no socket', async () => {
    writeFileSync(path(), 'precious');
    const error = await rejection(start());
    expect(hasCode(error, 'socket-blocked')).to.equal(true);
    expect(statSync(path()).isFile()).to.equal(true);
  });

  for (const stale of [false, true]) {
    it(`lets exactly one of many win that start at once${stale ? ' over a stale socket' : ''}`, async () => {
      for (let round = 0; round < 5; round++) {
        if (stale) await leaveStale(path());
        const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => start()));
        const won = outcomes.filter(({ status }) => status === 'fulfilled');
        const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(won).to.have.length(1);
        for (const { reason } of lost) {
          expect(hasCode(reason, 'already-running'), String(reason)).to.equal(true);
        }
        expect((await new AdminClient(path()).call('status', {})).ready).to.equal(true);
        expect(readdirSync(folder())).to.deep.equal(['admin.sock']);
        await Promise.all(started.splice(0).map((server) => server.close()));
      }
    });
  }

  it('is not held up by the lock of a starter that was killed', async () => {
    await leaveStale(path());
    writeFileSync(`${path()}.lock`, '');
    const minuteAgo = new Date(Date.now() - 60_000);
    utimesSync(`${path()}.lock`, minuteAgo, minuteAgo);
    await start();
    expect(readdirSync(folder())).to.deep.equal(['admin.sock']);
  });

  it('does not remove the socket of a node that came after it', async () => {
    const first = await start();
    renameSync(path(), `${path()}.old`);
    await start();
    await first.close();
    expect((await new AdminClient(path()).call('status', {})).ready).to.equal(true);
  });
});
