/** What a node is made from: the ports it runs over, its settings, and what most of its parts share. */
import type { CodedError } from '../../overlay/base/errors.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { RevocationList } from '../../overlay/identity/revocation.js';
import type { DataPlane, LinkScheduling } from '../../overlay/link/data-plane.js';
import type { Roster } from '../../overlay/peers/roster.js';
import type {
  Clock,
  Crypto,
  Directory,
  Interfaces,
  KeyAgreement,
  Logger,
  Rng,
  Rpc,
  Store,
  Streams,
  Swarm,
  TunDevice,
} from '../../overlay/ports.js';
import type { Cards } from './cards.js';
import type { NodeIdentity } from './identity.js';
import type { SocketSettings } from './multipath/sockets.js';
import type { TrustGate } from './trust.js';
import type { Vault } from './vault.js';

/** What links of datagrams need of the machine. */
export interface MultipathPorts {
  readonly dataPlane: DataPlane;
  /** Packets of the device come by the data plane, and not by the device's own listener. */
  readonly readsDevice: boolean;
  readonly interfaces: Interfaces;
  readonly agreement: KeyAgreement;
  readonly settings: SocketSettings;
  readonly schedulingOf: (peer: PeerId) => LinkScheduling;
  /** Whether an address belongs to the network on top: no path may lead over it. */
  readonly isOverlayAddress: (address: string) => boolean;
}

export interface NodePorts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly rpc: Rpc;
  readonly directory: Directory;
  readonly swarm: Swarm;
  readonly streams: Streams;
  readonly store: Store;
  readonly logger: Logger;
  /** Null: a node without a virtual network card. */
  readonly device: TunDevice | null;
  /** Null: a node that has only tcp paths. */
  readonly multipath: MultipathPorts | null;
}

export interface NodeSettings {
  /** Host name wanted. */
  readonly name: string;
  /** True for the node that created the network: it holds the whole state by definition. */
  readonly founder: boolean;
  readonly bootstrap: readonly string[];
  readonly mtu: number;
  readonly version: string;
  /** `peer` is a member now, or takes this node for one: what either refused before may be tried again. */
  admitted(peer: PeerId): void;
  /** The node cannot go on: it is not admitted, or not any more. */
  failed(error: CodedError): void;
}

/** What most parts of a node are made from. */
export type Common = Pick<NodePorts, 'clock' | 'rng' | 'crypto' | 'rpc' | 'swarm' | 'logger'> & {
  readonly identity: NodeIdentity;
  readonly roster: Roster;
  readonly cards: Cards;
  readonly gate: TrustGate;
  readonly vault: Vault;
  readonly revocations: () => RevocationList | null;
};
