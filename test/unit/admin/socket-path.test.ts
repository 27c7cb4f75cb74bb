import { expect } from 'chai';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../../overlay/base/errors.js';
import { AdminClient } from '../../../src/admin/client.js';
import { startAdmin } from '../../../src/admin/server.js';
import { shortSocketPath } from '../../../src/admin/socket-path.js';
import { rejection, temporaryFolder } from '../../support/temporary-folder.js';
import { FakeControl, silentLogger } from './fake-control.js';

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('admin/socket-path', () => {
  const folder = temporaryFolder();

  it('leaves a path of up to 107 bytes as it is', () => {
    const path = `/${'x'.repeat(106)}`;
    expect(shortSocketPath(path).path).to.equal(path);
  });

  it('counts bytes, not characters', () => {
    const directory = join(folder(), 'ü'.repeat(50));
    mkdirSync(directory);
    const short = shortSocketPath(join(directory, 'admin.sock'));
    expect(short.path).to.match(/^\/proc\/self\/fd\/\d+\/admin\.sock$/);
    short.release();
    short.release();
  });

  it('serves and calls through a path that is too long for a socket', async () => {
    const directory = join(folder(), 'd'.repeat(120), 'e'.repeat(120));
    mkdirSync(directory, { recursive: true });
    const path = join(directory, 'admin.sock');
    const before = openDescriptors();
    const server = await startAdmin(path, new FakeControl(), silentLogger);
    const client = new AdminClient(path);
    for (let call = 0; call < 5; call++) {
      expect((await client.call('status', {})).name).to.equal('laptop');
    }
    await server.close();
    expect(readdirSync(directory)).to.deep.equal([]);
    expect(hasCode(await rejection(client.call('status', {})), 'not-running')).to.equal(true);
    // A socket's own descriptor is closed a moment after the call it served.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(openDescriptors()).to.be.at.most(before);
  });

  it('is not running where the long directory does not exist', async () => {
    const client = new AdminClient(join(folder(), 'd'.repeat(120), 'admin.sock'));
    expect(hasCode(await rejection(client.call('status', {})), 'not-running')).to.equal(true);
  });
});
