/** Whole nodes on real libp2p hosts, all in this process, with the identities that the simulator gives its own. */
import { Roster } from '../../../overlay/peers/roster.js';
import type { Crypto, Logger, Rpc } from '../../../overlay/ports.js';
import { WITNESS_GRACE_MS } from '../../../dhcp/terms.js';
import { MemoryStore } from '../../../sim/memory/memory-store.js';
import { type MemberKeys } from '../../../sim/world/member-keys.js';
import { createHost } from '../../io/libp2p/host.js';
import { memoryAddress, memoryTransport } from '../../io/libp2p/memory-transport.js';
import { NodeClock } from '../../io/node-clock.js';
import { NodeRng } from '../../io/node-rng.js';
import { OverlayNode } from '../../node/node.js';
import { TrustGate } from '../../node/trust.js';

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const MTU_BYTES = 1_420;

export interface RealMember {
  readonly node: OverlayNode;
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

export interface RealMembersOptions {
  readonly keys: MemberKeys;
  readonly crypto: Crypto;
  /** What is around the requests of a node. */
  readonly watchRpc: (number: number, rpc: Rpc) => Rpc;
}

/** @param bootstrap multiaddrs of members; none for the founder, number 0 */
export async function startMember(
  { keys, crypto, watchRpc }: RealMembersOptions,
  number: number,
  bootstrap: readonly string[],
): Promise<RealMember> {
  const identity = number === 0 ? keys.founder(number) : keys.invited(number);
  const clock = new NodeClock();
  const roster = new Roster({ graceMs: WITNESS_GRACE_MS });
  const gate = new TrustGate({ self: identity.self, roster, clock, logger: SILENT });
  const host = await createHost({
    secretKeySeed: identity.secretKey,
    networkId: identity.networkId,
    psk: null,
    listen: [memoryAddress(`calibration-${String(process.pid)}-${String(number)}`)],
    transports: [memoryTransport()],
    ...{ relay: false, mdns: false, gate, logger: SILENT },
  });
  const { directory, swarm, streams } = host;
  const node = new OverlayNode(
    identity,
    {
      ...{ clock, directory, swarm, streams, crypto, logger: SILENT },
      rpc: watchRpc(number, host.rpc),
      store: new MemoryStore(),
      rng: new NodeRng(),
      device: null,
      multipath: null,
    },
    { roster, gate },
    {
      name: `n${String(number)}`,
      founder: number === 0,
      bootstrap,
      mtu: MTU_BYTES,
      version: 'calibration',
      admitted: (peer) => {
        host.admit(peer);
      },
      // A member that gives up has no address in the end, which the numbers show.
      failed: () => undefined,
    },
  );
  await node.prepare();
  await host.start();
  node.start();
  return {
    node,
    addresses: host.swarm.addresses(),
    stop: async () => {
      await node.stop();
      await host.stop();
    },
  };
}
