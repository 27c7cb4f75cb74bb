import { libp2pWorld } from './libp2p-world.js';
import { portsContract } from './ports-contract.js';

portsContract('libp2p in one process', () => libp2pWorld('memory'));
portsContract('libp2p over TCP with a pre-shared key', () =>
  libp2pWorld('tcp', { psk: new Uint8Array(32).fill(7) }),
);
