/** The routing tables of virtual hosts, side by side, and what their directories share besides. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { multihashOf } from '../../overlay/base/peer-id.js';
import type { Rng } from '../../overlay/ports.js';
import { contactOf, nodeOf } from './contacts.js';
import { MessageTimeouts } from './message-timeouts.js';
import { NodeIds, kadIdOf } from './node-ids.js';
import { KAD_DHT, type KadParameters } from './parameters.js';
import { RoutingTables } from './routing-tables.js';

export interface VirtualDhtOptions {
  readonly sha256: (data: Uint8Array) => Uint8Array;
  readonly rng: Rng;
  readonly parameters?: KadParameters;
}

/**
 * One for the hosts of one `MemoryNetwork`, each of which gets its directory by
 * `new MemoryHost(network, { self, gate, directory: (host) => new VirtualDirectory(host, dht) })`.
 * Hosts are found by their id wherever they run, so a restarted one is no other contact than before.
 */
export class VirtualDht {
  readonly sha256: (data: Uint8Array) => Uint8Array;
  readonly rng: Rng;
  readonly parameters: KadParameters;
  readonly ids = new NodeIds();
  readonly tables: RoutingTables;
  readonly timeouts = new MessageTimeouts();
  readonly #numbers = new Map<PeerId, number>();
  readonly #peers: PeerId[] = [];

  constructor(options: VirtualDhtOptions) {
    this.sha256 = options.sha256;
    this.rng = options.rng;
    this.parameters = options.parameters ?? KAD_DHT;
    this.tables = new RoutingTables(this.ids, this.parameters);
  }

  /** The contact of a peer, which gets a number if it has none. */
  contactOf(peer: PeerId): number {
    const known = this.#numbers.get(peer);
    if (known !== undefined) return contactOf(known, 0);
    const number = this.ids.add(kadIdOf(this.sha256(multihashOf(peer))));
    this.#numbers.set(peer, number);
    this.#peers.push(peer);
    return contactOf(number, 0);
  }

  peerOf(contact: number): PeerId {
    const peer = this.#peers[nodeOf(contact)];
    if (peer === undefined) throw new Error(`no peer has the number ${nodeOf(contact)}`);
    return peer;
  }
}
