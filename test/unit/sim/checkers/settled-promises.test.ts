import { expect } from 'chai';
import type { PeerId } from '../../../../overlay/base/peer-id.js';
import type { Rpc } from '../../../../overlay/ports.js';
import { SettledPromises } from '../../../../sim/checkers/settled-promises.js';
import { Violations } from '../../../../sim/checkers/checker.js';
import type { World } from '../../../../sim/world/world.js';
import { rejection } from '../../../support/temporary-folder.js';
import { fakeNode, fakeWorld, found } from '../../../support/sim/fakes.js';

describe('the checker of settled promises', () => {
  const node = fakeNode('a', { run: {} });
  const to = 'b' as PeerId;
  let time: { nowMs: number };
  let world: World;
  let violations: Violations;
  let checker: SettledPromises;
  let rpc: Rpc;
  let answer: (value: Uint8Array) => void;
  let refuse: (error: Error) => void;

  beforeEach(() => {
    time = { nowMs: 0 };
    world = fakeWorld(Object.assign(time, { nodeOf: () => null }));
    violations = new Violations();
    checker = new SettledPromises(world, violations);
    rpc = world.watchRpc(node, {
      self: node.peer,
      serve: () => undefined,
      request: () =>
        new Promise((resolve, reject) => {
          answer = resolve;
          refuse = reject;
        }),
    });
  });

  it('takes answers, and refusals, until the limit', async () => {
    const first = rpc.request(to, 'x/1', new Uint8Array(), { timeoutMs: 100 });
    time.nowMs = 100;
    answer(Uint8Array.of(7));
    expect(await first).to.deep.equal(Uint8Array.of(7));
    const second = rpc.request(to, 'x/1', new Uint8Array(), { timeoutMs: 100 });
    refuse(new Error('no'));
    expect(await rejection(second)).to.have.property('message', 'no');
    expect(checker.open).to.equal(0);
    time.nowMs = 1_000;
    checker.look(world);
    expect(found(violations)).to.deep.equal([]);
  });

  it('finds a request that never ends, once', () => {
    void rpc.request(to, 'x/1', new Uint8Array(), { timeoutMs: 100 });
    time.nowMs = 101;
    checker.look(world);
    expect(found(violations)).to.deep.equal([]);
    time.nowMs = 150;
    checker.look(world);
    checker.look(world);
    expect(found(violations)).to.deep.equal([
      'unsettledPromises: a request x/1 of a to b is still open 50 ms after its limit',
    ]);
  });

  it('finds one that ends late', async () => {
    const request = rpc.request(to, 'x/1', new Uint8Array(), { timeoutMs: 100 });
    time.nowMs = 130;
    answer(new Uint8Array());
    await request;
    expect(found(violations)[0]).to.match(/ended late 30 ms after its limit$/);
  });

  it('expects nothing of the dead', () => {
    void rpc.request(to, 'x/1', new Uint8Array(), { timeoutMs: 100 });
    checker.heard({ kind: 'ended', node, how: 'killed' }, 50);
    time.nowMs = 1_000;
    checker.look(world);
    expect(found(violations)).to.deep.equal([]);
    expect(checker.open).to.equal(0);
  });
});
