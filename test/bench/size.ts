/** How long and how often each part measures. */
import type { ScenarioName } from '../../sim/scenarios/catalogue.js';

export interface NetworkSize {
  /** Joins measured, one after the other. */
  readonly joins: number;
  /** Seconds of each TCP stream. */
  readonly streamS: number;
  /** Seconds over which an idle node is watched. */
  readonly idleS: number;
  readonly pings: number;
}

export interface TunnelsSize {
  /** Seconds of TCP each way before anything counts: programs that compile as they run are cold. */
  readonly warmUpS: number;
  readonly streamS: number;
  /** Seconds of each rate that is tried. */
  readonly udpS: number;
  /** Rates tried after the first. */
  readonly udpSteps: number;
  readonly pings: number;
  /** Also with a card that does not cut UDP super-packets itself. */
  readonly plainCard: boolean;
  /** Seconds of the stream under which the data plane is profiled. */
  readonly profileS: number;
}

export interface ShapedSize {
  readonly streamS: number;
  /** Not counted, before `streamS`. */
  readonly omitS: number;
  /** Of the list of configurations, from its beginning. */
  readonly configurations: number;
  readonly directions: readonly ('there' | 'back')[];
}

export interface VoiceSize {
  readonly seconds: number;
}

export interface SimulatorSize {
  /** Scenarios of whole nodes. */
  readonly whole: readonly (readonly [ScenarioName, nodes: number])[];
  /** Networks of the directory alone, in nodes. */
  readonly directory: readonly number[];
}

export interface BenchSize {
  readonly label: string;
  readonly network: NetworkSize;
  readonly tunnels: TunnelsSize;
  readonly shaped: ShapedSize;
  readonly voice: VoiceSize;
  readonly simulator: SimulatorSize;
}

/** Figures worth writing down. */
export const FULL: BenchSize = {
  label: 'full',
  network: { joins: 20, streamS: 5, idleS: 20, pings: 200 },
  tunnels: {
    warmUpS: 3,
    streamS: 5,
    udpS: 2,
    udpSteps: 5,
    pings: 500,
    plainCard: true,
    profileS: 10,
  },
  shaped: { streamS: 8, omitS: 3, configurations: 99, directions: ['there', 'back'] },
  voice: { seconds: 60 },
  simulator: {
    whole: [
      ['flashcrowd', 100],
      ['lookup', 100],
      ['lookup', 300],
      ['restart', 100],
      ['restart', 300],
    ],
    directory: [1_000, 10_000, 100_000],
  },
};

/** Only shows that the bench works; its figures say little. */
export const SMALL: BenchSize = {
  label: 'small',
  network: { joins: 3, streamS: 1, idleS: 2, pings: 20 },
  tunnels: {
    warmUpS: 1,
    streamS: 1,
    udpS: 1,
    udpSteps: 2,
    pings: 20,
    plainCard: false,
    profileS: 2,
  },
  shaped: { streamS: 2, omitS: 1, configurations: 1, directions: ['there'] },
  voice: { seconds: 3 },
  simulator: { whole: [['flashcrowd', 10]], directory: [100] },
};
