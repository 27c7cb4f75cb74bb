import { expect } from 'chai';
import { ManualClock } from '../../../../sim/memory/manual-clock.js';
import { SeededRng } from '../../../../sim/memory/seeded-rng.js';
import { VirtualDisk, type DiskHandle } from '../../../../sim/world/virtual-disk.js';

const WRITE_MS_MAX = 10;

describe('a virtual disk', () => {
  let clock: ManualClock;
  let disk: VirtualDisk;
  let handle: DiskHandle;

  function start(seed: number): void {
    clock = new ManualClock();
    disk = new VirtualDisk({ clock, rng: new SeededRng(seed), writeMsMax: WRITE_MS_MAX });
    handle = disk.open();
  }

  beforeEach(() => {
    start(1);
  });

  async function keys(): Promise<string[]> {
    return (await disk.open().list('')).map(([key]) => key);
  }

  it('has what was written only when the write has taken its time', async () => {
    let done = false;
    void handle.put('k', Uint8Array.of(1)).then(() => (done = true));
    expect(await handle.get('k')).to.equal(null);
    await clock.advance(WRITE_MS_MAX);
    expect(done).to.equal(true);
    expect(await handle.get('k')).to.deep.equal(Uint8Array.of(1));
    void handle.delete('k');
    await clock.advance(WRITE_MS_MAX);
    expect(await handle.get('k')).to.equal(null);
    expect(disk.entries).to.equal(0);
  });

  it('writes one thing after another', async () => {
    const order: number[] = [];
    for (const number of [1, 2, 3]) {
      void handle.put('k', Uint8Array.of(number)).then(() => order.push(number));
    }
    await clock.advance(3 * WRITE_MS_MAX);
    expect(order).to.deep.equal([1, 2, 3]);
    expect(await handle.get('k')).to.deep.equal(Uint8Array.of(3));
  });

  it('keeps what is its own, and lists by prefix in order', async () => {
    const value = Uint8Array.of(1);
    for (const key of ['b/2', 'a/1', 'b/1']) void handle.put(key, value);
    value[0] = 9;
    await clock.advance(3 * WRITE_MS_MAX);
    (await handle.get('a/1'))![0] = 9;
    expect(await handle.get('a/1')).to.deep.equal(Uint8Array.of(1));
    expect((await handle.list('b/')).map(([key]) => key)).to.deep.equal(['b/1', 'b/2']);
  });

  it('outlives the process: what was written stays, and nothing the dead asked for is answered', async () => {
    void handle.put('k', Uint8Array.of(1));
    await clock.advance(WRITE_MS_MAX);
    handle.cut();
    let answered = false;
    for (const asked of [handle.get('k'), handle.list(''), handle.put('late', Uint8Array.of(2))]) {
      void asked.then(() => (answered = true));
    }
    await clock.advance(10 * WRITE_MS_MAX);
    expect(answered).to.equal(false);
    expect(await keys()).to.deep.equal(['k']);
  });

  it('loses of what is being written the last, by chance, and never the first alone', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 64; seed++) {
      start(seed);
      let answered = 0;
      for (const key of ['1', '2', '3']) {
        void handle.put(key, Uint8Array.of(1)).then(() => (answered += 1));
      }
      await clock.advance(0);
      handle.cut();
      await clock.advance(10 * WRITE_MS_MAX);
      expect(answered, `seed ${seed}`).to.equal(0);
      seen.add((await keys()).join(''));
    }
    expect([...seen].sort()).to.deep.equal(['', '1', '12', '123']);
  });
});
