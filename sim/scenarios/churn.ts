/**
 * Members come and go: each place of the network is taken for the length of a session and empty for that of an absence, by
 * the same member or by another one. Most sessions end without a word.
 */
import type { Rng } from '../../overlay/ports.js';
import { drawLengthMs, drawRestMs, meanLengthMs } from '../churn/lengths.js';
import type { VirtualNode } from '../world/virtual-node.js';
import { gather, placed } from './gathering.js';
import type { Settings } from './settings.js';
import type { Simulation } from './simulation.js';

/** Before members begin to go: enough that all vote. */
const CALM_MS = 60_000;
const THINNING_MS = 60_000;
/** How sessions end: killed, without power, on a signal; the rest leave for good, and somebody else takes the place. */
const KILLED = 0.4;
const POWERLESS = 0.3;
const STOPPED = 0.25;

/** All places; the first is the founder's. */
class Places {
  readonly #simulation: Simulation;
  readonly #settings: Settings;
  readonly #rng: Rng;
  readonly #nodes: VirtualNode[];
  readonly #leaving = new Set<VirtualNode>();
  #isOver = false;
  sessions = 0;
  departures = 0;

  constructor(simulation: Simulation, settings: Settings, nodes: readonly VirtualNode[]) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#rng = simulation.world.streams.of('sessions');
    this.#nodes = [...nodes];
  }

  /**
   * As many as are there when it has been going on for long are in the midst of a session. The others go within the first
   * minute, and not all at once, which would be another scenario.
   */
  begin(): void {
    const { session, absence } = this.#settings;
    const present = meanLengthMs(session) / (meanLengthMs(session) + meanLengthMs(absence));
    for (let place = 0; place < this.#nodes.length; place++) {
      const stays = this.#rng.float() < present;
      const restMs = stays ? drawRestMs(session, this.#rng) : this.#rng.float() * THINNING_MS;
      this.#after(restMs, place, 'end');
    }
  }

  /** Nobody goes any more, and everyone comes. */
  end(): void {
    this.#isOver = true;
    for (let place = 0; place < this.#nodes.length; place++) this.#start(place);
  }

  #start(place: number): void {
    const node = this.#nodes[place];
    if (node === undefined) return;
    const { world } = this.#simulation;
    // Who is still saying goodbye when the absence is over does not come back by itself.
    if (node.run !== null && this.#leaving.delete(node)) world.kill(node);
    if (node.run !== null) return;
    this.sessions += 1;
    void world.start(node);
  }

  #after(ms: number, place: number, what: 'start' | 'end'): void {
    this.#simulation.world.clock.after(ms, () => {
      if (this.#isOver) return;
      const { session, absence } = this.#settings;
      if (what === 'start') {
        this.#start(place);
        this.#after(drawLengthMs(session, this.#rng), place, 'end');
      } else {
        this.#end(place);
        this.#after(drawLengthMs(absence, this.#rng), place, 'start');
      }
    });
  }

  #end(place: number): void {
    const node = this.#nodes[place];
    const draw = this.#rng.float();
    if (node === undefined || node.run === null) return;
    const { world } = this.#simulation;
    if (draw < KILLED) world.kill(node);
    else if (draw < KILLED + POWERLESS) world.powerOff(node);
    else if (draw < KILLED + POWERLESS + STOPPED) this.#stop(node, false);
    else {
      this.departures += 1;
      this.#stop(node, true);
      this.#nodes[place] = world.add();
    }
  }

  #stop(node: VirtualNode, leaves: boolean): void {
    this.#leaving.add(node);
    void this.#simulation.world.stop(node, leaves).then(() => {
      this.#leaving.delete(node);
    });
  }
}

export async function runChurn(
  simulation: Simulation,
  settings: Settings,
): Promise<Record<string, number>> {
  const places = new Places(simulation, settings, await gather(simulation, settings.nodes - 1));
  await simulation.advance(CALM_MS);
  simulation.measureFromNow();
  places.begin();
  await simulation.advance(settings.durationMs);
  const { sessions, departures } = places;
  const facts = { sessions, departures, placed: placed(simulation).length };
  places.end();
  return facts;
}
