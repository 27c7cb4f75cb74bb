/** Address ranges this machine uses already, so that a new network collides with none of them. */
import { networkInterfaces } from 'node:os';
import { listRoutes } from '../io/linux/routes.js';

/** IPv4 ranges in CIDR text, of interfaces and, where they can be read, of routes. */
export function localRanges(): string[] {
  const ranges = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && address.cidr !== null)
    .map((address) => address.cidr ?? '');
  if (process.platform === 'linux') {
    try {
      for (const route of listRoutes()) {
        if (route.family === 4) ranges.push(`${route.destination}/${String(route.prefixLength)}`);
      }
    } catch {
      // Without the routes the interfaces still tell the nearest ranges.
    }
  }
  return ranges;
}
