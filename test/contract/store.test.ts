/** One suite for the `Store` port on disk and in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Store } from '../../overlay/ports.js';
import { MemoryStore } from '../../sim/memory/memory-store.js';
import { LevelStore } from '../../src/io/level-store.js';
import { codeOf } from './world.js';

interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

function storeContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`Store ${name}`, () => {
    let opened: OpenStore;
    let store: Store;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });

    afterEach(async () => {
      await opened.close();
    });

    it('gives back what was put, and null for the rest', async () => {
      await store.put('a', Uint8Array.of(1, 2));
      await store.put('empty', new Uint8Array(0));
      expect([...((await store.get('a')) ?? [])]).to.deep.equal([1, 2]);
      expect(await store.get('empty')).to.have.length(0);
      expect(await store.get('b')).to.equal(null);
    });

    it('replaces and deletes', async () => {
      await store.put('a', Uint8Array.of(1));
      await store.put('a', Uint8Array.of(2));
      expect([...((await store.get('a')) ?? [])]).to.deep.equal([2]);
      await store.delete('a');
      await store.delete('never there');
      expect(await store.get('a')).to.equal(null);
    });

    it('lists exactly the keys with a prefix, in the order of their bytes', async () => {
      for (const key of ['b/2', 'a/1', 'b/10', 'b', 'c', 'b/\u{1f600}', 'b/\uffee']) {
        await store.put(key, Uint8Array.of(key.length));
      }
      const keys = (await store.list('b/')).map(([key]) => key);
      expect(keys).to.deep.equal(['b/10', 'b/2', 'b/\uffee', 'b/\u{1f600}']);
      expect(await store.list('')).to.have.length(7);
      expect(await store.list('d')).to.deep.equal([]);
    });

    it('does not share memory with its users', async () => {
      const value = Uint8Array.of(1);
      await store.put('a', value);
      value[0] = 9;
      const [got] = await Promise.all([store.get('a')]);
      if (got !== null) got[0] = 8;
      expect([...((await store.get('a')) ?? [])]).to.deep.equal([1]);
    });
  });
}

async function folder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'overlay-store-'));
}

storeContract('in memory', () =>
  Promise.resolve({ store: new MemoryStore(), close: () => Promise.resolve() }),
);

storeContract('on disk', async () => {
  const path = await folder();
  const store = await LevelStore.open(join(path, 'db'));
  const close = async (): Promise<void> => {
    await store.close();
    await rm(path, { recursive: true });
  };
  return { store, close };
});

describe('Store on disk', () => {
  let path = '';

  beforeEach(async () => {
    path = await folder();
  });

  afterEach(async () => {
    await rm(path, { recursive: true });
  });

  it('keeps its contents when it is closed and opened again', async () => {
    const first = await LevelStore.open(join(path, 'db'));
    await first.put('a', Uint8Array.of(7));
    await first.close();
    const second = await LevelStore.open(join(path, 'db'));
    expect([...((await second.get('a')) ?? [])]).to.deep.equal([7]);
    await second.close();
  });

  it('says when another node has it open', async () => {
    const store = await LevelStore.open(join(path, 'db'));
    expect(await codeOf(LevelStore.open(join(path, 'db')))).to.equal('store-locked');
    await store.close();
  });

  it('says when it cannot be opened or has been closed', async () => {
    expect(await codeOf(LevelStore.open('/dev/null/db'))).to.equal('store-unavailable');
    const store = await LevelStore.open(join(path, 'db'));
    await store.close();
    expect(await codeOf(store.get('a'))).to.equal('store-unavailable');
    expect(await codeOf(store.put('a', Uint8Array.of(1)))).to.equal('store-unavailable');
    expect(await codeOf(store.list(''))).to.equal('store-unavailable');
  });
});
