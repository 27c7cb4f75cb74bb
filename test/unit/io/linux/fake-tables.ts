/** The kernel's tables of links, addresses and routes, set by hand. */
import { parseAddressBytes } from '../../../../src/io/linux/address-text.js';
import type { AddressFacts, LinkFacts } from '../../../../src/io/linux/interface-wire.js';
import type { RoutedLinks } from '../../../../src/io/linux/interface-gateways.js';
import type { InterfaceTables } from '../../../../src/io/linux/interfaces.js';
import type { NetworkInterface } from '../../../../overlay/ports.js';

const LOOPBACK: LinkFacts = {
  ...{ name: 'lo', index: 1, mtuBytes: 65_536, up: true, running: true, loopback: true },
  ...{ pointToPoint: false, kind: null, masterIndex: null },
};
const STATE = { tentative: false, duplicate: false, deprecated: false, temporary: false };

export class FakeTables implements InterfaceTables {
  /** Stand-ins for what reading or draining may run into. */
  readError: Error | null = null;
  drainErrno: string | null = null;
  drained = 0;
  closed = 0;
  #links: readonly LinkFacts[] = [LOOPBACK];
  #addresses: readonly AddressFacts[] = [];
  #routed: RoutedLinks = { 4: new Set(), 6: new Set() };
  #woken: (() => void) | null = null;
  #unread = false;

  readonly events = {
    wait: (woken: () => void): void => {
      this.#woken = woken;
      if (this.#unread) this.#wake();
    },
    drain: (): string | null => {
      this.drained++;
      this.#unread = false;
      return this.drainErrno;
    },
  };

  readonly linkFacts = (): readonly LinkFacts[] => {
    if (this.readError !== null) throw this.readError;
    return this.#links;
  };

  readonly addressFacts = (): readonly AddressFacts[] => this.#addresses;

  readonly routedLinks = (): RoutedLinks => this.#routed;

  readonly close = (): void => {
    this.closed++;
    this.#woken = null;
  };

  set(interfaces: readonly NetworkInterface[]): void {
    this.#links = [
      LOOPBACK,
      ...interfaces.map((one) => ({ ...LOOPBACK, ...one, loopback: false })),
    ];
    this.#addresses = interfaces.flatMap(({ index, addresses }) =>
      addresses.map(({ address, prefixLength }) => ({
        ...{ ...STATE, global: true, linkIndex: index, prefixLength },
        address: parseAddressBytes(address)!,
      })),
    );
    const indexes = (list: readonly NetworkInterface[]): ReadonlySet<number> =>
      new Set(list.map(({ index }) => index));
    this.#routed = {
      4: indexes(interfaces.filter(({ routed4 }) => routed4)),
      6: indexes(interfaces.filter(({ routed6 }) => routed6)),
    };
    this.touch();
  }

  /** Something happens that changes nothing. */
  touch(): void {
    this.#unread = true;
    this.#wake();
  }

  #wake(): void {
    const woken = this.#woken;
    this.#woken = null;
    woken?.();
  }
}
