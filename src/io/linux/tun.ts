/**
 * The virtual network card on Linux: a TUN device that hands over whole TCP super-packets, and that
 * the kernel removes, with addresses and routes, as soon as the process is gone for any reason.
 */
import type { DeviceAddress, Logger, Packet, TunDevice } from '../../../overlay/ports.js';
import { enableIpv6, parseDeviceAddress, replaceAddresses } from './device-addresses.js';
import { errnoName, libc, SystemCallError, type Libc } from './libc.js';
import { Netlink, NetlinkError } from './netlink.js';
import { Readiness } from './readiness.js';
import { TunReader } from './tun-reader.js';
import { createTun, systemError, type TunErrorCode } from './tun-open.js';
import { CodedError } from '../../../overlay/base/errors.js';
import { TunWriter } from './tun-writer.js';

export interface TunOptions {
  /** Null: the first free of ov0, ov1, ... */
  readonly name: string | null;
  /** Bytes of the largest single IP packet. */
  readonly mtu: number;
  /** Exchange super-packets and unfinished checksums with the kernel. */
  readonly offloads: boolean;
  readonly logger: Logger;
}

/** Packets that went no further, by reason. */
export interface TunDrops {
  /** Read from the device with an impossible offload header. */
  readonly malformedRead: number;
  /** Not accepted by the kernel or not sayable to it. */
  readonly refusedWrite: number;
}

export interface LinuxTunDevice extends TunDevice {
  /** For whoever reads and writes it beside this object; it stays this object's to close. */
  readonly fd: number;
  drops(): TunDrops;
}

/**
 * Opens a device and brings it up, without addresses yet.
 *
 * A packet that `write` counts as taken was accepted by the kernel, or refused by it for good and
 * counted in `drops`: sending it again would not help. `configure` throws
 * CodedError<'bad-address'>, NetlinkError, or CodedError<'closed'> after `close`.
 *
 * While it has a listener the device keeps the process alive until `close`.
 * @throws CodedError<TunErrorCode | LibcErrorCode>
 */
export function openTun(options: TunOptions): Promise<LinuxTunDevice> {
  return new Promise((resolve) => {
    resolve(open(libc(), options));
  });
}

function open(calls: Libc, options: TunOptions): LinuxTunDevice {
  const { logger, mtu, offloads } = options;
  const { fd, name } = createTun(calls, options.name, offloads);
  let netlink: Netlink | null = null;
  try {
    netlink = new Netlink(calls);
    const linkIndex = netlink.linkIndex(name);
    if (linkIndex === null) throw systemError({ message: `${name} vanished`, errno: null });
    const ipv6 = enableIpv6(name, mtu, logger);
    setMtu(netlink, linkIndex, mtu);
    if (ipv6) netlink.changeLink(linkIndex, { ipv6AddressGeneration: 'none' });
    netlink.changeLink(linkIndex, { up: true });
    const readiness = new Readiness(calls, fd);
    return new Device({ libc: calls, fd, name, linkIndex, netlink, ipv6, readiness }, options);
  } catch (error) {
    netlink?.close();
    calls.close(fd);
    const ofSystem = error instanceof NetlinkError || error instanceof SystemCallError;
    throw ofSystem ? systemError(error) : error;
  }
}

function setMtu(netlink: Netlink, linkIndex: number, mtu: number): void {
  try {
    netlink.changeLink(linkIndex, { mtu });
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.errno !== 'EINVAL') throw error;
    throw new CodedError<TunErrorCode>(
      'bad-mtu',
      `The network device takes no MTU of ${String(mtu)} bytes: choose one from 1280 to 65535, or ` +
        'start with --no-tun.',
      { mtu },
    );
  }
}

interface DeviceParts {
  readonly libc: Libc;
  readonly fd: number;
  readonly name: string;
  readonly linkIndex: number;
  readonly netlink: Netlink;
  readonly ipv6: boolean;
  readonly readiness: Readiness;
}

class Device implements LinuxTunDevice {
  readonly name: string;
  readonly fd: number;
  readonly mtu: number;
  readonly offloads: boolean;
  readonly #parts: DeviceParts;
  readonly #logger: Logger;
  readonly #reader: TunReader;
  readonly #writer: TunWriter;
  #closed: Promise<void> | null = null;

  constructor(parts: DeviceParts, { mtu, offloads, logger }: TunOptions) {
    this.name = parts.name;
    this.fd = parts.fd;
    this.mtu = mtu;
    this.offloads = offloads;
    this.#parts = parts;
    this.#logger = logger;
    this.#writer = new TunWriter(parts.libc, parts.fd, offloads);
    this.#reader = new TunReader(parts.libc, parts.fd, parts.readiness, offloads, (errno) => {
      logger.error(
        `network device ${parts.name} is gone (${errno}): somebody removed it; restart to get it back`,
        { device: parts.name, errno },
      );
    });
  }

  configure(addresses: readonly DeviceAddress[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed !== null) throw new CodedError('closed', `${this.name} is closed`);
      const { netlink, linkIndex, ipv6 } = this.#parts;
      const wanted = addresses
        .map(parseDeviceAddress)
        .filter((prefix) => ipv6 || prefix.address.length === 4);
      replaceAddresses(netlink, linkIndex, wanted);
      resolve();
    });
  }

  listen(listener: (batch: readonly Packet[]) => void): void {
    this.#reader.listen(listener);
  }

  write(batch: readonly Packet[]): number {
    return this.#closed === null ? this.#writer.write(batch) : 0;
  }

  drops(): TunDrops {
    return { malformedRead: this.#reader.malformed, refusedWrite: this.#writer.refused };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { libc: calls, fd, netlink } = this.#parts;
    await this.#reader.stop();
    netlink.close();
    const closed = calls.close(fd);
    // Nothing is left to be done about it: Linux gives the number free even if `close` fails.
    if (closed < 0) {
      this.#logger.warn(`closing ${this.name} failed with ${errnoName(-closed)}`, {
        device: this.name,
      });
    }
  }
}
