/** What all links of a node are made from. */
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { DataPlane } from '../../../overlay/link/data-plane.js';
import type {
  Clock,
  Crypto,
  Gate,
  KeyAgreement,
  Logger,
  Rng,
  Rpc,
} from '../../../overlay/ports.js';
import type { OwnCandidate } from './candidates.js';
import type { LocalIndexes } from './local-indexes.js';

export interface LinkParts {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly rpc: Rpc;
  readonly logger: Logger;
  readonly gate: Gate;
  readonly agreement: KeyAgreement;
  readonly dataPlane: DataPlane;
  readonly networkId: string;
  readonly self: PeerId;
  /** 32 bytes that the first exchange of a session builds on: the network's pre-shared key, or zeros. */
  readonly psk: Uint8Array;
  /** Whether an address belongs to the network on top: no path may lead over it. */
  readonly isOverlayAddress: (address: string) => boolean;
  readonly indexes: LocalIndexes;
  /** Sockets of this node; another array whenever they change. */
  readonly own: () => readonly OwnCandidate[];
  /** A link became usable or stopped being so. */
  readonly changed: () => void;
  /** The peer wants no links. */
  readonly refused: (peer: PeerId) => void;
}
