/** What a datagram path tells about itself. */
import type { ControlState } from './control-gains.js';
import type { LivenessState } from './liveness.js';

/** Counted since the path began. */
export interface DatagramCounters {
  sentPackets: number;
  sentBytes: number;
  receivedPackets: number;
  ackedPackets: number;
  lostPackets: number;
  /** Of the lost ones, those that arrived after all. */
  spuriousPackets: number;
  replayedPackets: number;
  badAcks: number;
}

export interface DatagramSnapshot {
  readonly state: LivenessState;
  readonly control: ControlState;
  readonly rttUs: number;
  readonly minRttUs: number;
  readonly rateBps: number;
  readonly bandwidthBps: number;
  readonly windowBytes: number;
  readonly inFlightBytes: number;
  readonly mtuBytes: number;
  /** Part of the bytes of the last rounds that were lost, 0 to 1. */
  readonly lossRate: number;
  readonly counters: Readonly<DatagramCounters>;
}

export function noCounts(): DatagramCounters {
  return {
    sentPackets: 0,
    sentBytes: 0,
    receivedPackets: 0,
    ackedPackets: 0,
    lostPackets: 0,
    spuriousPackets: 0,
    replayedPackets: 0,
    badAcks: 0,
  };
}
