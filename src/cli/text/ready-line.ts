/** The one line that says a node can be used. */
import type { StatusFacts } from '../../node/control.js';
import { clean, count, formatSeconds } from './format.js';

/** `address 10.77.3.9 in 0.4 s, device ov0 up, 1 peer`. */
export function readyLine(status: StatusFacts): string {
  const { lease, device } = status;
  const took = lease.acquiredInMs === null ? '' : ` in ${formatSeconds(lease.acquiredInMs / 1000)}`;
  return [
    `address ${clean(status.address4 ?? status.address6)}${took}`,
    device.mode === 'tun' ? `device ${clean(device.name)} up` : 'no device',
    count(status.peers.connected, 'peer'),
  ].join(', ');
}
