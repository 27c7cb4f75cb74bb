/** Contract world of virtual hosts. Real time drives them, as the suite waits in real time too. */
import { peerIdOfPublicKey } from '../../overlay/base/peer-id.js';
import { MemoryHost } from '../../sim/memory/host.js';
import { MemoryNetwork } from '../../sim/memory/network.js';
import { NodeClock } from '../../src/io/node-clock.js';
import { NodeCrypto } from '../../src/io/node-crypto.js';
import { TestGate, type World, type WorldHost } from './world.js';

export function memoryWorld(latencyMs: number): World {
  const crypto = new NodeCrypto();
  const hosts: MemoryHost[] = [];
  const network = new MemoryNetwork({
    clock: new NodeClock(),
    sha256: (data) => crypto.sha256(data),
    latencyMs,
  });
  return {
    create: (): Promise<WorldHost> => {
      const gate = new TestGate();
      const seed = new Uint8Array(32).fill(hosts.length + 1);
      const self = peerIdOfPublicKey(crypto.keyPair(seed).publicKey);
      const host = new MemoryHost(network, { self, gate });
      hosts.push(host);
      return Promise.resolve(host as MemoryHost & { gate: TestGate });
    },
    end: async () => {
      await Promise.all(hosts.map((host) => host.stop()));
    },
  };
}
