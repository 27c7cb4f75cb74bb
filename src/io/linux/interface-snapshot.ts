/** From what the kernel says to the list of usable interfaces, with the reason for each left out. */
import type { NetworkInterface } from '../../../overlay/ports.js';
import { usableAddresses } from './interface-addresses.js';
import type { RoutedLinks } from './interface-gateways.js';
import { judgeLink } from './interface-judgement.js';
import type { AddressFacts, LinkFacts } from './interface-wire.js';
import type { Family } from './rtnetlink.js';

export interface InterfaceChoice {
  /**
   * Names given by the user; empty: all that may be used. A chosen one is used whatever kind it is
   * of, loopback excepted, as long as it is up and has an address.
   */
  readonly chosen: readonly string[];
  /** True for this machine's own overlay addresses: they are never listed. Asked at each reading. */
  readonly ignoreAddress: (ip: string) => boolean;
}

export interface InterfaceSnapshot {
  /** By index, then name. */
  readonly interfaces: readonly NetworkInterface[];
  /** Why each other one is left out, by name. For a log. */
  readonly excluded: Readonly<Record<string, string>>;
}

export function takeSnapshot(
  links: readonly LinkFacts[],
  addresses: readonly AddressFacts[],
  routed: RoutedLinks,
  { chosen, ignoreAddress }: InterfaceChoice,
): InterfaceSnapshot {
  const byIndex = new Map(links.map((link) => [link.index, link]));
  const interfaces: NetworkInterface[] = [];
  const excluded = new Map(chosen.map((name) => [name, 'not there']));
  for (const link of links) {
    const judgement = judgeLink(link, masterKindOf(link, byIndex), chosen);
    if (judgement.kind === 'excluded') {
      excluded.set(link.name, judgement.reason);
      continue;
    }
    const own = addresses.filter(({ linkIndex }) => linkIndex === link.index);
    const usable = usableAddresses(own, ignoreAddress);
    if (usable.length === 0) {
      excluded.set(link.name, 'no usable address');
      continue;
    }
    excluded.delete(link.name);
    const { name, index, mtuBytes } = link;
    const [routed4, routed6] = [isRouted(link, routed[4]), isRouted(link, routed[6])];
    interfaces.push({ name, index, mtuBytes, addresses: usable, routed4, routed6 });
  }
  interfaces.sort((a, b) => a.index - b.index || (a.name < b.name ? -1 : 1));
  return { interfaces, excluded: Object.fromEntries(excluded) };
}

function isRouted({ index, pointToPoint }: LinkFacts, routed: RoutedLinks[Family]): boolean {
  return pointToPoint || routed === null || routed.has(index);
}

function masterKindOf(
  { masterIndex }: LinkFacts,
  byIndex: ReadonlyMap<number, LinkFacts>,
): string | null {
  if (masterIndex === null) return null;
  return byIndex.get(masterIndex)?.kind ?? 'unknown';
}
