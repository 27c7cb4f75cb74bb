/**
 * What a delay line can be told about one of its directions, and the check of it. Pure: shared by the
 * model, the program that runs it, and the lab that drives the program.
 */
import { CodedError } from '../../../overlay/base/errors.js';

/**
 * Losses in bursts: a chain of two states that may change after each frame.
 * Source: E. N. Gilbert 1960, E. O. Elliott 1963. With `lossGood` 0 and `lossBad` 1 the mean burst is
 * `1 / toGood` frames, and the share lost `toBad / (toBad + toGood)`.
 */
export interface BurstLoss {
  /** Chance to go from the good to the bad state after a frame (often called p). */
  readonly toBad: number;
  /** Chance to go back (often called r). */
  readonly toGood: number;
  /** Share of frames lost in each state. */
  readonly lossGood: number;
  readonly lossBad: number;
}

/** One direction. Shares and chances are 0 to 1. */
export interface LineSettings {
  readonly delayMs: number;
  /** Uniform: up to this much earlier or later. Normal: the standard deviation. Never below no delay. */
  readonly jitterMs: number;
  readonly jitterShape: 'uniform' | 'normal';
  /** False: a frame waits for the one before it, which makes the mean delay of dense traffic longer. */
  readonly jitterReorders: boolean;
  /** Bits of Ethernet frames a second, 14 bytes of header included; null: no limit and no queue. */
  readonly rateBps: number | null;
  /** Room before a limited rate, the frame being sent included; what does not fit is dropped. */
  readonly queueBytes: number;
  /** Each frame by itself, after the queue: a lost frame has used up its time on the link. */
  readonly lossRate: number;
  readonly burstLoss: BurstLoss | null;
  /** Share of frames held back by a further `reorderMs`, so that later ones overtake them. */
  readonly reorderRate: number;
  readonly reorderMs: number;
  /** Share of frames that arrive twice. */
  readonly duplicateRate: number;
  /** Loses what enters and what falls due, while both ends still see a carrier. */
  readonly isCut: boolean;
}

export type LineChange = Partial<LineSettings>;

/** Transparent: a cable. The queue is 50 ms at 20 Mb/s. */
export const CABLE: LineSettings = {
  delayMs: 0,
  jitterMs: 0,
  jitterShape: 'uniform',
  jitterReorders: false,
  rateBps: null,
  queueBytes: 125_000,
  lossRate: 0,
  burstLoss: null,
  reorderRate: 0,
  reorderMs: 2,
  duplicateRate: 0,
  isCut: false,
};

/** A satellite link is at 0.6 s; more than this is a mistaken unit. */
const DELAY_MS_MAX = 10_000;
/** Below one frame of 1500 bytes in 1.2 s the line would look cut; above, this program is the limit. */
const RATE_BPS_MIN = 10_000;
const RATE_BPS_MAX = 10e9;
/** 80 ms at 10 Gb/s. */
const QUEUE_BYTES_MAX = 100_000_000;

type Range = readonly [min: number, max: number];

const SHARE: Range = [0, 1];
const DELAY: Range = [0, DELAY_MS_MAX];

/** Settings that null turns off. */
const NULLABLE: ReadonlySet<string> = new Set(['rateBps', 'burstLoss']);

const RANGES: ReadonlyMap<string, Range> = new Map([
  ['delayMs', DELAY],
  ['jitterMs', DELAY],
  ['reorderMs', DELAY],
  ['rateBps', [RATE_BPS_MIN, RATE_BPS_MAX]],
  ['queueBytes', [0, QUEUE_BYTES_MAX]],
  ['lossRate', SHARE],
  ['reorderRate', SHARE],
  ['duplicateRate', SHARE],
  ['toBad', SHARE],
  ['toGood', SHARE],
  ['lossGood', SHARE],
  ['lossBad', SHARE],
]);

/** @throws CodedError 'bad-setting' */
function checkNumbers(values: object): void {
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    const range = RANGES.get(name);
    if (range === undefined || (value === null && NULLABLE.has(name))) continue;
    const [min, max] = range;
    // Written so that NaN fails as well.
    if (typeof value === 'number' && value >= min && value <= max) continue;
    throw new CodedError(
      'bad-setting',
      `${name} of a delay line must be ${String(min)} to ${String(max)}, not ${String(value)}`,
      { name },
    );
  }
}

/** `settings` with a change put over them. @throws CodedError 'bad-setting' */
export function changed(settings: LineSettings, change: LineChange): LineSettings {
  for (const name of Object.keys(change)) {
    if (!(name in CABLE)) {
      throw new CodedError('bad-setting', `a delay line has no setting ${name}`, { name });
    }
  }
  checkNumbers(change);
  if (change.burstLoss != null) checkNumbers(change.burstLoss);
  return { ...settings, ...change };
}
