/** WireGuard in user space, as packaged: the kernel of many test machines has none. */
import { eventually } from '../../netns/lab/scenario.js';
import { connected, type Tunnel } from './tunnel.js';

const INNER = ['10.194.0.1', '10.194.0.2'] as const;
const PORT = '51820';
// The usual size: 80 bytes of headers around IPv6.
const MTU = '1420';
const START_TIMEOUT_MS = 5_000;

export const WIREGUARD: Tunnel = {
  name: 'wireguard-go',
  needs: ['wireguard-go', 'wg'],
  start: async (pair) => {
    const device = (index: number): string => `wgb${String(process.pid)}${String(index)}`;
    const programs = pair.hosts.map((host, index) =>
      // Its control socket is in a folder that all namespaces share, hence the process id in the name.
      host.spawn('wireguard-go', ['-f', device(index)], { env: { LOG_LEVEL: 'error' } }),
    );
    const keys = await Promise.all(
      pair.hosts.map(async (host) => {
        const made = await host.check('sh', [
          '-c',
          'cd "$1" && wg genkey | tee wg.key | wg pubkey',
          'sh',
          host.folder,
        ]);
        return made.trim();
      }),
    );
    for (const [index, host] of pair.hosts.entries()) {
      const other = 1 - index;
      const own = device(index);
      const settings = [
        ...['set', own, 'listen-port', PORT, 'private-key', `${host.folder}/wg.key`],
        ...['peer', keys[other] ?? '', 'allowed-ips', `${INNER[other] ?? ''}/32`],
        ...['endpoint', `${pair.outer[other] ?? ''}:${PORT}`],
      ];
      await eventually('wireguard-go listens', START_TIMEOUT_MS, () => host.check('wg', settings));
      host.ip('address', 'add', `${INNER[index] ?? ''}/24`, 'dev', own);
      host.ip('link', 'set', own, 'mtu', MTU, 'up');
    }
    return connected(pair, INNER, programs);
  },
};
