/** n2n: two edges that reach each other directly, introduced by a supernode on the first host. */
import { connected, type Tunnel } from './tunnel.js';

const INNER = ['10.196.0.1', '10.196.0.2'] as const;
const SUPERNODE_PORT = '7654';
const COMMUNITY = 'bench';
const KEY = 'a-key-of-the-bench';
/** Edges drop their privileges to a user that need not exist. */
const ROOT = ['-u', '0', '-g', '0'];

export const N2N: Tunnel = {
  name: 'n2n',
  needs: ['edge', 'supernode'],
  start: async (pair) => {
    const [first] = pair.hosts;
    const supernode = first.spawn('supernode', ['-l', SUPERNODE_PORT, '-f']);
    const edges = pair.hosts.map((host, index) =>
      host.spawn('edge', [
        ...['-d', 'edge0', '-a', INNER[index] ?? '', '-c', COMMUNITY, '-k', KEY, ...ROOT],
        ...['-l', `${pair.outer[0]}:${SUPERNODE_PORT}`],
      ]),
    );
    return connected(pair, INNER, [supernode, ...edges]);
  },
};
