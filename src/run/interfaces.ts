/** The network interfaces of this machine as paths see them. */
import { networkInterfaces } from 'node:os';
import type { RunOptions } from './options.js';

export type InterfaceLookup = (
  multiaddr: string,
) => { readonly name: string; readonly metric: number } | null;

/** Finds the interface that holds the IP of a multiaddr. */
export function interfaceLookup(options: Pick<RunOptions, 'interfaces'>): InterfaceLookup {
  return (multiaddr) => {
    const ip = /^\/ip[46]\/([^/]+)/.exec(multiaddr)?.[1];
    if (ip === undefined) return null;
    for (const [name, addresses] of Object.entries(networkInterfaces())) {
      if (addresses?.some((address) => address.address === ip) !== true) continue;
      const metric = options.interfaces.find((chosen) => chosen.name === name)?.metric ?? 0;
      return { name, metric };
    }
    return null;
  };
}

/** Whether an own IP may be announced and dialled from: it is on one of the interfaces chosen. */
export function isChosen(options: Pick<RunOptions, 'interfaces'>, ip: string): boolean {
  if (options.interfaces.length === 0) return true;
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((address) => address.address === ip) !== true) continue;
    return options.interfaces.some((chosen) => chosen.name === name);
  }
  // Not an address of this machine: a remote one, which is not restricted here.
  return true;
}
