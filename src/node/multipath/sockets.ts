/**
 * The data sockets of this node: one for each interface that may be used, family with an address on it, and
 * transport. They follow the interfaces as these come and go, and are opened again when they fail.
 */
import { messageOf } from '../../../overlay/base/errors.js';
import type { DataPlane, DatagramTransport } from '../../../overlay/link/data-plane.js';
import type {
  Clock,
  DeviceAddress,
  Interfaces,
  Logger,
  NetworkInterface,
} from '../../../overlay/ports.js';
import { addressBytes, addressText, scopeOf } from './addresses.js';
import {
  CANDIDATE_IDS,
  CANDIDATES_MAX,
  METRIC_GROUP_MAX,
  type OwnCandidate,
} from './candidates.js';

/** A socket that could not be opened is tried again after this, doubling. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
/** One that worked so long has not failed for good. */
const SOUND_MS = 60_000;

export interface UsedInterface {
  readonly name: string;
  /** Lower is used first. */
  readonly metric: number;
  /** Only when nothing else works. */
  readonly backup?: boolean;
}

export interface SocketSettings {
  /** Port that sockets use if it is free; 0: any. */
  readonly listenPort: number;
  /** Interfaces to use; empty: all. */
  readonly interfaces: readonly UsedInterface[];
  readonly transports: readonly DatagramTransport[];
}

export interface DataSocketsParts {
  readonly dataPlane: DataPlane;
  readonly interfaces: Interfaces;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: SocketSettings;
  readonly isOverlayAddress: (address: string) => boolean;
  /** There are others, or none, now. */
  readonly changed: () => void;
}

interface Wanted {
  readonly key: string;
  readonly network: NetworkInterface;
  readonly use: UsedInterface;
  readonly transport: DatagramTransport;
  readonly family: 4 | 6;
  /** Usable ones, best first. */
  readonly addresses: readonly DeviceAddress[];
}

/** One that is open, being opened, or waits to be. */
interface Held {
  wanted: Wanted;
  address: DeviceAddress;
  readonly id: number;
  open: { readonly socket: number; readonly port: number } | null;
  isOpening: boolean;
  isClosed: boolean;
  openedMs: number;
  failures: number;
  cancelRetry: () => void;
}

export class DataSockets {
  readonly #parts: DataSocketsParts;
  readonly #held = new Map<string, Held>();
  readonly #numbers = new Map<string, number>();
  #nextId = 0;
  #nextNumber = 0;
  #shown = '';
  #candidates: readonly OwnCandidate[] = [];
  #unwatch: () => void = () => undefined;
  #isClosed = false;

  constructor(parts: DataSocketsParts) {
    this.#parts = parts;
  }

  /** Those that are open. Another array whenever anything in it is different. */
  get candidates(): readonly OwnCandidate[] {
    return this.#candidates;
  }

