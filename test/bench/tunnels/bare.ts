/** The cable itself: what is left for a tunnel to spend. */
import type { Tunnel } from './tunnel.js';

export const BARE: Tunnel = {
  name: 'bare veth',
  needs: [],
  start: ({ outer }) =>
    Promise.resolve({ inner: outer, programs: [], stop: () => Promise.resolve() }),
};
