/**
 * Debian's nebula between two hosts: a mesh VPN in Go that many run. It is used as packaged, with its
 * default MTU and one routine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../netns/lab/host.js';
import { connected, type Tunnel } from './tunnel.js';

const PORT = 4343;
const INNER = ['10.199.0.1', '10.199.0.2'] as const;

function config(host: Host, other: { readonly inner: string; readonly outer: string }): string {
  const file = (name: string): string => join(host.folder, name);
  // nebula reads YAML, of which JSON is a part.
  return JSON.stringify({
    pki: { ca: file('ca.crt'), cert: file('node.crt'), key: file('node.key') },
    static_host_map: { [other.inner]: [`${other.outer}:${String(PORT)}`] },
    lighthouse: { am_lighthouse: false, hosts: [] },
    listen: { host: '0.0.0.0', port: PORT },
    tun: { dev: 'nebula0' },
    logging: { level: 'warning' },
    firewall: {
      outbound: [{ port: 'any', proto: 'any', host: 'any' }],
      inbound: [{ port: 'any', proto: 'any', host: 'any' }],
    },
  });
}

/** The first host is the authority; the second gets what it needs of it. */
async function certify([a, b]: readonly [Host, Host]): Promise<void> {
  const authority = (name: string): string => join(a.folder, name);
  const outputs = ['-out-crt', authority('ca.crt'), '-out-key', authority('ca.key')];
  await a.check('nebula-cert', ['ca', '-name', 'bench', ...outputs]);
  await b.check('cp', [authority('ca.crt'), join(b.folder, 'ca.crt')]);
  for (const [index, host] of [a, b].entries()) {
    await host.check('nebula-cert', [
      ...['sign', '-name', host.name, '-ip', `${INNER[index] ?? ''}/24`],
      ...['-ca-crt', authority('ca.crt'), '-ca-key', authority('ca.key')],
      ...['-out-crt', join(host.folder, 'node.crt'), '-out-key', join(host.folder, 'node.key')],
    ]);
  }
}

export const NEBULA: Tunnel = {
  name: 'nebula',
  needs: ['nebula', 'nebula-cert'],
  start: async (pair) => {
    await certify(pair.hosts);
    const programs = pair.hosts.map((host, index) => {
      const file = join(host.folder, 'nebula.yaml');
      const other = 1 - index;
      const peer = { inner: INNER[other] ?? '', outer: pair.outer[other] ?? '' };
      writeFileSync(file, config(host, peer));
      return host.spawn('nebula', ['-config', file]);
    });
    return connected(pair, INNER, programs);
  },
};
