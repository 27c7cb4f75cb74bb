/**
 * Goal: a stranger learns the rules of an open network from an address, and a clear sentence where
 * there is none. Method: real hosts over TCP on loopback.
 */
import { expect } from 'chai';
import { hasCode } from '../../../../overlay/base/errors.js';
import { Canceller } from '../../../../overlay/base/signal.js';
import { fetchGenesis, serveGenesis } from '../../../../src/io/libp2p/genesis.js';
import { at } from '../../../contract/world.js';
import { libp2pWorld, type RealWorld } from '../../../contract/libp2p-world.js';
import { SILENT } from '../../../support/silent.js';

const GENESIS = Uint8Array.from({ length: 300 }, (_, index) => index & 0xff);

describe('the genesis of an open network', () => {
  let world: RealWorld;

  beforeEach(() => {
    world = libp2pWorld('tcp');
  });

  afterEach(async () => {
    await world.end();
  });

  async function ask(address: string): Promise<Awaited<ReturnType<typeof fetchGenesis>>> {
    return await fetchGenesis(address, { logger: SILENT, signal: new Canceller().signal });
  }

  it('is told to anyone who asks, with the peer id of who answers', async () => {
    const member = await world.create();
    serveGenesis(member.host, GENESIS);
    await member.start();
    const address = at(member.swarm.addresses(), 0);
    const [bare] = address.split('/p2p/');
    for (const asked of [address, bare ?? '']) {
      const answer = await ask(asked);
      expect(Buffer.compare(answer.genesis, GENESIS)).to.equal(0);
      expect(answer.address).to.equal(address);
    }
  });

  it('is not to be had from a network with a key, or from nobody', async () => {
    const closed = await world.create({ psk: new Uint8Array(32).fill(1) });
    serveGenesis(closed.host, GENESIS);
    await closed.start();
    const silent = await world.create();
    await silent.start();
    for (const address of [
      at(closed.swarm.addresses(), 0),
      at(silent.swarm.addresses(), 0),
      '/ip4/127.0.0.1/tcp/9',
    ]) {
      const error = await ask(address).catch((reason: unknown) => reason);
      expect(hasCode(error, 'no-open-network'), address).to.equal(true);
      expect(String(error)).to.include(address);
    }
  });
});
