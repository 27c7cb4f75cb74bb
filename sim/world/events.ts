/** What checkers and statistics are told of a world. Times are those of the world. */
import type { CodedError } from '../../overlay/base/errors.js';
import type { LeaseCertificate } from '../../dhcp/certificate.js';
import type { VirtualNode } from './virtual-node.js';

/** How a process ended: killed, cut off from power, ended on a signal, or gone for good. */
export type Ending = 'killed' | 'power' | 'stopped' | 'left';

export type WorldEvent =
  | { readonly kind: 'started'; readonly node: VirtualNode }
  | { readonly kind: 'ended'; readonly node: VirtualNode; readonly how: Ending }
  /** The node holds a lease it did not hold, or one that was renewed. */
  | {
      readonly kind: 'lease';
      readonly node: VirtualNode;
      readonly certificate: LeaseCertificate;
      readonly untilMs: number;
    }
  /** A running node gave a lease up, or lost it. */
  | {
      readonly kind: 'lease-gone';
      readonly node: VirtualNode;
      readonly certificate: LeaseCertificate;
    }
  /** Another IPv4 address is on the device of a running node; null: none. */
  | { readonly kind: 'address'; readonly node: VirtualNode; readonly address: string | null }
  | {
      readonly kind: 'claim';
      readonly node: VirtualNode;
      readonly key: string;
      readonly outcome: string;
    }
  /** The node gave up, as a real one would exit. */
  | { readonly kind: 'failed'; readonly node: VirtualNode; readonly error: CodedError }
  /** The node wrote an error down. */
  | { readonly kind: 'error'; readonly node: VirtualNode; readonly message: string }
  /** Faults are over, and the network is left in peace. */
  | { readonly kind: 'healed' };

export interface WorldListener {
  heard(event: WorldEvent, nowMs: number): void;
}
