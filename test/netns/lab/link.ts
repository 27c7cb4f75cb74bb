/** One cable of the lab: from a card of a host to a port of a switch. */
import { command, commandIn } from './command.js';

/** An end of a cable: a device and the namespace it lives in. */
export interface Plug {
  readonly netns: string;
  readonly device: string;
}

export interface LinkAddresses {
  /** Address with prefix length, such as `192.0.2.1/24`. */
  readonly v4?: string;
  readonly v6?: string;
  /** Default routers reached over this link. */
  readonly gateway4?: string;
  readonly gateway6?: string;
}

// `numgen` draws from this many equal chances: loss in steps of a hundredth of a percent.
const LOSS_STEPS = 10_000;
// A bucket of one full-size jumbo super-packet; smaller ones make tbf cut up every burst.
const RATE_BURST = '64kb';
// Queue behind a rate limit, as deep as a home router's: longer would hide congestion as delay.
const RATE_QUEUE = '50ms';

export class Link {
  readonly host: Plug;
  readonly port: Plug;
  readonly addresses: LinkAddresses;

  constructor(host: Plug, port: Plug, addresses: LinkAddresses) {
    this.host = host;
    this.port = port;
    this.addresses = addresses;
    command('ip', [
      ...['link', 'add', host.device, 'netns', host.netns, 'type', 'veth'],
      ...['peer', 'name', port.device, 'netns', port.netns],
    ]);
    command('ip', ['-n', port.netns, 'link', 'set', port.device, 'up']);
    this.up();
  }

  /** The IPv4 address without its prefix length. */
  get v4(): string {
    return bare(this.addresses.v4);
  }

  /** The IPv6 address without its prefix length. */
  get v6(): string {
    return bare(this.addresses.v6);
  }

  /** Takes the card down, as an unplugged cable does; addresses and routes go with it. */
  down(): void {
    this.#ip('link', 'set', this.host.device, 'down');
  }

  /** Brings the card up with all its addresses and routes, usable when the call returns. */
  up(): void {
    const { v4, v6, gateway4, gateway6 } = this.addresses;
    const device = this.host.device;
    this.#ip('link', 'set', device, 'up');
    if (v4 !== undefined) this.#ip('address', 'replace', v4, 'dev', device);
    // Without `nodad` a new IPv6 address cannot be used for a second or two.
    if (v6 !== undefined) this.#ip('-6', 'address', 'replace', v6, 'dev', device, 'nodad');
    if (gateway4 !== undefined) {
      this.#ip('route', 'replace', 'default', 'via', gateway4, 'dev', device);
    }
    if (gateway6 !== undefined) {
      this.#ip('-6', 'route', 'replace', 'default', 'via', gateway6, 'dev', device);
    }
  }

  /** Loses this share (0 to 1) of the packets in each direction, at random. */
  loss(ratio: number): void {
    for (const plug of [this.host, this.port]) setLoss(plug, ratio);
  }

  /** Loses everything while both ends still see a carrier: a silent failure. */
  cut(): void {
    this.loss(1);
  }

  /** Ends {@link loss} and {@link cut}. */
  restore(): void {
    this.loss(0);
  }

  /** Limits what the host sends and receives (token bucket); null lifts a limit. */
  rate(limit: { readonly upMbps: number | null; readonly downMbps: number | null }): void {
    setRate(this.host, limit.upMbps);
    setRate(this.port, limit.downMbps);
  }

  #ip(...args: readonly string[]): void {
    command('ip', ['-n', this.host.netns, ...args]);
  }
}

function bare(address: string | undefined): string {
  return address?.split('/')[0] ?? '';
}

function setLoss(plug: Plug, ratio: number): void {
  const table = `loss_${plug.device}`;
  // Naming a table before deleting it makes the deletion succeed whether or not it was there.
  const lines = [`table netdev ${table}`, `delete table netdev ${table}`];
  if (ratio > 0) {
    const lost = Math.round(ratio * LOSS_STEPS);
    const draw = `numgen random mod ${String(LOSS_STEPS)} < ${String(lost)}`;
    lines.push(
      `table netdev ${table} {`,
      ` chain arriving {`,
      `  type filter hook ingress device "${plug.device}" priority 0; policy accept;`,
      `  ${lost < LOSS_STEPS ? draw : ''} drop`,
      ` }`,
      `}`,
    );
  }
  commandIn(plug.netns, 'nft', ['-f', '-'], `${lines.join('\n')}\n`);
}

function setRate(plug: Plug, mbps: number | null): void {
  const present = commandIn(plug.netns, 'tc', ['qdisc', 'show', 'dev', plug.device, 'root']);
  if (present.includes('tbf'))
    commandIn(plug.netns, 'tc', ['qdisc', 'del', 'dev', plug.device, 'root']);
  if (mbps === null) return;
  commandIn(plug.netns, 'tc', [
    ...['qdisc', 'add', 'dev', plug.device, 'root', 'tbf'],
    ...[
      'rate',
      `${String(Math.round(mbps * 1000))}kbit`,
      'burst',
      RATE_BURST,
      'latency',
      RATE_QUEUE,
    ],
  ]);
}
