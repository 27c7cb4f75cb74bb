/**
 * Which IPs may be announced and dialled: not the overlay's own, or packets of the overlay would
 * travel through the overlay.
 */
import { parseAddress4, parseSubnet4, subnet4Contains } from '../../overlay/identity/addresses.js';
import type { NodeIdentity } from '../node/identity.js';
import { isChosen } from './interfaces.js';
import type { RunOptions } from './options.js';

export function overlayFilter(
  identity: NodeIdentity,
  options: RunOptions,
): (ip: string) => boolean {
  const isOverlayAddress = overlayAddresses(identity);
  return (ip) => !isOverlayAddress(ip) && isChosen(options, ip);
}

/** Tells the addresses of the network itself. */
export function overlayAddresses(identity: NodeIdentity): (ip: string) => boolean {
  const subnet = parseSubnet4(identity.genesis.subnet4);
  // `fd12:3456:789a::/48` begins every address of the network in the same way.
  const prefix6 = identity.prefix6.replace(/::\/48$/, ':');
  return (ip) => {
    const address4 = parseAddress4(ip);
    if (address4 !== null && subnet.ok && subnet4Contains(subnet.value, address4)) return true;
    return ip.startsWith(prefix6);
  };
}
