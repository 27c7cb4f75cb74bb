/**
 * A link of several paths in virtual time: flow queue, scheduler, numbering, paths, and the reordering
 * receiver at the other end. Packets are consecutive numbers.
 */
import { FlowQueue } from '../../../overlay/link/schedule/flow-queue.js';
import { FlowSequence } from '../../../overlay/link/schedule/flow-sequence.js';
import type { ReceivedOrder } from '../../../overlay/link/schedule/order-header.js';
import { PacketRun } from '../../../overlay/link/schedule/packet-run.js';
import { Reorder } from '../../../overlay/link/schedule/reorder.js';
import type { Scheduler } from '../../../overlay/link/schedule/scheduler.js';
import type { Rng } from '../../../overlay/ports.js';
import type { EventQueue } from '../event-queue.js';
import { SimPath, type PathConfig } from './sim-path.js';

export type Delivery = (packet: number) => void;

export class SimLink {
  readonly events: EventQueue;
  readonly paths: readonly SimPath[];
  readonly queue: FlowQueue;
  readonly reorder: Reorder;
  readonly scheduler: Scheduler;
  readonly #sequence = new FlowSequence();
  readonly #run = new PacketRun();
  readonly #deliveries: Delivery[] = [];
  #pumping = false;
  #asksAgain = false;
  #timerUs = Infinity;

  constructor(configs: readonly PathConfig[], scheduler: Scheduler, events: EventQueue, rng: Rng) {
    this.events = events;
    this.scheduler = scheduler;
    this.queue = new FlowQueue((packet) => {
      this.#deliveries[packet] = undefined!;
    });
    this.paths = configs.map(
      (config, id) =>
        new SimPath(id, config, events, rng, () => {
          this.#pump();
        }),
    );
    this.reorder = new Reorder({
      deliver: (packet) => {
        this.#deliveries[packet]!(packet);
      },
      discard: () => {},
    });
    for (const path of this.paths) this.reorder.setRtt(path.id, path.minRttUs);
  }

  /** Least delay back to the sender, one way, for acknowledgements of inner flows. */
  get backUs(): number {
    return Math.min(...this.paths.map((path) => path.minRttUs)) / 2;
  }

  /** Sends an inner packet; `delivered` runs if and when the receiver hands it on. */
  send(bytes: number, bucket: number, delivered: Delivery): number {
    const packet = this.#deliveries.length;
    this.#deliveries.push(delivered);
    this.queue.push(packet, bytes, bucket, this.events.nowUs);
    this.#pump();
    return packet;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const nowUs = this.events.nowUs;
    const run = this.#run;
    while (this.queue.packets > 0) {
      const room = this.scheduler.roomBytes(this.paths, nowUs);
      if (room <= 0) break;
      run.count = 0;
      this.queue.pull(run, room, nowUs);
      this.scheduler.place(this.paths, run, nowUs);
      for (let index = 0; index < run.count; index++) this.#transmit(index);
    }
    this.#pumping = false;
    if (this.queue.packets > 0 && !this.#asksAgain) {
      this.#asksAgain = true;
      this.events.at(nowUs + 10_000, () => {
        this.#asksAgain = false;
        this.#pump();
      });
    }
  }

  #transmit(index: number): void {
    const run = this.#run;
    const bytes = run.bytes[index]!;
    const mask = run.masks[index]!;
    const packet = run.handles[index]!;
    this.#sequence.number(run.buckets[index]!, mask, this.events.nowUs);
    const { bucket, paths, stamp, sequence } = this.#sequence;
    const header = {
      bucket,
      paths,
      stamp,
      sequence,
      repairUs: 0,
      isUnordered: false,
      isAgain: false,
    };
    for (const path of this.paths) {
      if ((mask & (1 << path.id)) === 0) continue;
      path.send(bytes, () => {
        this.#arrive(packet, bytes, path.id, header);
      });
    }
  }

  #arrive(packet: number, bytes: number, path: number, header: ReceivedOrder): void {
    this.reorder.receive(packet, bytes, path, header, this.events.nowUs);
    this.#settle();
  }

  #settle(): void {
    this.reorder.settle(this.events.nowUs);
    const nextUs = this.reorder.nextTimerUs();
    // One timer stands; one that has become too early finds nothing due and sets the next.
    if (nextUs === Infinity || this.#timerUs <= nextUs) return;
    this.#timerUs = nextUs;
    this.events.at(nextUs, () => {
      this.#timerUs = Infinity;
      this.#settle();
    });
  }
}
