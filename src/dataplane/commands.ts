/** What the node tells a data plane on another thread. Plain values, copied on their way. */
import type {
  DataSocketOptions,
  LinkFacts,
  LinkScheduling,
  PathPlan,
} from '../../overlay/link/data-plane.js';
import type { Role } from '../../overlay/link/session/key-epochs.js';
import type { SessionKeys } from '../../overlay/link/session/key-exchange.js';
import type { EngineEvent } from './engine/engine-parts.js';

export type Command =
  | { readonly kind: 'open-socket'; readonly socket: number; readonly options: DataSocketOptions }
  | { readonly kind: 'close-socket'; readonly socket: number }
  | {
      readonly kind: 'own-addresses';
      readonly address4: string | null;
      readonly address6: string | null;
    }
  | { readonly kind: 'open-link'; readonly link: number; readonly scheduling: LinkScheduling }
  | { readonly kind: 'close-link'; readonly link: number }
  | { readonly kind: 'scheduling'; readonly link: number; readonly scheduling: LinkScheduling }
  | {
      readonly kind: 'peer-addresses';
      readonly link: number;
      readonly address4: string | null;
      readonly address6: string | null;
    }
  | {
      readonly kind: 'keys';
      readonly link: number;
      readonly keys: SessionKeys;
      readonly role: Role;
      readonly fresh: boolean;
    }
  | { readonly kind: 'paths'; readonly link: number; readonly paths: readonly PathPlan[] }
  | { readonly kind: 'control'; readonly link: number; readonly message: Uint8Array }
  | { readonly kind: 'echo'; readonly link: number; readonly token: number }
  /** Each a `virtio_net_hdr` and a packet. */
  | { readonly kind: 'send'; readonly link: number; readonly packets: readonly Uint8Array[] }
  | { readonly kind: 'facts'; readonly request: number }
  | { readonly kind: 'stop' };

/** What the thread tells: events of the engine, and answers. */
export type Report =
  | EngineEvent
  | { readonly kind: 'socket-opened'; readonly socket: number; readonly port: number }
  | {
      readonly kind: 'socket-refused';
      readonly socket: number;
      readonly message: string;
      readonly errno: string | null;
    }
  | {
      readonly kind: 'facts';
      readonly request: number;
      readonly links: readonly LinkFacts[];
    }
  | { readonly kind: 'broken'; readonly reason: string };
