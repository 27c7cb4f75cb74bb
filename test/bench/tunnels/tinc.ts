/** tinc 1.0 in router mode with its defaults: AES-256-CBC and SHA-256, over UDP. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../../netns/lab/host.js';
import { connected, type Pair, type Tunnel } from './tunnel.js';

const INNER = ['10.197.0.1', '10.197.0.2'] as const;
const NAMES = ['first', 'second'] as const;
const DEVICE = 'tinc0';
const KEY_BITS = '2048';

const folderOf = (host: Host): string => join(host.folder, 'tinc');
const hostFile = (host: Host, index: number): string =>
  join(folderOf(host), 'hosts', NAMES[index] ?? '');

async function configure({ hosts, outer }: Pair, index: number): Promise<void> {
  const host = hosts[index] ?? hosts[0];
  const folder = folderOf(host);
  mkdirSync(join(folder, 'hosts'), { recursive: true });
  const connect = index === 0 ? [] : [`ConnectTo = ${NAMES[0]}`];
  const lines = [`Name = ${NAMES[index] ?? ''}`, `Interface = ${DEVICE}`, ...connect];
  writeFileSync(join(folder, 'tinc.conf'), `${lines.join('\n')}\n`);
  const about = [`Address = ${outer[index] ?? ''}`, `Subnet = ${INNER[index] ?? ''}/32`];
  writeFileSync(hostFile(host, index), `${about.join('\n')}\n`);
  const up = [
    '#!/bin/sh',
    `ip address add ${INNER[index] ?? ''}/24 dev "$INTERFACE"`,
    'ip link set "$INTERFACE" up',
  ];
  writeFileSync(join(folder, 'tinc-up'), `${up.join('\n')}\n`, { mode: 0o755 });
  // Appends the public key to the host's own file. It asks where to, and takes no answer as its default.
  await host.check('tincd', ['-c', folder, '-K', KEY_BITS]);
}

export const TINC: Tunnel = {
  name: 'tinc',
  needs: ['tincd'],
  start: async (pair) => {
    const [a, b] = pair.hosts;
    await Promise.all([configure(pair, 0), configure(pair, 1)]);
    copyFileSync(hostFile(a, 0), hostFile(b, 0));
    copyFileSync(hostFile(b, 1), hostFile(a, 1));
    const programs = pair.hosts.map((host) => {
      const folder = folderOf(host);
      return host.spawn('tincd', ['-D', '-c', folder, `--pidfile=${folder}/pid`]);
    });
    return connected(pair, INNER, programs);
  },
};
