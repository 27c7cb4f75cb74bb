/**
 * Every request that a node makes is answered, refused or given up within the limit it was given, also where nothing
 * comes back any more: what waits for ever holds up whatever waits for it. The world's time counts, as for the hosts.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import type { Rpc } from '../../overlay/ports.js';
import type { WorldEvent } from '../world/events.js';
import type { VirtualNode } from '../world/virtual-node.js';
import type { World } from '../world/world.js';
import type { Checker, Violations } from './checker.js';

/** Times are sums of fractions of milliseconds. */
const ROUNDING_MS = 1;

interface OpenRequest {
  readonly node: VirtualNode;
  /** Process that asked: what the dead asked is never answered. */
  readonly start: number;
  readonly to: PeerId;
  readonly protocol: string;
  readonly dueMs: number;
}

export class SettledPromises implements Checker {
  readonly names = ['unsettledPromises'];
  readonly property = 'liveness';
  readonly #world: World;
  readonly #violations: Violations;
  readonly #open = new Set<OpenRequest>();

  /** Watches the requests of all nodes of `world` that start from now on. */
  constructor(world: World, violations: Violations) {
    this.#world = world;
    this.#violations = violations;
    world.watchRpc = (node, rpc) => this.#around(node, rpc);
  }

  /** Requests that wait for their end. */
  get open(): number {
    return this.#open.size;
  }

  heard(event: WorldEvent, _nowMs: number): void {
    if (event.kind !== 'ended') return;
    for (const request of this.#open) {
      if (request.node === event.node) this.#open.delete(request);
    }
  }

  look(world: World): void {
    for (const request of this.#open) {
      if (world.nowMs <= request.dueMs + ROUNDING_MS) continue;
      this.#open.delete(request);
      this.#judge(request, 'is still open');
    }
  }

  #around(node: VirtualNode, rpc: Rpc): Rpc {
    const start = node.starts;
    return {
      self: rpc.self,
      serve: (protocol, options, handler) => {
        rpc.serve(protocol, options, handler);
      },
      request: async (to, protocol, request, options) => {
        const dueMs = this.#world.nowMs + options.timeoutMs;
        const open: OpenRequest = { node, start, to, protocol, dueMs };
        this.#open.add(open);
        try {
          return await rpc.request(to, protocol, request, options);
        } finally {
          // One that was judged before, or whose process ended, is not open any more.
          if (this.#open.delete(open) && this.#world.nowMs > dueMs + ROUNDING_MS) {
            this.#judge(open, 'ended late');
          }
        }
      },
    };
  }

  #judge({ node, start, to, protocol, dueMs }: OpenRequest, how: string): void {
    if (node.run === null || node.starts !== start) return;
    const { nowMs } = this.#world;
    const lateMs = (nowMs - dueMs).toFixed(0);
    const other = this.#world.nodeOf(to)?.name ?? to;
    this.#violations.add({
      ...{ property: 'liveness', name: 'unsettledPromises', atMs: nowMs },
      detail: `a request ${protocol} of ${node.name} to ${other} ${how} ${lateMs} ms after its limit`,
      nodes: [node.name, other],
    });
  }
}
