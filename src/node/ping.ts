/** Probes through the overlay: the whole way a packet takes, device excepted. */
import { CodedError, hasCode } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { sleep } from '../../overlay/base/sleep.js';
import type { Signal } from '../../overlay/base/signal.js';
import type { ControlErrorCode, PingOptions, PingReply } from './control.js';
import type { Multipath } from './multipath/multipath.js';
import type { OverlayNode } from './node.js';

/** One reply a probe, in order, `intervalMs` apart. Throws `unreachable` before the first. */
export async function* pingPeer(
  node: OverlayNode,
  peer: PeerId,
  options: PingOptions,
  signal: Signal,
): AsyncGenerator<PingReply> {
  const isSelf = peer === node.identity.self;
  if (!isSelf) await open(node, peer, signal);
  const isAborted = (): boolean => signal.aborted;
  for (let sequence = 1; !isAborted(); sequence++) {
    const startedMs = node.ports.clock.now();
    const reply = isSelf ? selfReply(sequence) : await probe(node, peer, sequence, options, signal);
    if (isAborted()) return;
    yield reply;
    if (options.untilDirect && reply.rttMs !== null && reply.via !== 'relay') return;
    if (options.count !== 0 && sequence >= options.count) return;
    const elapsedMs = node.ports.clock.now() - startedMs;
    await sleep(node.ports.clock, Math.max(0, options.intervalMs - elapsedMs), signal);
  }
}

/** Meets the peer and opens the path, so that the first probe measures the path alone. */
async function open(node: OverlayNode, peer: PeerId, signal: Signal): Promise<void> {
  if (node.roster.get(peer)?.connected !== true) {
    await node.introductions.meet([[peer, []]], signal);
  }
  if (node.gate.trust(peer) !== 'member' || node.roster.get(peer)?.connected !== true) {
    const code: ControlErrorCode = 'unreachable';
    throw new CodedError(code, `${peer} cannot be reached: it may be off, or no member any more`);
  }
  await node.links.to(peer).open();
}

async function probe(
  node: OverlayNode,
  peer: PeerId,
  sequence: number,
  options: PingOptions,
  signal: Signal,
): Promise<PingReply> {
  const { multipath } = node.traffic;
  if (multipath?.isUsable(peer) === true) {
    return await linkProbe(multipath, peer, sequence, options, signal);
  }
  // So that the next ones may go by it.
  multipath?.wanted(peer);
  const path = node.links.to(peer);
  let rttMs: number | null = null;
  try {
    rttMs = await path.probe(options.timeoutMs, signal);
  } catch (error) {
    if (!hasCode(error, 'timeout', 'unreachable')) throw error;
  }
  const { relay, id, transport } = path.snapshot();
  const via = relay === null ? 'direct' : 'relay';
  return { sequence, rttMs, via, relay, pathId: id, transport };
}

/** By the data planes of both sides, as packets go. */
async function linkProbe(
  multipath: Multipath,
  peer: PeerId,
  sequence: number,
  options: PingOptions,
  signal: Signal,
): Promise<PingReply> {
  const reply = { sequence, via: 'direct', relay: null } as const;
  try {
    const { rttMs, path } = await multipath.echo(peer, options.timeoutMs, signal);
    return { ...reply, rttMs, pathId: path, transport: 'udp' };
  } catch (error) {
    if (!hasCode(error, 'timeout', 'unreachable')) throw error;
    return { ...reply, rttMs: null, pathId: null, transport: 'udp' };
  }
}

function selfReply(sequence: number): PingReply {
  return { sequence, rttMs: 0, via: 'self', relay: null, pathId: null, transport: null };
}
