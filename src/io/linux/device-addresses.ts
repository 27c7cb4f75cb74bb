/** Giving a device its addresses, and making sure that IPv6 is allowed on it. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { DeviceAddress, Logger } from '../../../overlay/ports.js';
import { equalBytes } from '../../../overlay/base/bytes.js';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import { parseAddressBytes } from './address-text.js';
import { NetlinkError, type Netlink } from './netlink.js';
import type { Prefix } from './rtnetlink.js';

/** Below this a link carries no IPv6 (RFC 8200, section 5). */
const IPV6_MTU_MIN = 1280;
const SYSCTL_DIRECTORY = '/proc/sys/net/ipv6/conf';

/** @throws CodedError<'bad-address'> */
export function parseDeviceAddress({ address, prefixLength }: DeviceAddress): Prefix {
  const bytes = parseAddressBytes(address);
  if (
    bytes !== null &&
    Number.isInteger(prefixLength) &&
    prefixLength >= 0 &&
    prefixLength <= 8 * bytes.length
  ) {
    return { address: bytes, prefixLength };
  }
  throw new CodedError(
    'bad-address',
    `'${address}/${String(prefixLength)}' is no address with a prefix length, such as 10.77.3.9/16.`,
    { address, prefixLength },
  );
}

/**
 * Makes the link have exactly these addresses. Asks the kernel what there is, so it can be repeated
 * and corrects what others changed. Unwanted ones go first, and the rest is asked for again: with
 * the first IPv4 address of a subnet the kernel also removes the others in it.
 * @throws NetlinkError
 */
export function replaceAddresses(
  netlink: Pick<Netlink, 'addresses' | 'addAddress' | 'deleteAddress'>,
  linkIndex: number,
  wanted: readonly Prefix[],
): void {
  for (const present of netlink.addresses(linkIndex)) {
    if (wanted.some((prefix) => samePrefix(prefix, present))) continue;
    unlessErrno('EADDRNOTAVAIL', () => {
      netlink.deleteAddress(linkIndex, present);
    });
  }
  const kept = netlink.addresses(linkIndex);
  for (const prefix of wanted) {
    if (kept.some((present) => samePrefix(prefix, present))) continue;
    unlessErrno('EEXIST', () => {
      netlink.addAddress(linkIndex, prefix);
    });
  }
}

function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.prefixLength === b.prefixLength && equalBytes(a.address, b.address);
}

/** Runs `change`, taking one errno for success: that what it should do is done already. */
function unlessErrno(errno: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.errno !== errno) throw error;
  }
}

/**
 * Turns IPv6 on for one device where the system starts new ones without (as many containers do), and
 * shuts out router advertisements, by which any peer could make itself the default route. Returns
 * whether IPv6 can be used; if not, has warned why.
 */
export function enableIpv6(
  name: string,
  mtu: number,
  logger: Logger,
  directory: string = SYSCTL_DIRECTORY,
): boolean {
  const warn = (reason: string): false => {
    logger.warn(`no IPv6 on ${name}: ${reason}; going on with IPv4 only`, { device: name });
    return false;
  };
  if (mtu < IPV6_MTU_MIN) return warn(`it needs an MTU of at least ${String(IPV6_MTU_MIN)}`);
  const disabledPath = `${directory}/${name}/disable_ipv6`;
  try {
    if (readFileSync(disabledPath, 'latin1').trim() !== '0') writeFileSync(disabledPath, '0');
  } catch (error) {
    return warn(`it is off in this system and could not be turned on (${messageOf(error)})`);
  }
  try {
    writeFileSync(`${directory}/${name}/accept_ra`, '0');
  } catch (error) {
    // Without IPv6 addresses of our own nothing would work, with this open most things do.
    logger.warn(`router advertisements stay on for ${name} (${messageOf(error)})`, {
      device: name,
    });
  }
  return true;
}
