/** What each node sends while it runs, from some moment on. */
import type { WorldEvent, WorldListener } from './events.js';
import type { HostTraffic } from './traffic.js';
import type { VirtualNode } from './virtual-node.js';
import type { World } from './world.js';

/** Who ran for less has no rate worth speaking of. */
const RUN_MS_MIN = 10_000;

export interface SendingRate {
  readonly bytesPerS: number;
  readonly messagesPerS: number;
}

export class SendingRates implements WorldListener {
  readonly #world: World;
  #begunMs = 0;
  readonly #before = new Map<VirtualNode, HostTraffic>();
  /** Of those that run. */
  readonly #startedMs = new Map<VirtualNode, number>();
  readonly #ranMs = new Map<VirtualNode, number>();

  constructor(world: World) {
    this.#world = world;
  }

  heard(event: WorldEvent, nowMs: number): void {
    if (event.kind === 'started') this.#startedMs.set(event.node, nowMs);
    if (event.kind !== 'ended') return;
    this.#ranMs.set(event.node, this.#ranMsOf(event.node));
    this.#startedMs.delete(event.node);
  }

  /** Forgets what was until now. */
  begin(): void {
    this.#begunMs = this.#world.nowMs;
    this.#ranMs.clear();
    for (const node of this.#world.nodes) {
      this.#before.set(node, { ...this.#world.traffic.of(node.peer) });
    }
  }

  /** One for each node that ran for long enough. */
  all(): SendingRate[] {
    const found: SendingRate[] = [];
    for (const node of this.#world.nodes) {
      const ranMs = this.#ranMsOf(node);
      if (ranMs < RUN_MS_MIN) continue;
      const now = this.#world.traffic.of(node.peer);
      const before = this.#before.get(node) ?? { bytes: 0, messages: 0 };
      found.push({
        bytesPerS: ((now.bytes - before.bytes) * 1000) / ranMs,
        messagesPerS: ((now.messages - before.messages) * 1000) / ranMs,
      });
    }
    return found;
  }

  #ranMsOf(node: VirtualNode): number {
    const startedMs = this.#startedMs.get(node);
    const ranMs = this.#ranMs.get(node) ?? 0;
    if (startedMs === undefined) return ranMs;
    return ranMs + this.#world.nowMs - Math.max(startedMs, this.#begunMs);
  }
}
