/**
 * Following the interfaces of a Linux machine by netlink: woken by the kernel, everything is read
 * anew, judged, and told if it makes a difference. Both the tables and the messages are cheap to read
 * but others decide how often they change, so there is a bound on how often that is done.
 */
import { hasCode, messageOf } from '../../../overlay/base/errors.js';
import type { Clock, Interfaces, Logger, NetworkInterface } from '../../../overlay/ports.js';
import { PollingInterfaces } from '../polling-interfaces.js';
import { NetlinkEvents, type InterfaceEvents } from './interface-events.js';
import { InterfaceList } from './interface-list.js';
import {
  takeSnapshot,
  type InterfaceChoice,
  type InterfaceSnapshot,
} from './interface-snapshot.js';
import { readRoutedLinks, type RoutedLinks } from './interface-gateways.js';
import type { AddressFacts, LinkFacts } from './interface-wire.js';
import { libc } from './libc.js';
import { Netlink } from './netlink.js';

/** Changes come in bursts: a card that comes up is up, then has a carrier, then addresses. */
const GATHER_MS = 50;
/** A machine that starts hundreds of containers changes all the time, and its cards hardly ever. */
export const READINGS_PER_SECOND_MAX = 5;
const READING_INTERVAL_MS = 1000 / READINGS_PER_SECOND_MAX;
/** Pause after a failure, which may be one that stays. */
const RETRY_MS = 2_000;

export interface InterfaceOptions extends InterfaceChoice {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly logger: Logger;
}

/** What the kernel tells, and when it is time to ask again. */
export interface InterfaceTables {
  readonly linkFacts: () => readonly LinkFacts[];
  readonly addressFacts: () => readonly AddressFacts[];
  readonly routedLinks: () => RoutedLinks;
  readonly events: Pick<InterfaceEvents, 'wait' | 'drain'>;
  readonly close: () => void;
}

/**
 * By netlink where it works, else by looking every now and then. Keeps the process alive until
 * `close`.
 */
export function openInterfaces(
  options: InterfaceOptions,
  open: () => InterfaceTables = openInterfaceTables,
): Interfaces {
  try {
    return new NetlinkInterfaces(open(), options);
  } catch (error) {
    options.logger.info(
      `changes of network interfaces are noticed some seconds late (${messageOf(error)})`,
    );
    return new PollingInterfaces(options);
  }
}

/** @throws CodedError<LibcErrorCode>, SystemCallError */
export function openInterfaceTables(): InterfaceTables {
  const netlink = new Netlink(libc());
  try {
    const events = new NetlinkEvents(libc());
    return {
      events,
      linkFacts: () => netlink.linkFacts(),
      addressFacts: () => netlink.addressFacts(),
      routedLinks: () => readRoutedLinks(libc()),
      close: () => {
        events.close();
        netlink.close();
      },
    };
  } catch (error) {
    netlink.close();
    throw error;
  }
}

export class NetlinkInterfaces implements Interfaces {
  /** How often the tables were read. */
  readings = 0;
  readonly #tables: InterfaceTables;
  readonly #options: InterfaceOptions;
  readonly #list = new InterfaceList();
  #readAtMs = 0;
  #cancelTimer: () => void = () => undefined;
  /** Said once, however often it comes again. */
  #lastFailure = '';
  #open = true;

  /** Takes the tables over, and closes them if the first reading fails. @throws NetlinkError */
  constructor(tables: InterfaceTables, options: InterfaceOptions) {
    this.#tables = tables;
    this.#options = options;
    try {
      this.#take(this.#read());
    } catch (error) {
      tables.close();
      throw error;
    }
    this.#wait();
  }

  current(): readonly NetworkInterface[] {
    return this.#list.current();
  }

  watch(onChange: () => void): () => void {
    return this.#list.watch(onChange);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelTimer();
    this.#list.close();
    this.#tables.close();
  }

  #wait(): void {
    this.#tables.events.wait(() => {
      const sinceMs = this.#options.clock.now() - this.#readAtMs;
      this.#refreshAfter(Math.max(GATHER_MS, READING_INTERVAL_MS - sinceMs));
    });
  }

  #refreshAfter(delayMs: number): void {
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#refresh();
    });
  }

  #refresh(): void {
    // Drained before the tables are read: what changes after that wakes again.
    const errno = this.#tables.events.drain();
    let snapshot: InterfaceSnapshot | null = null;
    let failure = errno === null ? '' : `the kernel does not tell of them (${errno})`;
    try {
      snapshot = this.#read();
    } catch (error) {
      // What interrupts the reading of a table wakes as well.
      if (!hasCode(error, 'changing')) failure = messageOf(error);
    }
    this.#note(failure);
    // Planned before the list is told: a listener may close this.
    if (failure !== '') this.#refreshAfter(RETRY_MS);
    else if (snapshot === null) this.#refreshAfter(READING_INTERVAL_MS);
    else this.#wait();
    if (snapshot !== null) this.#take(snapshot);
  }

  #read(): InterfaceSnapshot {
    this.readings++;
    this.#readAtMs = this.#options.clock.now();
    const { linkFacts, addressFacts, routedLinks } = this.#tables;
    return takeSnapshot(linkFacts(), addressFacts(), routedLinks(), this.#options);
  }

  #take({ interfaces, excluded }: InterfaceSnapshot): void {
    const used = interfaces.map(({ name }) => name);
    const changed = this.#list.replace(interfaces);
    if (changed) this.#options.logger.debug('network interfaces', { used, excluded });
  }

  #note(failure: string): void {
    if (failure !== '' && failure !== this.#lastFailure) {
      const message = 'changes of network interfaces may be noticed late';
      this.#options.logger.warn(`${message}: ${failure}`);
    }
    this.#lastFailure = failure;
  }
}
