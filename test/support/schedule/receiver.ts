/** A sender's numbering and a receiver side by side, with a record of what came out and when. */
import { FlowSequence } from '../../../overlay/link/schedule/flow-sequence.js';
import type { OrderHeader, ReceivedOrder } from '../../../overlay/link/schedule/order-header.js';
import { Reorder } from '../../../overlay/link/schedule/reorder.js';

export class Receiver {
  readonly sequence = new FlowSequence();
  readonly delivered: number[] = [];
  readonly deliveredUs = new Map<number, number>();
  readonly discarded: number[] = [];
  readonly reorder: Reorder;
  nowUs = 0;

  constructor() {
    this.reorder = new Reorder({
      deliver: (handle) => {
        this.delivered.push(handle);
        this.deliveredUs.set(handle, this.nowUs);
      },
      discard: (handle) => this.discarded.push(handle),
    });
  }

  /** The header of the next packet of a bucket, sent on the paths of the mask. */
  header(bucket: number, paths: number, nowUs: number): OrderHeader {
    this.sequence.number(bucket, paths, nowUs);
    const { sequence, stamp } = this.sequence;
    return { bucket, paths: this.sequence.paths, sequence, stamp };
  }

  /** Runs the timers up to a time. */
  runUntil(nowUs: number): void {
    let dueUs = this.reorder.nextTimerUs();
    while (dueUs <= nowUs && dueUs !== Infinity) {
      this.nowUs = Math.max(this.nowUs, dueUs);
      this.reorder.settle(this.nowUs);
      dueUs = this.reorder.nextTimerUs();
    }
    this.nowUs = Math.max(this.nowUs, nowUs);
  }

  /** A batch of one. */
  arrive(
    handle: number,
    path: number,
    header: OrderHeader & Partial<ReceivedOrder>,
    nowUs: number,
    bytes = 500,
  ): void {
    this.runUntil(nowUs);
    const order = { repairUs: 0, isUnordered: false, isAgain: false, ...header };
    this.reorder.receive(handle, bytes, path, order, nowUs);
    this.reorder.settle(nowUs);
  }
}
