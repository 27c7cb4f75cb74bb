/** What this node shows of itself: its card, and the addresses by which others can begin. */
import { isAborted, type Signal } from '../../overlay/base/signal.js';
import { sleep } from '../../overlay/base/sleep.js';
import { BOOTSTRAP_MAX } from '../../overlay/identity/bootstrap.js';
import type { Roster, RosterEntry } from '../../overlay/peers/roster.js';
import type { Clock, Swarm, TunDevice } from '../../overlay/ports.js';
import { encodeCertificate, type LeaseCertificate } from '../../dhcp/certificate.js';
import type { Cards } from './cards.js';
import { HELLO_ADDRESSES_MAX, NEIGHBOURS_MAX, type Hello } from './hello.js';
import type { NodeIdentity } from './identity.js';

/** How soon others learn of a new address, such as one through a relay. */
const ADDRESS_CHECK_MS = 500;
/** Own addresses in an invite; the rest of its room is for other members'. */
const OWN_BOOTSTRAP_MAX = 4;

export interface PresenceParts {
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly swarm: Swarm;
  readonly roster: Roster;
  readonly cards: Cards;
  readonly device: TunDevice | null;
  readonly version: string;
  readonly admission: () => Uint8Array | null;
  /** Certificates of the leases held. */
  readonly leases: () => readonly LeaseCertificate[];
  /** Whether this node votes. */
  readonly settled: () => boolean;
  readonly revocationSequence: () => number;
  readonly announce: () => Promise<void>;
}

export class Presence {
  readonly #parts: PresenceParts;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  card(): Hello {
    const parts = this.#parts;
    const admission = parts.admission();
    const neighbours = this.#connectedMembers().slice(0, NEIGHBOURS_MAX);
    return [
      1,
      parts.identity.membershipBytes,
      admission === null ? [] : [admission],
      parts.leases().map(encodeCertificate),
      parts.settled(),
      parts.device?.offloads ?? false,
      parts.swarm.addresses().slice(0, HELLO_ADDRESSES_MAX),
      neighbours.map((entry) => parts.cards.hintOf(entry.peer)),
      parts.revocationSequence(),
      parts.version,
    ];
  }

  /** Addresses for newcomers to start from, best first: own ones, then one of each other member. */
  bootstrap(): string[] {
    const own = this.#parts.swarm.addresses().slice(0, OWN_BOOTSTRAP_MAX);
    const others = this.#connectedMembers()
      .flatMap((entry) => this.#parts.cards.get(entry.peer)?.addresses.slice(0, 1) ?? [])
      .filter((address) => !address.includes('/p2p-circuit'));
    return [...new Set([...own, ...others])].slice(0, BOOTSTRAP_MAX);
  }

  /** Others keep what they are told of this node's addresses, so they are told when those change. */
  async announceMoves(signal: Signal): Promise<void> {
    const { swarm, clock } = this.#parts;
    let told = swarm.addresses().join(' ');
    while (!signal.aborted) {
      await sleep(clock, ADDRESS_CHECK_MS, signal);
      const present = swarm.addresses().join(' ');
      if (present === told || isAborted(signal)) continue;
      told = present;
      await this.#parts.announce();
    }
  }

  #connectedMembers(): RosterEntry[] {
    const entries = this.#parts.roster.all();
    return entries.filter((entry) => entry.connected && entry.trust === 'member');
  }
}
