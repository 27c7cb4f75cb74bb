/** What a libp2p host is made from. */
import type { Transport } from '@libp2p/interface';
import type { Gate, Logger } from '../../../overlay/ports.js';

export type HostErrorCode =
  | 'bad-options' // a key of the wrong size, text that is no multiaddr
  | 'cannot-listen'; // the port is taken, or the address is not of this machine

/** Factory of a libp2p transport; the parts it is given are libp2p's own. */
export type TransportFactory = (components: never) => Transport;

export interface HostOptions {
  /** 32-byte Ed25519 seed of the node's key. */
  readonly secretKeySeed: Uint8Array;
  /** Hex. Part of every protocol name, so that networks cannot mix. */
  readonly networkId: string;
  /** 32 bytes; every connection is enciphered with it first. Null: an open network. */
  readonly psk: Uint8Array | null;
  /** Multiaddrs to listen on; port 0 lets the system choose. Wildcards are expanded. */
  readonly listen: readonly string[];
  /** Addresses to tell others besides those listened on, such as a forwarded port. */
  readonly announce?: readonly string[];
  /** Relay for others. */
  readonly relay: boolean;
  /** Find members on the same link. */
  readonly mdns: boolean;
  readonly gate: Gate;
  readonly logger: Logger;
  /** False for IPs that must be neither announced nor dialled: those of the overlay's own device. */
  readonly addressFilter?: (ip: string) => boolean;
  /** Instead of TCP, for tests. */
  readonly transports?: readonly TransportFactory[];
}
