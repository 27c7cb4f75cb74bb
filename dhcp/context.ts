/** What the lease protocol needs of its node; the same for every part of it. */
import type { PeerId } from '../overlay/base/peer-id.js';
import type { Signal } from '../overlay/base/signal.js';
import type { Distance } from '../overlay/peers/distance.js';
import type { Roster } from '../overlay/peers/roster.js';
import type { Clock, Crypto, Directory, Logger, Rng, Rpc, Store } from '../overlay/ports.js';
import type { CertificateJudge } from './certificate.js';
import type { MemberHint } from './messages.js';
import type { Subject } from './subject.js';

export interface LeaseContext {
  readonly self: PeerId;
  readonly secretKey: Uint8Array;
  readonly networkId: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly crypto: Crypto;
  readonly rpc: Rpc;
  readonly directory: Directory;
  readonly store: Store;
  readonly logger: Logger;
  readonly roster: Roster;
  readonly distance: Distance;
  readonly judge: CertificateJudge;
  /** Membership certificate of this node. */
  readonly membership: Uint8Array;
  /** The node that founded the network holds its whole state by definition. */
  readonly founder: boolean;
  /** Why `peer` may not claim the subject, or null if it may. */
  readonly forbids: (peer: PeerId, subject: Subject) => Promise<string | null>;
  /** Makes sure these members are known and connected, as far as they can be reached. */
  readonly meet: (members: readonly MemberHint[], signal?: Signal) => Promise<void>;
  /** A member and where to dial it, for telling others. */
  readonly hintOf: (peer: PeerId) => MemberHint;
  /** A member gave up its membership. */
  readonly departed: (peer: PeerId) => void;
  /** Something malformed or hostile came from `peer`. */
  readonly misbehaved: (peer: PeerId, what: string) => void;
}
