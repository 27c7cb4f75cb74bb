/**
 * The interfaces of a machine by looking every now and then, where the kernel's own messages cannot
 * be had. Node tells neither kinds nor states, so links are judged by their names alone.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { messageOf } from '../../overlay/base/errors.js';
import type { Clock, Interfaces, Logger, NetworkInterface } from '../../overlay/ports.js';
import { parseAddressBytes } from './linux/address-text.js';
import { InterfaceList } from './linux/interface-list.js';
import type { RoutedLinks } from './linux/interface-gateways.js';
import {
  takeSnapshot,
  type InterfaceChoice,
  type InterfaceSnapshot,
} from './linux/interface-snapshot.js';
import type { AddressFacts, LinkFacts } from './linux/interface-wire.js';

/** Looking costs a fraction of a millisecond. */
const POLL_MS = 2_000;
/** Where the system does not tell: what every card carries. */
const MTU_BYTES_ASSUMED = 1500;
/** Node does not tell of routes. */
const UNKNOWN: RoutedLinks = { 4: null, 6: null };

type Found = NodeJS.Dict<readonly NetworkInterfaceInfo[]>;

export interface PollingOptions extends InterfaceChoice {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  /** What `os.networkInterfaces` returns; given by tests. */
  readonly look?: () => Found;
}

/**
 * Outside of Linux, `mtuBytes` is a guess and `index` 0 for interfaces without a link-local IPv6
 * address. All count as routed. Keeps the process alive until `close`.
 */
export class PollingInterfaces implements Interfaces {
  readonly #options: PollingOptions;
  readonly #list = new InterfaceList();
  #cancelTimer: () => void = () => undefined;
  /** Said once, however often it comes again. */
  #lastFailure = '';

  constructor(options: PollingOptions) {
    this.#options = options;
    this.#poll();
  }

  current(): readonly NetworkInterface[] {
    return this.#list.current();
  }

  watch(onChange: () => void): () => void {
    return this.#list.watch(onChange);
  }

  close(): void {
    this.#cancelTimer();
    this.#list.close();
  }

  #poll(): void {
    // Planned before the list is told: a listener may close this.
    this.#cancelTimer = this.#options.clock.after(POLL_MS, () => {
      this.#poll();
    });
    const snapshot = this.#look();
    if (snapshot === null) return;
    const { interfaces, excluded } = snapshot;
    const used = interfaces.map(({ name }) => name);
    const changed = this.#list.replace(interfaces);
    if (changed) this.#options.logger.debug('network interfaces', { used, excluded });
  }

  /** Null: the system does not tell now; the last list stays. */
  #look(): InterfaceSnapshot | null {
    const { look = networkInterfaces, logger } = this.#options;
    try {
      const snapshot = this.#judge(Object.entries(look()));
      this.#lastFailure = '';
      return snapshot;
    } catch (error) {
      const failure = messageOf(error);
      if (failure !== this.#lastFailure) logger.warn(`network interfaces are unknown: ${failure}`);
      this.#lastFailure = failure;
      return null;
    }
  }

  #judge(found: readonly (readonly [string, Found[string]])[]): InterfaceSnapshot {
    const links: LinkFacts[] = [];
    const addresses: AddressFacts[] = [];
    for (const [at, [name, infos = []]] of found.entries()) {
      // Made unique, to tell their addresses apart; the true index is put in below.
      links.push(linkFactsOf(name, at, infos));
      addresses.push(...infos.flatMap((info) => addressFactsOf(info, at)));
    }
    const { interfaces, excluded } = takeSnapshot(links, addresses, UNKNOWN, this.#options);
    const trueIndex = new Map(found.map(([name, infos = []]) => [name, indexOf(name, infos)]));
    return {
      interfaces: interfaces
        .map((one) => ({ ...one, index: trueIndex.get(one.name) ?? 0 }))
        .sort((a, b) => a.index - b.index || (a.name < b.name ? -1 : 1)),
      excluded,
    };
  }
}

/** Node lists only those that are up and have a carrier. */
function linkFactsOf(
  name: string,
  index: number,
  infos: readonly NetworkInterfaceInfo[],
): LinkFacts {
  return {
    name,
    index,
    mtuBytes: fromSystem(name, 'mtu') ?? MTU_BYTES_ASSUMED,
    up: true,
    running: true,
    loopback: infos.some(({ internal }) => internal),
    pointToPoint: false,
    kind: null,
    masterIndex: null,
  };
}

function addressFactsOf(info: NetworkInterfaceInfo, linkIndex: number): readonly AddressFacts[] {
  const [text = '', prefixLength] = info.cidr?.split('/') ?? [];
  const address = parseAddressBytes(text);
  if (address === null) return [];
  const state = { tentative: false, duplicate: false, deprecated: false, temporary: false };
  return [{ address, prefixLength: Number(prefixLength), linkIndex, global: true, ...state }];
}

/** The scope of a link-local IPv6 address is the index of its link (RFC 4007). */
function indexOf(name: string, infos: readonly NetworkInterfaceInfo[]): number {
  const scopes = infos.map((info) => (info.family === 'IPv6' ? info.scopeid : 0));
  return fromSystem(name, 'ifindex') ?? Math.max(0, ...scopes);
}

/** What Linux says in /sys; null elsewhere. */
function fromSystem(name: string, file: 'mtu' | 'ifindex'): number | null {
  try {
    const value = Number(readFileSync(`/sys/class/net/${name}/${file}`, 'latin1'));
    return Number.isSafeInteger(value) ? value : null;
  } catch {
    return null;
  }
}
