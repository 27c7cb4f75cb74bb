/** Two hosts with nothing between them. */
import { command } from '../../netns/lab/command.js';
import type { Lab } from '../../netns/lab/lab.js';
import { Link } from '../../netns/lab/link.js';
import type { Pair } from './tunnel.js';

/** Joins two new hosts by a cable without a switch. */
export function cable(lab: Lab): Pair {
  const [a, b] = [lab.host('a'), lab.host('b')];
  const outer = ['192.0.2.1', '192.0.2.2'] as const;
  const end = { netns: b.netns, device: 'eth0' };
  a.links.push(new Link({ netns: a.netns, device: 'eth0' }, end, { v4: `${outer[0]}/24` }));
  command('ip', ['-n', b.netns, 'address', 'add', `${outer[1]}/24`, 'dev', end.device]);
  return { hosts: [a, b], outer };
}
