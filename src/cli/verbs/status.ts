/** `overlay status`: the node at a glance. */
import type { StatusFacts } from '../../node/control.js';
import { example, type RegisterVerb } from '../cli.js';
import type { Colors } from '../text/colors.js';
import { renderFacts, type Fact } from '../text/facts.js';
import { clean, formatExpiry, formatSeconds } from '../text/format.js';

function stateLine(status: StatusFacts, colors: Colors): string {
  if (status.ready) return colors.good('ready');
  return colors.warning(`not ready: ${clean(status.waitingFor ?? 'starting')}`);
}

/** How long it took is the number people compare, so it stays visible after the start. */
function leaseLine({ lease }: StatusFacts, nowMs: number): string {
  if (lease.state !== 'held') return lease.state;
  const took =
    lease.acquiredInMs === null ? '' : `, acquired in ${formatSeconds(lease.acquiredInMs / 1000)}`;
  return `held, expires ${formatExpiry(lease.expiresAt, nowMs)}${took}`;
}

function deviceLine({ device }: StatusFacts): string {
  if (device.mode === 'none') return 'none';
  return `${clean(device.name)}, MTU ${String(device.mtu)}`;
}

/** Null when all is well: zeros for every reason would hide the one that counts. */
function dropsLine({ drops }: StatusFacts): string | null {
  const seen = Object.entries(drops).filter(([, packets]) => packets > 0);
  if (seen.length === 0) return null;
  return seen.map(([reason, packets]) => `${clean(reason)} ${String(packets)}`).join(', ');
}

/** Null leaves the line out. */
function listOrNull(items: readonly string[]): string | null {
  return items.length === 0 ? null : items.map(clean).join(', ');
}

/** @param nowMs Unix milliseconds, to say how far off an expiry is. */
function renderStatus(status: StatusFacts, colors: Colors, nowMs: number): string {
  const { network, peers } = status;
  const facts: Fact[] = [
    ['state', stateLine(status, colors)],
    ['name', status.name === null ? null : clean(status.name)],
    [
      'address',
      [status.address4 ?? '(no IPv4 address yet)', status.address6].map(clean).join(', '),
    ],
    ['lease', leaseLine(status, nowMs)],
    ['device', deviceLine(status)],
    [
      'peers',
      `${String(peers.connected)} connected (${String(peers.direct)} direct, ${String(peers.relayed)} relayed)`,
    ],
    [
      'network',
      [network.name, network.subnet4, network.prefix6, ...(network.open ? ['open'] : [])]
        .map(clean)
        .join(', '),
    ],
    ['network id', clean(network.id)],
    ['peer id', clean(status.peerId)],
    ['roles', listOrNull(status.roles)],
    ['scheduler', status.scheduler],
    ['listening', listOrNull(status.listening)],
    ['drops', dropsLine(status)],
    ['uptime', formatSeconds(status.uptimeS)],
    ['version', clean(status.version)],
  ];
  return renderFacts(facts, colors);
}

export const status: RegisterVerb = (program, cli) => {
  program
    .command('status')
    .description('show the node: address, lease, device, peers, network')
    .addHelpText('after', example('overlay status', 'overlay status --json | jq .address4'))
    .action(
      cli.action(async () => {
        const client = await cli.client();
        const facts = await client.call('status', {});
        return cli.show(facts, (status, colors) => renderStatus(status, colors, Date.now()));
      }),
    );
};
