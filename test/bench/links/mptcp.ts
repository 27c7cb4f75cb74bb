/**
 * The kernel's own MPTCP over all lines of a rig: each further address of the second host is announced,
 * and the first host adds one subflow to each. Source: ip-mptcp(8).
 */
import { command, commandIn } from '../../netns/lab/command.js';
import type { ShapedTunnel } from '../../netns/lab/shaped-tunnel.js';
import { areInstalled } from '../installed.js';

/** Makes a program use MPTCP where it asks for TCP. */
export const MPTCP_WRAPPER: readonly string[] = ['mptcpize', 'run'];

/** Subflows beside the first; the kernel takes no more than 8. */
const SUBFLOWS = '8';

/** @returns why there is none here, or null */
export function prepareMptcp(rig: ShapedTunnel): string | null {
  if (!areInstalled(['mptcpize'])) return 'not installed';
  const [a, b] = [rig.host(0), rig.host(1)];
  try {
    for (const { netns } of [a, b]) {
      commandIn(netns, 'sh', ['-c', 'echo 1 >/proc/sys/net/mptcp/enabled']);
      const limits = ['subflow', SUBFLOWS, 'add_addr_accepted', SUBFLOWS];
      command('ip', ['-n', netns, 'mptcp', 'limits', 'set', ...limits]);
    }
    for (const { b: card } of rig.lines.slice(1)) {
      const endpoint = [card.v4, 'dev', card.host.device, 'signal'];
      command('ip', ['-n', b.netns, 'mptcp', 'endpoint', 'add', ...endpoint]);
    }
    return null;
  } catch {
    return 'not in this kernel';
  }
}
