/** Contract world of virtual hosts on the modelled directory. Real time drives them. */
import { peerIdOfPublicKey } from '../../overlay/base/peer-id.js';
import { VirtualDht } from '../../sim/dht/virtual-dht.js';
import { VirtualDirectory } from '../../sim/dht/virtual-directory.js';
import { MemoryHost } from '../../sim/memory/host.js';
import { MemoryNetwork } from '../../sim/memory/network.js';
import { SeededRng } from '../../sim/memory/seeded-rng.js';
import { NodeClock } from '../../src/io/node-clock.js';
import { NodeCrypto } from '../../src/io/node-crypto.js';
import { TestGate, type World, type WorldHost } from './world.js';

export function virtualWorld(latencyMs: number): World {
  const crypto = new NodeCrypto();
  const sha256 = (data: Uint8Array): Uint8Array => crypto.sha256(data);
  const hosts: MemoryHost[] = [];
  const network = new MemoryNetwork({ clock: new NodeClock(), sha256, latencyMs });
  const dht = new VirtualDht({ sha256, rng: new SeededRng(1) });
  return {
    create: (): Promise<WorldHost> => {
      const gate = new TestGate();
      const seed = new Uint8Array(32).fill(hosts.length + 1);
      const self = peerIdOfPublicKey(crypto.keyPair(seed).publicKey);
      const host = new MemoryHost(network, {
        self,
        gate,
        directory: (local) => new VirtualDirectory(local, dht),
      });
      hosts.push(host);
      return Promise.resolve(host as MemoryHost & { gate: TestGate });
    },
    end: async () => {
      await Promise.all(hosts.map((host) => host.stop()));
    },
  };
}
