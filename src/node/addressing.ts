/** Puts the addresses this node holds on its device, one change after another. */
import { messageOf } from '../../overlay/base/errors.js';
import type { Signal } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import type { Clock, DeviceAddress, Logger, TunDevice } from '../../overlay/ports.js';
import type { NodeIdentity } from './identity.js';

const PREFIX6_LENGTH = 48;
/** A peer that does not listen holds up the use of a new address for this long at the most. */
const SHOWN_FIRST_MS = 1_000;

export interface AddressingParts {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly device: TunDevice | null;
  /** The IPv4 address that is held, if any. */
  readonly address4: () => string | null;
  /** Tells connected peers what this node holds. */
  readonly announce: () => Promise<void>;
  /** Ends at the end of the run. */
  readonly signal: Signal;
  readonly changed: () => void;
}

export class Addressing {
  readonly #parts: AddressingParts;
  #work: Promise<void> = Promise.resolve();
  /** What was asked for last; undefined: nothing yet. */
  #asked: string | null | undefined = undefined;
  #configured: string | null = null;
  #hindrance: string | null = null;
  #addressedAtMs: number | null = null;

  constructor(parts: AddressingParts) {
    this.#parts = parts;
  }

  /** The IPv4 address that is on the device (or would be, without one). */
  get configured(): string | null {
    return this.#configured;
  }

  /** Monotonic milliseconds at which there first was an address; null before that. */
  get addressedAtMs(): number | null {
    return this.#addressedAtMs;
  }

  /** Why the device has not taken its address, in a sentence; null if it has. */
  get hindrance(): string | null {
    return this.#hindrance;
  }

  /** Peers drop what comes from an address they do not know to be this node's, so they hear of it first. */
  async showThenUse(): Promise<void> {
    const { clock, announce, signal } = this.#parts;
    await Promise.race([announce(), sleep(clock, SHOWN_FIRST_MS, signal)]);
    if (!signal.aborted) this.configure();
  }

  /** Asks for the address held, besides the IPv6 one, which never changes. */
  configure(): void {
    const address4 = this.#parts.address4();
    // Asked again for the same, the device is left alone unless it refused before.
    if (address4 === this.#asked && this.#hindrance === null) return;
    this.#asked = address4;
    this.#work = this.#work.then(() => this.#apply(address4));
  }

  /** Takes the IPv4 address off the device, since it is about to be given back. */
  async withdraw(): Promise<void> {
    this.#asked = null;
    this.#work = this.#work.then(() => this.#apply(null));
    await this.#work;
  }

  /** Resolves when all that was asked for is done. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #apply(address4: string | null): Promise<void> {
    const { device, logger, clock, identity, changed } = this.#parts;
    try {
      await device?.configure(wanted(identity, address4));
      this.#hindrance = null;
      this.#configured = address4;
      if (address4 !== null) this.#addressedAtMs ??= clock.now();
    } catch (error) {
      logger.error('the device does not take its addresses', { reason: messageOf(error) });
      this.#hindrance = `the device does not take its address: ${messageOf(error)}`;
    }
    changed();
  }
}

function wanted(identity: NodeIdentity, address4: string | null): DeviceAddress[] {
  const addresses = [{ address: identity.address6, prefixLength: PREFIX6_LENGTH }];
  const prefixLength = Number(identity.genesis.subnet4.split('/')[1]);
  if (address4 !== null) addresses.unshift({ address: address4, prefixLength });
  return addresses;
}
