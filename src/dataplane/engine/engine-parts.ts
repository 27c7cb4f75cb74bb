/** What the links of an engine share. */
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import type { Endpoint } from '../../../overlay/link/data-plane.js';
import type { BatchIo } from '../batch-io.js';
import type { CounterName } from './engine-counters.js';
import type { EngineSocket } from './engine-socket.js';
import type { CopySpace } from './link-sender.js';
import type { RepairMemory } from './repair-memory.js';
import type { ReceiveMemory } from './receive-memory.js';
import type { SendMemory } from './send-memory.js';
import type { SmallDatagrams } from './small-datagrams.js';

/** What the engine tells, see `DataPlaneEvents`. */
export type EngineEvent =
  | {
      readonly kind: 'path-changed';
      readonly link: number;
      readonly path: number;
      readonly state: LivenessState;
    }
  | {
      readonly kind: 'rebound';
      readonly link: number;
      readonly path: number;
      readonly remote: Endpoint;
    }
  | { readonly kind: 'control'; readonly link: number; readonly message: Uint8Array }
  | { readonly kind: 'keys-freed'; readonly link: number; readonly localIndexes: readonly number[] }
  | { readonly kind: 'rekey-due'; readonly link: number }
  | {
      readonly kind: 'echoed';
      readonly link: number;
      readonly token: number;
      readonly path: number;
      readonly rttUs: number;
    }
  | { readonly kind: 'socket-failed'; readonly socket: number; readonly reason: string }
  /** A `virtio_net_hdr` and the packet. */
  | { readonly kind: 'unrouted'; readonly packets: readonly Uint8Array[] }
  | {
      readonly kind: 'received';
      readonly link: number;
      readonly packet: Uint8Array;
      readonly checksumOpen: boolean;
    };

export interface EngineParts {
  readonly io: BatchIo;
  readonly sendMemory: SendMemory;
  readonly receiveMemory: ReceiveMemory;
  readonly copySpace: CopySpace;
  readonly repairMemory: RepairMemory;
  readonly small: SmallDatagrams;
  readonly ackBytes: Uint8Array;
  /** Largest packet of the device. */
  readonly deviceMtuBytes: number;
  /** 32 bits of this run's own. */
  readonly salt: number;
  readonly nowUs: () => number;
  readonly emit: (event: EngineEvent) => void;
  readonly socketOf: (socket: number) => EngineSocket | null;
  readonly refused: (why: CounterName) => void;
  readonly indexesFreed: (link: number, localIndexes: readonly number[]) => void;
}
