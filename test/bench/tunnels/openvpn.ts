/** OpenVPN between two hosts over UDP with AES-256-GCM, in user space: its kernel module stays off. */
import { join } from 'node:path';
import type { Host } from '../../netns/lab/host.js';
import { connected, type Tunnel } from './tunnel.js';

const INNER = ['10.195.0.1', '10.195.0.2'] as const;
const PORT = '1194';

const file = (host: Host, name: string): string => join(host.folder, name);

/** A certificate that signs itself. @returns its fingerprint */
async function certify(host: Host): Promise<string> {
  await host.check('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', `/CN=${host.name}`],
    ...['-keyout', file(host, 'openvpn.key'), '-out', file(host, 'openvpn.crt')],
  ]);
  const flags = ['-fingerprint', '-sha256', '-noout', '-in', file(host, 'openvpn.crt')];
  const printed = await host.check('openssl', ['x509', ...flags]);
  return printed.trim().split('=')[1] ?? '';
}

export const OPENVPN: Tunnel = {
  name: 'openvpn',
  needs: ['openvpn', 'openssl'],
  start: async (pair) => {
    const fingerprints = await Promise.all(pair.hosts.map(certify));
    const programs = pair.hosts.map((host, index) => {
      const other = 1 - index;
      return host.spawn('openvpn', [
        ...['--dev', 'ovpn0', '--dev-type', 'tun', '--proto', 'udp', '--port', PORT],
        ...['--ifconfig', INNER[index] ?? '', INNER[other] ?? ''],
        ...(index === 0 ? ['--tls-server', '--dh', 'none'] : ['--tls-client']),
        ...(index === 0 ? [] : ['--remote', pair.outer[other] ?? '']),
        ...['--cert', file(host, 'openvpn.crt'), '--key', file(host, 'openvpn.key')],
        ...['--peer-fingerprint', fingerprints[other] ?? ''],
        ...['--cipher', 'AES-256-GCM', '--data-ciphers', 'AES-256-GCM', '--disable-dco'],
        ...['--verb', '1'],
      ]);
    });
    return connected(pair, INNER, programs);
  },
};
