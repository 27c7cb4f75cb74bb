import { expect } from 'chai';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../../overlay/base/errors.js';
import { stateError } from '../../../../src/io/state/errors.js';
import type { NetworkState } from '../../../../src/io/state/network-state.js';
import { StateDir } from '../../../../src/io/state/state-dir.js';
import { rejection, temporaryFolder } from '../../../support/temporary-folder.js';

const NETWORK: NetworkState = {
  version: 1,
  genesis: 'Z2VuZXNpcw==',
  psk: 'cHNr',
  membership: 'bWVtYmVyc2hpcA==',
  bootstrap: ['/ip4/192.0.2.1/tcp/4242'],
};

describe('io/state/StateDir', () => {
  const folder = temporaryFolder();
  const path = (...names: string[]): string => join(folder(), 'state', ...names);

  async function failure(run: Promise<unknown>): Promise<CodedError> {
    const error = await rejection(run);
    expect(error).to.be.instanceOf(CodedError);
    return error as CodedError;
  }

  it('makes the directory for its owner alone', async () => {
    const state = await StateDir.open(path());
    expect(statSync(path()).mode & 0o777).to.equal(0o700);
    expect(state.socketPath).to.equal(path('admin.sock'));
  });

  it('keeps one identity for good', async () => {
    const first = await (await StateDir.open(path())).identitySeed();
    const second = await (await StateDir.open(path())).identitySeed();
    expect(first).to.have.length(32);
    expect(second).to.deep.equal(first);
    expect(statSync(path('identity.key')).mode & 0o777).to.equal(0o600);
  });

  it('gives one identity to many who ask at once, and leaves no temporary file', async () => {
    const states = await Promise.all(Array.from({ length: 8 }, () => StateDir.open(path())));
    const seeds = await Promise.all(states.map((state) => state.identitySeed()));
    for (const seed of seeds) expect(seed).to.deep.equal(seeds[0]);
    expect(readdirSync(path())).to.deep.equal(['identity.key']);
  });

  it('gives different identities to different directories', async () => {
    const one = await (await StateDir.open(path('one'))).identitySeed();
    const two = await (await StateDir.open(path('two'))).identitySeed();
    expect(one).to.not.deep.equal(two);
  });

  it('refuses an identity of which any digit was changed', async () => {
    const state = await StateDir.open(path());
    await state.identitySeed();
    const content = readFileSync(path('identity.key'), 'utf8');
    for (let index = 0; index < content.length; index++) {
      const other = content[index] === '0' ? '1' : '0';
      writeFileSync(
        path('identity.key'),
        content.slice(0, index) + other + content.slice(index + 1),
      );
      const error = await failure(state.identitySeed());
      expect(error.code).to.equal('corrupt');
      expect(error.message).to.contain(path('identity.key')).and.to.contain('restore it');
    }
  });

  it('refuses an empty identity file instead of making a new identity', async () => {
    const state = await StateDir.open(path());
    writeFileSync(path('identity.key'), '', { mode: 0o600 });
    expect((await failure(state.identitySeed())).code).to.equal('corrupt');
  });

  it('gives back the network it was given', async () => {
    const state = await StateDir.open(path());
    expect(await state.readNetwork()).to.equal(null);
    const rich = {
      ...NETWORK,
      rootSecretKey: 'cm9vdA==',
    };
    await state.writeNetwork(rich);
    expect(await (await StateDir.open(path())).readNetwork()).to.deep.equal(rich);
    expect(statSync(path('network.json')).mode & 0o777).to.equal(0o600);
  });

  it('keeps the last of many writes made at once', async () => {
    const state = await StateDir.open(path());
    const writes = Array.from({ length: 20 }, (_, index) =>
      state.writeNetwork({ ...NETWORK, bootstrap: [`/ip4/192.0.2.${String(index)}/tcp/1`] }),
    );
    await Promise.all(writes);
    expect((await state.readNetwork())?.bootstrap).to.deep.equal(['/ip4/192.0.2.19/tcp/1']);
    expect(readdirSync(path())).to.deep.equal(['network.json']);
  });

  it('forgets the network but not the identity', async () => {
    const state = await StateDir.open(path());
    const seed = await state.identitySeed();
    await state.writeNetwork(NETWORK);
    expect(await state.forgetNetwork()).to.equal(true);
    expect(await state.forgetNetwork()).to.equal(false);
    expect(await state.readNetwork()).to.equal(null);
    expect(await state.identitySeed()).to.deep.equal(seed);
  });

  for (const text of [
    '',
    '{',
    '[]',
    '{"version":2}',
    JSON.stringify({ ...NETWORK, psk: '*' }),
    JSON.stringify({ ...NETWORK, extra: 1 }),
    JSON.stringify({ ...NETWORK, bootstrap: 'x' }),
  ]) {
    it(`names a damaged network.json (${text.slice(0, 20)}...)`, async () => {
      const state = await StateDir.open(path());
      writeFileSync(path('network.json'), text, { mode: 0o600 });
      const error = await failure(state.readNetwork());
      expect(error.code).to.equal('corrupt');
      expect(error.message).to.contain(path('network.json')).and.to.contain('join again');
      // A damaged network can still be left.
      expect(await state.forgetNetwork()).to.equal(true);
    });
  }

  it('refuses secrets that others can read', async () => {
    const state = await StateDir.open(path());
    await state.identitySeed();
    chmodSync(path('identity.key'), 0o640);
    const error = await failure(state.identitySeed());
    expect(error.code).to.equal('insecure');
    expect(error.message).to.contain(`chmod 600 ${path('identity.key')}`);
  });

  for (const mode of [0o755, 0o701, 0o770]) {
    it(`refuses a directory of mode ${mode.toString(8)}`, async () => {
      mkdirSync(path());
      chmodSync(path(), mode);
      const error = await failure(StateDir.open(path()));
      expect(error.code).to.equal('insecure');
      expect(error.message).to.contain('chmod 700');
    });
  }

  it('lets a group in that may only look, so that its members can use the socket', async () => {
    mkdirSync(path());
    chmodSync(path(), 0o750);
    expect((await StateDir.open(path())).path).to.equal(path());
  });

  it('says when the path is a file', async () => {
    writeFileSync(path(), '');
    expect((await failure(StateDir.open(path()))).code).to.equal('not-a-directory');
    expect((await failure(StateDir.open(path('below')))).code).to.equal('not-a-directory');
  });

  it('says when a file is a directory', async () => {
    const state = await StateDir.open(path());
    mkdirSync(path('network.json'), { mode: 0o700 });
    expect((await failure(state.readNetwork())).code).to.equal('corrupt');
    expect((await failure(state.writeNetwork(NETWORK))).code).to.equal('io');
    expect(readdirSync(path())).to.deep.equal(['network.json']);
  });

  it('opens only what exists when asked to', async () => {
    expect(await StateDir.openExisting(path())).to.equal(null);
    expect(existsSync(path())).to.equal(false);
  });

  it('sweeps what killed writers left, and not what others are writing', async () => {
    mkdirSync(path(), { mode: 0o700 });
    const old = path('network.json.0123456789ab.tmp');
    const young = path('network.json.ba9876543210.tmp');
    const foreign = path('notes.tmp');
    for (const file of [old, young, foreign]) writeFileSync(file, 'x');
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const file of [old, foreign]) utimesSync(file, hourAgo, hourAgo);
    await StateDir.open(path());
    expect([old, young, foreign].map((file) => existsSync(file))).to.deep.equal([
      false,
      true,
      true,
    ]);
  });
});

describe('io/state/stateError', () => {
  const codes = {
    ENOSPC: ['disk-full', 'free some space'],
    EDQUOT: ['disk-full', 'free some space'],
    EROFS: ['read-only', 'another directory with --state'],
    EACCES: ['no-permission', 'run as its owner'],
    ENOTDIR: ['not-a-directory', 'another one with --state'],
    EIO: ['io', 'check the disk'],
  };
  for (const [errno, [code, advice]] of Object.entries(codes)) {
    it(`says ${String(code)} for ${errno}, which file, and what to do`, () => {
      const error = stateError(Object.assign(new Error(), { code: errno }), 'write', '/x/y');
      expect(error.code).to.equal(code);
      expect(error.message).to.contain('cannot write /x/y').and.to.contain(advice);
    });
  }
});
