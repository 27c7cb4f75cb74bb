/**
 * The list of settings of a node, without the code that checks them. It is apart from `schema.ts`
 * because the command line needs names and help for `--help`, and loading zod would nearly double
 * the time that takes. The schema is typed by this list, so neither can miss an entry of the other.
 */
export interface Setting {
  /** Long flags as commander reads them; two where a switch can be turned on and off. */
  readonly flags: readonly string[];
  readonly env: string;
  /** What may be written, for people. */
  readonly values: string;
  readonly summary: string;
}

export type SettingKey =
  | 'listenPort'
  | 'interface'
  | 'transport'
  | 'scheduler'
  | 'overflow'
  | 'device'
  | 'mtu'
  | 'tun'
  | 'superpeer'
  | 'quota'
  | 'relay'
  | 'name'
  | 'mdns'
  | 'logFormat'
  | 'logLevel';

export const SETTINGS: Readonly<Record<SettingKey, Setting>> = {
  name: {
    flags: ['--name <host>'],
    env: 'OVERLAY_NAME',
    values: 'a host name of letters, digits and hyphens',
    summary: "host name in the network; by default the system's host name",
  },
  listenPort: {
    flags: ['--listen-port <port>'],
    env: 'OVERLAY_LISTEN_PORT',
    values: '0 to 65535; 0 lets the system choose',
    summary: 'port for other peers, TCP and UDP',
  },
  interface: {
    flags: ['--interface <name[:metric]>'],
    env: 'OVERLAY_INTERFACE',
    values: 'NAME[:metric][:backup], several as a list (comma-separated in the environment)',
    summary:
      'interface to use, repeatable; a higher metric is used later, a backup last; by default all usable',
  },
  transport: {
    flags: ['--transport <kinds>'],
    env: 'OVERLAY_TRANSPORT',
    values: 'a list of udp, raw and tcp; tcp is there in any case',
    summary:
      'how datagrams travel: in UDP, as an IP protocol of their own (raw), or not at all (tcp)',
  },
  scheduler: {
    flags: ['--scheduler <kind>'],
    env: 'OVERLAY_SCHEDULER',
    values: 'adaptive, aggregate, replicate or failover',
    summary: 'how packets are spread over several paths',
  },
  overflow: {
    flags: ['--overflow', '--no-overflow'],
    env: 'OVERLAY_OVERFLOW',
    values: 'yes or no',
    summary: 'also use interfaces of a higher metric for what those of the lower ones cannot take',
  },
  device: {
    flags: ['--device <name>'],
    env: 'OVERLAY_DEVICE',
    values: 'up to 15 characters',
    summary: 'name of the network device; by default a free one',
  },
  mtu: {
    flags: ['--mtu <bytes>'],
    env: 'OVERLAY_MTU',
    values: '1280 to 65535 bytes',
    summary: 'largest packet on the network device',
  },
  tun: {
    flags: ['--tun', '--no-tun'],
    env: 'OVERLAY_TUN',
    values: 'yes or no',
    summary: 'make a network device (needs root)',
  },
  superpeer: {
    flags: ['--superpeer', '--no-superpeer'],
    env: 'OVERLAY_SUPERPEER',
    values: 'yes or no',
    summary: 'keep data for members that are away',
  },
  quota: {
    flags: ['--quota <size>'],
    env: 'OVERLAY_QUOTA',
    values: 'a size like 1000MB, at least 1MB',
    summary: 'most disk space a superpeer lends to others',
  },
  relay: {
    flags: ['--relay <yes|no>'],
    env: 'OVERLAY_RELAY',
    values: 'yes or no',
    summary: 'pass sealed packets on between members that have no direct path',
  },
  mdns: {
    flags: ['--mdns', '--no-mdns'],
    env: 'OVERLAY_MDNS',
    values: 'yes or no',
    summary: 'find members on the same local network by multicast DNS',
  },
  logFormat: {
    flags: ['--log-format <format>'],
    env: 'OVERLAY_LOG_FORMAT',
    values: 'json or text',
    summary: 'form of the log on standard error',
  },
  logLevel: {
    flags: ['--log-level <level>'],
    env: 'OVERLAY_LOG',
    values: 'debug, info, warn, error or silent',
    summary: 'least severity that is logged; debug also shows stack traces',
  },
};
