/** This program: the real command on both hosts, joined by an invite, with all its defaults. */
import type { Host } from '../../netns/lab/host.js';
import { memberOf, type Member } from '../../netns/lab/network.js';
import { OverlayNode } from '../../netns/lab/overlay-node.js';
import { cliPath } from '../../netns/lab/requirements.js';
import { eventually } from '../../netns/lab/scenario.js';
import { connected, stopAll, type Pair, type RunningTunnel, type Tunnel } from './tunnel.js';

/** Datagram paths are opened for peers that have traffic. */
const PATH_TIMEOUT_MS = 15_000;

/** Starts a node under a `node` with these flags of its own. */
function startNode(host: Host, nodeFlags: readonly string[], args: readonly string[]): OverlayNode {
  const [verb = '', ...rest] = args;
  const own = ['--state', host.stateDir, '--name', host.name, '--no-mdns', ...rest];
  const argv = [...nodeFlags, cliPath(), verb, ...own];
  return new OverlayNode(host, host.spawn(process.execPath, argv));
}

async function waitForDatagrams({ host }: Member): Promise<void> {
  await eventually('a path of datagrams', PATH_TIMEOUT_MS, async () => {
    const { peers } = await host.overlayJson('peers');
    const paths = peers.flatMap((peer) => peer.paths);
    const usable = paths.some(({ transport, state }) => transport !== 'tcp' && state === 'active');
    if (usable) return;
    throw new Error(paths.map(({ transport, state }) => `${transport} ${state}`).join(', '));
  });
}

/**
 * A network of two.
 * @param nodeFlags of the `node` that runs the command, for each host
 * @throws LabError also when packets go by TCP only: its figures would be those of something else
 */
export async function startOverlay(
  pair: Pair,
  nodeFlags: readonly [readonly string[], readonly string[]] = [[], []],
): Promise<RunningTunnel> {
  const [a, b] = pair.hosts;
  const first = startNode(a, nodeFlags[0], ['create']);
  const started = [first.program];
  try {
    const invite = await first.invite();
    const second = startNode(b, nodeFlags[1], ['join', invite]);
    started.push(second.program);
    const members = [await memberOf(a, first), await memberOf(b, second)] as const;
    const inner = [members[0].address4, members[1].address4] as const;
    const running = await connected(pair, inner, started);
    await Promise.all(members.map(waitForDatagrams));
    return running;
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

export const OVERLAY: Tunnel = { name: 'overlay', needs: [], start: (pair) => startOverlay(pair) };
