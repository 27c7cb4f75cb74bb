/** Contract worlds of real hosts, in one process or over TCP on loopback. */
import { randomBytes } from 'node:crypto';
import { createHost, type Host } from '../../src/io/libp2p/host.js';
import type { HostOptions } from '../../src/io/libp2p/host-options.js';
import type { Logger } from '../../overlay/ports.js';
import { memory } from '@libp2p/memory';
import { TestGate, type World, type WorldHost } from './world.js';

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const TEST_NETWORK = '00112233445566778899aabbccddeeff';

export interface RealHost extends WorldHost {
  readonly host: Host;
}

export interface RealWorld extends World {
  create(options?: Partial<HostOptions>): Promise<RealHost>;
}

let names = 0;

export function libp2pWorld(
  transport: 'memory' | 'tcp',
  common: Partial<HostOptions> = {},
): RealWorld {
  const hosts: Host[] = [];
  return {
    create: async (options = {}) => {
      const gate = new TestGate();
      const host = await createHost({
        secretKeySeed: Uint8Array.from(randomBytes(32)),
        networkId: TEST_NETWORK,
        psk: null,
        relay: false,
        mdns: false,
        gate,
        logger: SILENT,
        ...(transport === 'memory'
          ? {
              listen: [`/memory/contract-${String(process.pid)}-${String(names++)}`],
              transports: [memory()],
            }
          : { listen: ['/ip4/127.0.0.1/tcp/0'] }),
        ...common,
        ...options,
      });
      hosts.push(host);
      const { rpc, directory, swarm, streams } = host;
      return {
        self: host.swarm.self,
        gate,
        rpc,
        directory,
        swarm,
        streams,
        host,
        start: () => host.start(),
        stop: () => host.stop(),
      };
    },
    end: async () => {
      await Promise.all(hosts.map((host) => host.stop()));
    },
  };
}
