/**
 * One suite for every implementation of the host ports. What passes here on real hosts and on their
 * virtual twins is what the simulator's results rest on.
 */
import { directoryContract } from './directory-contract.js';
import { rpcContract } from './rpc-contract.js';
import { streamsContract } from './streams-contract.js';
import { swarmContract } from './swarm-contract.js';
import type { World } from './world.js';

export function portsContract(name: string, makeWorld: () => World): void {
  describe(`host ports on ${name}`, () => {
    let world: World;

    beforeEach(() => {
      world = makeWorld();
    });

    afterEach(async () => {
      await world.end();
    });

    describe('Rpc', () => {
      rpcContract(() => world);
    });
    describe('Streams', () => {
      streamsContract(() => world);
    });
    describe('Swarm', () => {
      swarmContract(() => world);
    });
    describe('Directory', () => {
      directoryContract(() => world);
    });
  });
}
