/** How much faster than believed a controller sends, and how much it has in flight, in each of its states. */

export type ControlState = 'startup' | 'drain' | 'up' | 'down' | 'cruise' | 'probe-rtt';

/** 4 ln 2: the least gain with which the rate doubles each round (BBR draft, 2.5). */
const STARTUP_GAIN = 2.77;
const DRAIN_GAIN = 0.5;
const DOWN_GAIN = 0.75;
/** Each probe that found more makes the next one bolder. */
const UP_GAINS = [1.25, 1.5, 2] as const;
export const UP_STEPS = UP_GAINS.length;
/** Where the last probe made the queue overflow, the first one is timid. */
const UP_GAIN_SHALLOW = 1.1;

const STARTUP_WINDOW_GAIN = 2;
const UP_WINDOW_GAIN = 2.25;
/** What may stand in the queue when others hold the path: half a round trip. */
const CRUISE_WINDOW_GAIN = 1.5;

/** Of the bandwidth that is believed. */
export function pacingGain(state: ControlState, upStep: number, isShallow: boolean): number {
  switch (state) {
    case 'startup':
      return STARTUP_GAIN;
    case 'drain':
      return DRAIN_GAIN;
    case 'up':
      return isShallow && upStep === 0 ? UP_GAIN_SHALLOW : (UP_GAINS[upStep] ?? 1);
    case 'down':
      return DOWN_GAIN;
    case 'cruise':
    case 'probe-rtt':
      return 1;
  }
}

/** Of the bandwidth-delay product; what bursts of acknowledgements need comes on top. */
export function windowGain(state: ControlState): number {
  switch (state) {
    case 'startup':
    case 'drain':
      return STARTUP_WINDOW_GAIN;
    case 'up':
      return UP_WINDOW_GAIN;
    default:
      return CRUISE_WINDOW_GAIN;
  }
}
