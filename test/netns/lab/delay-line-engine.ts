/**
 * Carries frames between two devices as two {@link LinkModel}s say: reads what waits, holds it in
 * memory of its own, and writes it when it is due. Knows no system call and no clock.
 */
import {
  LatenessMeter,
  newTallies,
  type FrameTally,
  type LineCounters,
} from './delay-line-counters.js';
import { Departures } from './delay-line-departures.js';
import type { LineDrop, LinkModel } from './delay-line-model.js';

/** A network card, as seen from the cable. Both calls return a negative number instead of waiting. */
export interface FrameDevice {
  /** Puts the next frame at `offset` of the held memory; its length in bytes, cut at `room`. */
  read(offset: number, room: number): number;
  write(offset: number, length: number): number;
}

/** Room of one frame: 1500 bytes of payload, Ethernet and VLAN headers, and a power of two. */
const SLOT_BYTES = 2048;
/** 400 ms of full-size frames at 1 Gb/s; further frames are dropped and counted as overflowed. */
export const HELD_FRAMES_MAX = 32_768;
/** One slot more, for reading what there is no room for. */
export const HELD_BYTES = (HELD_FRAMES_MAX + 1) * SLOT_BYTES;

/** Frames taken in before the clock is looked at again for what is due, some 0.1 ms of work. */
const BATCH_FRAMES_MAX = 16;

interface Direction {
  readonly from: FrameDevice;
  readonly to: FrameDevice;
  readonly model: LinkModel;
  readonly tallies: ReturnType<typeof newTallies>;
  readonly lateness: LatenessMeter;
  lossBursts: number;
  lastWasLost: boolean;
}

const DROP_TALLIES = { cut: 'cut', queue: 'queueDropped', loss: 'lost' } as const satisfies Record<
  LineDrop,
  string
>;

export class DelayLineEngine {
  readonly #memory: Uint8Array;
  readonly #directions: readonly [Direction, Direction];
  readonly #departures = new Departures(HELD_FRAMES_MAX);
  readonly #lengths = new Uint16Array(HELD_FRAMES_MAX + 1);
  readonly #sides = new Uint8Array(HELD_FRAMES_MAX + 1);
  readonly #dueUs = new Float64Array(HELD_FRAMES_MAX + 1);
  /** Slots in no use; the last one freed is taken first, so that little memory is touched. */
  readonly #free = new Int32Array(HELD_FRAMES_MAX);
  #freeCount = HELD_FRAMES_MAX;

  /**
   * @param memory {@link HELD_BYTES} long, the one that the devices read to and write from
   * @param models for the frames that the device with the same index takes in
   */
  constructor(
    memory: Uint8Array,
    devices: readonly [FrameDevice, FrameDevice],
    models: readonly [LinkModel, LinkModel],
  ) {
    this.#memory = memory;
    const [a, b] = devices;
    this.#directions = [direction(a, b, models[0]), direction(b, a, models[1])];
    for (let index = 0; index < HELD_FRAMES_MAX; index++) {
      this.#free[index] = HELD_FRAMES_MAX - 1 - index;
    }
  }

  /** When something has to leave next; infinity if nothing is on the way. */
  get nextUs(): number {
    return this.#departures.nextUs;
  }

  /** Takes in some of what waits at a device. False when nothing is left there. */
  takeIn(side: 0 | 1, nowUs: () => number): boolean {
    const line = this.#directions[side];
    for (let count = 0; count < BATCH_FRAMES_MAX; count++) {
      const slot = this.#takeSlot();
      const length = line.from.read(slot * SLOT_BYTES, SLOT_BYTES);
      if (length <= 0) {
        this.#freeSlot(slot);
        return false;
      }
      this.#offer(line, side, slot, length, nowUs());
    }
    return true;
  }

  /** Writes what is due. */
  letOut(nowUs: number): void {
    while (this.#departures.nextUs <= nowUs) {
      const slot = this.#departures.pop();
      const line = this.#directions[this.#sides[slot] === 0 ? 0 : 1];
      const length = this.#lengths[slot]!;
      subtract(line.tallies.held, length);
      add(line.tallies[this.#send(line, slot, length)], length);
      line.lateness.note(nowUs - this.#dueUs[slot]!);
      this.#freeSlot(slot);
    }
  }

  /** Of the frames that the device `side` took in. Starts a new reading of the lateness. */
  counters(side: 0 | 1): LineCounters {
    const { tallies, lossBursts, lateness } = this.#directions[side];
    return { ...tallies, lossBursts, lateness: lateness.take() };
  }

  #send(line: Direction, slot: number, length: number): 'cut' | 'forwarded' | 'refused' {
    // A cut cable also loses what was on the way.
    if (line.model.isCut) return 'cut';
    return line.to.write(slot * SLOT_BYTES, length) === length ? 'forwarded' : 'refused';
  }

  #offer(line: Direction, side: 0 | 1, slot: number, length: number, nowUs: number): void {
    add(line.tallies.offered, length);
    const verdict = line.model.offer(nowUs, length);
    this.#noteLoss(line, verdict);
    if (typeof verdict === 'string') {
      add(line.tallies[DROP_TALLIES[verdict]], length);
      this.#freeSlot(slot);
      return;
    }
    this.#hold(line, side, slot, length, verdict);
    if (!line.model.drawDuplicate()) return;
    add(line.tallies.duplicated, length);
    const copy = this.#takeSlot();
    const start = slot * SLOT_BYTES;
    this.#memory.copyWithin(copy * SLOT_BYTES, start, start + length);
    this.#hold(line, side, copy, length, verdict);
  }

  #noteLoss(line: Direction, verdict: number | LineDrop): void {
    const isLost = verdict === 'loss';
    if (isLost && !line.lastWasLost) line.lossBursts += 1;
    // What never got to the lossy part of the link neither makes a burst nor ends one.
    if (isLost || typeof verdict === 'number') line.lastWasLost = isLost;
  }

  #hold(line: Direction, side: 0 | 1, slot: number, length: number, atUs: number): void {
    if (slot === HELD_FRAMES_MAX) {
      add(line.tallies.overflowed, length);
      return;
    }
    this.#lengths[slot] = length;
    this.#sides[slot] = side;
    this.#dueUs[slot] = atUs;
    add(line.tallies.held, length);
    this.#departures.push(atUs, slot);
  }

  /** A free slot, or the spare one, {@link HELD_FRAMES_MAX}, which can be read to but not held. */
  #takeSlot(): number {
    if (this.#freeCount === 0) return HELD_FRAMES_MAX;
    this.#freeCount -= 1;
    return this.#free[this.#freeCount]!;
  }

  #freeSlot(slot: number): void {
    if (slot === HELD_FRAMES_MAX) return;
    this.#free[this.#freeCount] = slot;
    this.#freeCount += 1;
  }
}

function direction(from: FrameDevice, to: FrameDevice, model: LinkModel): Direction {
  const lateness = new LatenessMeter();
  return { from, to, model, tallies: newTallies(), lateness, lossBursts: 0, lastWasLost: false };
}

function add(tally: FrameTally, bytes: number): void {
  tally.frames += 1;
  tally.bytes += bytes;
}

function subtract(tally: FrameTally, bytes: number): void {
  tally.frames -= 1;
  tally.bytes -= bytes;
}
