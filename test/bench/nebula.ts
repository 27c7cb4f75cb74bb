/**
 * Debian's nebula between two hosts, as a yardstick: a mesh VPN in Go that many run. It is used as
 * packaged, with its default MTU and one routine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../netns/lab/host.js';
import type { Program } from '../netns/lab/program.js';
import { eventually, systemPing } from '../netns/lab/scenario.js';

const PORT = 4343;

interface Node {
  readonly host: Host;
  /** Address of the host's card. */
  readonly outer: string;
  /** Address inside nebula. */
  readonly inner: string;
}

function config(self: Node, other: Node): string {
  const file = (name: string): string => join(self.host.folder, name);
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

async function certify(nodes: readonly Node[]): Promise<void> {
  for (const { host, inner } of nodes) {
    const file = (name: string): string => join(host.folder, name);
    const [first = host] = nodes.map((node) => node.host);
    const authority = (name: string): string => join(first.folder, name);
    if (host === first) {
      const outputs = ['-out-crt', authority('ca.crt'), '-out-key', authority('ca.key')];
      await host.check('nebula-cert', ['ca', '-name', 'bench', ...outputs]);
    } else {
      await host.check('cp', [authority('ca.crt'), file('ca.crt')]);
    }
    await host.check('nebula-cert', [
      ...['sign', '-name', host.name, '-ip', `${inner}/24`],
      ...['-ca-crt', authority('ca.crt'), '-ca-key', authority('ca.key')],
      ...['-out-crt', file('node.crt'), '-out-key', file('node.key')],
    ]);
  }
}

export interface NebulaPair {
  readonly inner: readonly [string, string];
  readonly programs: readonly Program[];
  stop(): Promise<void>;
}

/** Starts nebula on both hosts and waits until they reach each other. */
export async function startNebula(
  hosts: readonly [Host, Host],
  outer: readonly [string, string],
): Promise<NebulaPair> {
  const a: Node = { host: hosts[0], outer: outer[0], inner: '10.199.0.1' };
  const b: Node = { host: hosts[1], outer: outer[1], inner: '10.199.0.2' };
  await certify([a, b]);
  const programs = [[a, b] as const, [b, a] as const].map(([self, other]) => {
    const file = join(self.host.folder, 'nebula.yaml');
    writeFileSync(file, config(self, other));
    return self.host.spawn('nebula', ['-config', file]);
  });
  await eventually('nebula connects', 15_000, () => systemPing(a.host, b.inner, { timeoutS: 1 }));
  return {
    inner: [a.inner, b.inner],
    programs,
    stop: async () => {
      for (const program of programs) await program.stop();
    },
  };
}
