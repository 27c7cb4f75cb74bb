/** The transport between hosts of one process, to see what they do without a network in between. */
import { memory } from '@libp2p/memory';
import type { TransportFactory } from './host-options.js';

export function memoryTransport(): TransportFactory {
  return memory();
}

/** A multiaddr to listen on; each name of a process belongs to one host. */
export function memoryAddress(name: string): string {
  return `/memory/${name}`;
}