  start(): void {
    this.#unwatch = this.#parts.interfaces.watch(() => {
      this.#follow();
    });
    this.#follow();
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    for (const held of this.#held.values()) this.#close(held);
    this.#held.clear();
  }

  /** The data plane gave a socket up. */
  failed(socket: number, reason: string): void {
    const held = [...this.#held.values()].find(({ open }) => open?.socket === socket);
    if (held === undefined) return;
    this.#parts.logger.debug('a data socket failed', { socket: held.wanted.key, reason });
    this.#close(held);
    this.#held.delete(held.wanted.key);
    // Under a new id: for a peer it is another socket.
    const next = this.#hold(held.wanted);
    const isSound = this.#parts.clock.now() - held.openedMs >= SOUND_MS;
    next.failures = isSound ? 0 : held.failures;
    this.#retry(next);
    this.#show();
  }

  #follow(): void {
    if (this.#isClosed) return;
    const wanted = new Map(this.#wanted().map((one) => [one.key, one]));
    for (const held of [...this.#held.values()]) {
      const now = wanted.get(held.wanted.key);
      const address = now?.addresses.find((one) => one.address === held.address.address);
      if (now === undefined || (address === undefined && !this.#canMove())) {
        this.#close(held);
        this.#held.delete(held.wanted.key);
        continue;
      }
      held.wanted = now;
      held.address = address ?? now.addresses[0] ?? held.address;
    }
    for (const one of wanted.values()) {
      if (!this.#held.has(one.key)) void this.#open(this.#hold(one));
    }
    for (const name of [...this.#numbers.keys()]) {
      const isHeld = [...this.#held.values()].some((held) => held.wanted.network.name === name);
      if (!isHeld) this.#numbers.delete(name);
    }
    this.#show();
  }

  /** Bound to the interface alone, a socket goes on when the address on it changes. */
  #canMove(): boolean {
    return this.#parts.dataPlane.backEnd === 'native';
  }

  #wanted(): Wanted[] {
    const { interfaces, settings, logger } = this.#parts;
    const all = interfaces
      .current()
      .flatMap((network) => this.#wantedOn(network))
      .sort(
        (a, b) =>
          Number(a.use.backup ?? false) - Number(b.use.backup ?? false) ||
          a.use.metric - b.use.metric ||
          a.network.index - b.network.index ||
          a.family - b.family ||
          settings.transports.indexOf(a.transport) - settings.transports.indexOf(b.transport),
      );
    if (all.length > CANDIDATES_MAX) {
      logger.warn('more interfaces than paths can use', { left: all.length - CANDIDATES_MAX });
    }
    return all.slice(0, CANDIDATES_MAX);
  }

  #wantedOn(network: NetworkInterface): Wanted[] {
    const { interfaces, transports } = this.#parts.settings;
    const { name } = network;
    const chosen = interfaces.find((one) => one.name === name);
    if (chosen === undefined && interfaces.length > 0) return [];
    const use = chosen ?? { name, metric: 0 };
    return ([4, 6] as const).flatMap((family) => {
      const addresses = this.#usable(network, family);
      if (addresses.length === 0) return [];
      return transports.map((transport) => {
        return {
          key: `${name}/${family}/${transport}`,
          network,
          use,
          transport,
          family,
          addresses,
        };
      });
    });
  }

  /** Global IPv6 addresses first; IPv4 addresses in the order of the system, whose first is the main one. */
  #usable(network: NetworkInterface, family: 4 | 6): DeviceAddress[] {
    const usable = network.addresses.filter(({ address }) => {
      const bytes = addressBytes(address);
      if (bytes?.length !== (family === 4 ? 4 : 16)) return false;
      return scopeOf(bytes) !== 'none' && !this.#parts.isOverlayAddress(address);
    });
    const isGlobal = ({ address }: DeviceAddress): boolean =>
      scopeOf(addressBytes(address) ?? new Uint8Array(4)) === 'global';
    if (family === 4) return usable;
    return [...usable.filter(isGlobal), ...usable.filter((one) => !isGlobal(one))];
  }

  #hold(wanted: Wanted): Held {
    const [address] = wanted.addresses;
    const held: Held = {
      wanted,
      address: address ?? { address: '', prefixLength: 0 },
      id: this.#freeId(),
      open: null,
      isOpening: false,
      isClosed: false,
      openedMs: 0,
      failures: 0,
      cancelRetry: () => undefined,
    };
    this.#held.set(wanted.key, held);
    return held;
  }

  async #open(held: Held): Promise<void> {
    const { dataPlane, settings, logger } = this.#parts;
    held.isOpening = true;
    const { transport, family, network } = held.wanted;
    const options = { transport, family, device: network.name, address: held.address.address };
    const ports = transport === 'raw' || settings.listenPort === 0 ? [0] : [settings.listenPort, 0];
    let reason = '';
    for (const port of ports) {
      try {
        const { id: socket, port: bound } = await dataPlane.openSocket({ ...options, port });
        this.#opened(held, socket, bound);
        return;
      } catch (error) {
        reason = messageOf(error);
      }
    }
    held.isOpening = false;
    logger.debug('a data socket cannot be opened', { socket: held.wanted.key, reason });
    this.#retry(held);
  }

  #opened(held: Held, socket: number, port: number): void {
    held.isOpening = false;
    if (held.isClosed) {
      this.#parts.dataPlane.closeSocket(socket);
      return;
    }
    held.open = { socket, port };
    held.openedMs = this.#parts.clock.now();
    this.#show();
  }

  #retry(held: Held): void {
    if (held.isClosed || held.isOpening) return;
    const delayMs = Math.min(RETRY_MS_MIN * 2 ** held.failures, RETRY_MS_MAX);
    held.failures += 1;
    held.cancelRetry = this.#parts.clock.after(delayMs, () => {
      if (!held.isClosed) void this.#open(held);
    });
  }

  #close(held: Held): void {
    held.isClosed = true;
    held.cancelRetry();
    if (held.open !== null) this.#parts.dataPlane.closeSocket(held.open.socket);
    held.open = null;
  }

  #show(): void {
    const candidates = [...this.#held.values()].flatMap((held) => this.#candidate(held));
    const shown = JSON.stringify(candidates);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#candidates = candidates;
    if (!this.#isClosed) this.#parts.changed();
  }

  #candidate({ id, open, address, wanted }: Held): OwnCandidate[] {
    const bytes = addressBytes(address.address);
    if (open === null || bytes === null) return [];
    const { network, use, transport, family } = wanted;
    return [
      {
        id,
        interface: this.#numberOf(network.name),
        transport,
        family,
        address: bytes,
        text: addressText(bytes),
        port: open.port,
        prefixLength: address.prefixLength,
        routed: family === 4 ? network.routed4 : network.routed6,
        metricGroup: Math.min(use.metric, METRIC_GROUP_MAX),
        backup: use.backup ?? false,
        mtuBytes: Math.min(network.mtuBytes, 0xffff),
        socket: open.socket,
        interfaceName: network.name,
      },
    ];
  }

  /** Numbers go round, so that one is long forgotten by peers before it means something else. */
  #freeId(): number {
    const taken = new Set([...this.#held.values()].map(({ id }) => id));
    while (taken.has(this.#nextId)) this.#nextId = (this.#nextId + 1) % CANDIDATE_IDS;
    const id = this.#nextId;
    this.#nextId = (id + 1) % CANDIDATE_IDS;
    return id;
  }

  #numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const taken = new Set(this.#numbers.values());
    while (taken.has(this.#nextNumber)) this.#nextNumber = (this.#nextNumber + 1) % CANDIDATE_IDS;
    this.#numbers.set(name, this.#nextNumber);
    return this.#nextNumber;
  }
}
