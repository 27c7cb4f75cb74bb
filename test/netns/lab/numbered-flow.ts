/** Numbered datagrams through a tunnel, as `numbered.ts` sends and judges them. */
import { LabError } from './errors.js';
import type { NumberedReceived } from './numbered.js';
import { TUNNEL_DEVICE } from './data-plane-tunnel-control.js';
import { scriptArgs } from './scripts.js';
import type { ShapedTunnel, Side } from './shaped-tunnel.js';

const PORT = 5400;
const START_TIMEOUT_MS = 10_000;

export interface NumberedFlow {
  readonly count: number;
  readonly perSecond: number;
  /** Of UDP payload; at least 4. */
  readonly bytes: number;
}

export interface NumberedResult extends NumberedReceived {
  /** That the tunnel took from its device: the system drops what comes while the queue is full. */
  readonly taken: number;
}

/** @throws LabError `command-failed` also if the receiving program was too slow, `timed-out` */
export async function numberedFlow(
  tunnel: ShapedTunnel,
  from: Side,
  to: Side,
  { count, perSecond, bytes }: NumberedFlow,
): Promise<NumberedResult> {
  const end = [tunnel.address(to), String(PORT)];
  const refusedBefore = refused(tunnel, from);
  const receiver = tunnel
    .host(to)
    .spawn(process.execPath, scriptArgs('numbered', ['receive', ...end]));
  await receiver.match(/listening/, START_TIMEOUT_MS);
  const flow = [count, perSecond, bytes].map(String);
  const timeoutMs = (count / perSecond) * 1000 + START_TIMEOUT_MS;
  await tunnel
    .host(from)
    .check(process.execPath, scriptArgs('numbered', ['send', ...end, ...flow]), { timeoutMs });
  await receiver.waitFor(START_TIMEOUT_MS);
  const received = JSON.parse(receiver.stdout.split('\n')[1] ?? '') as NumberedReceived;
  if (received.unread > 0) {
    throw new LabError('command-failed', `${received.unread} datagrams came too fast for the test`);
  }
  return { ...received, taken: count - (refused(tunnel, from) - refusedBefore) };
}

function refused(tunnel: ShapedTunnel, side: Side): number {
  const printed = tunnel.host(side).ip('-j', '-s', 'link', 'show', 'dev', TUNNEL_DEVICE);
  const [device] = JSON.parse(printed) as [{ stats64: { tx: { dropped: number } } }];
  return device.stats64.tx.dropped;
}
