/**
 * The sending half of a link: packets wait in a fair queue, the scheduler takes them out as paths have
 * room, and each leaves sealed for its path. A copy for a second path needs memory of its own, since it
 * is sealed with another number. What is lost leaves once more, before all that waits.
 */
import { fillingUs, longestRttUs } from '../../../overlay/link/schedule/codel.js';
import { FlowQueue } from '../../../overlay/link/schedule/flow-queue.js';
import { flowBucket } from '../../../overlay/link/schedule/flow-key.js';
import { FlowSequence } from '../../../overlay/link/schedule/flow-sequence.js';
import { PATHS_MAX, writeOrderHeader } from '../../../overlay/link/schedule/order-header.js';
import { PacketRun } from '../../../overlay/link/schedule/packet-run.js';
import {
  doubles,
  missedRate,
  pathForRepair,
  RepairedFlows,
  RepairLimit,
  SMALL_BYTES_MAX,
  stallUs,
} from '../../../overlay/link/schedule/repair.js';
import { repairWaitCode } from '../../../overlay/link/schedule/repair-wait.js';
import { bitOf, Windows, type PathView } from '../../../overlay/link/schedule/path-view.js';
import type { Scheduler } from '../../../overlay/link/schedule/scheduler.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import {
  BODY_OFFSET,
  FLAGS_OFFSET,
  FLAG_AGAIN,
  FLAG_UNORDERED,
  ORDER_OFFSET,
  REPAIR_WAIT_SHIFT,
  TAG_BYTES,
} from '../../../overlay/wire/datagram.js';
import type { EnginePath } from './engine-path.js';
import type { RepairMemory } from './repair-memory.js';
import { BORROWED, bytesOf, offsetOf, type SendMemory } from './send-memory.js';

/** Memory for the copies of one run; shared by all links, as nothing in it outlives a call. */
export interface CopySpace {
  readonly start: number;
  readonly bytes: number;
}

/** Lost packets that wait for room; beyond it, the senders inside have to send them again. */
const LOST_MAX = 2_048;

export class LinkSender {
  readonly queue: FlowQueue;
  scheduler: Scheduler;
  sentPackets = 0;
  copiedPackets = 0;
  /** Sent again after they were lost. */
  repairedPackets = 0;
  /** Found no path that is alive. */
  droppedWithoutPath = 0;
  readonly #memory: PacketMemory;
  readonly #packets: SendMemory;
  readonly #copySpace: CopySpace;
  readonly #repairMemory: RepairMemory;
  readonly #repaired = new RepairedFlows();
  readonly #repairLimit = new RepairLimit();
  /** Tags of what is lost, in the order in which it was. */
  #lost: number[] = [];
  /** Slots of paths and tags, in turn, of packets of the run at hand that are sent twice. */
  readonly #doubled: number[] = [];
  readonly #windows = new Windows();
  readonly #salt: number;
  readonly #nowUs: () => number;
  readonly #run = new PacketRun();
  #sequence = new FlowSequence();
  #paths: readonly EnginePath[] = [];
  #views: readonly PathView[] = [];
  readonly #bySlot: (EnginePath | null)[] = new Array<EnginePath | null>(PATHS_MAX).fill(null);
  #copied = 0;
  /** The paths for which the wait was reckoned last, in this round. */
  #waitMask = 0;
  #waitFlagsOfMask = 0;

  constructor(parts: {
    readonly memory: PacketMemory;
    readonly packets: SendMemory;
    readonly copySpace: CopySpace;
    readonly repairMemory: RepairMemory;
    readonly salt: number;
    readonly scheduler: Scheduler;
    readonly nowUs: () => number;
  }) {
    this.#memory = parts.memory;
    this.#packets = parts.packets;
    this.#copySpace = parts.copySpace;
    this.#repairMemory = parts.repairMemory;
    this.#salt = parts.salt;
    this.#nowUs = parts.nowUs;
    this.scheduler = parts.scheduler;
    this.queue = new FlowQueue((handle) => {
      this.#packets.release(handle);
    });
  }

  get views(): readonly PathView[] {
    return this.#views;
  }

  setPaths(paths: readonly EnginePath[]): void {
    this.#paths = paths;
    this.#views = paths.map((path) => path.view);
    this.#bySlot.fill(null);
    for (const path of paths) this.#bySlot[path.slot] = path;
  }

  /** Whether anything waits for room. */
  get isWaiting(): boolean {
    return this.queue.packets > 0 || this.#lost.length > 0;
  }

  /** Orders begin anew, as on the other side. */
  reset(): void {
    this.clear();
    this.#sequence = new FlowSequence();
    this.#repaired.clear();
  }

  /** Forgets what waits. */
  clear(): void {
    this.queue.clear();
    this.#lost = [];
  }

  /** A packet that may be sent again is lost. */
  lost(tag: number): void {
    if (this.#lost.length < LOST_MAX) this.#lost.push(tag);
  }

  /** Takes a packet, already in the body of its datagram. */
  push(handle: number, overheadBytes: number, nowUs: number): void {
    const offset = offsetOf(handle);
    const bytes = bytesOf(handle);
    const end = offset + bytes - TAG_BYTES;
    const bucket = flowBucket(this.#memory.bytes, this.#salt, offset + BODY_OFFSET, end);
    this.queue.push(handle, bytes + overheadBytes, bucket, nowUs);
  }

  /** Sends what there is room for. */
  pump(): void {
    let nowUs = this.#nowUs();
    this.#look(nowUs);
    if (this.#lost.length > 0) this.#sendLost(nowUs);
    const isRepaired = this.#judgeRepairs(nowUs);
    const { queue } = this;
    const run = this.#run;
    while (queue.packets > 0) {
      const roomBytes = this.scheduler.roomBytes(this.#views, nowUs);
      if (roomBytes <= 0) break;
      run.count = 0;
      run.learning = 0;
      queue.pull(run, roomBytes, nowUs);
      if (run.count === 0) break;
      this.scheduler.place(this.#views, run, nowUs);
      this.#dispatch(nowUs, isRepaired);
      nowUs = this.#nowUs();
      this.#look(nowUs);
    }
    // Rates measured while a path had less to send than it could carry say little. One that is only held
    // back by its own pace, while packets wait, is as busy as can be.
    const isEmpty = queue.packets === 0;
    for (const path of this.#paths) {
      if (isEmpty || path.view.windowBytes >= path.machine.mtuBytes) path.machine.onQueueEmpty();
    }
  }

  /** When pacing lets more leave; Infinity if it is not pacing that is waited for. */
  nextSendUs(nowUs: number): number {
    let nextUs = Infinity;
    for (const path of this.#paths) {
      if (path.view.state !== 'active' && path.view.state !== 'standby') continue;
      const us = path.machine.nextSendUs(nowUs);
      if (us > nowUs) nextUs = Math.min(nextUs, us);
    }
    return nextUs;
  }

  /** Whether what is lost is sent again; what flows then miss is less than what paths lose. */
  #judgeRepairs(nowUs: number): boolean {
    const isRepaired = this.#repairLimit.allows(nowUs);
    this.#waitMask = 0;
    for (const { view } of this.#paths) {
      view.missedRate = isRepaired ? missedRate(view) : view.lossRate;
    }
    const stalledUs = isRepaired ? stallUs(this.#views) : 0;
    this.queue.suit(longestRttUs(this.#views), Math.max(stalledUs, fillingUs(this.#views)));
    return isRepaired;
  }

  /** While another path is sure to work, one in doubt gets nothing. */
  #look(nowUs: number): void {
    let isAnyActive = false;
    for (const path of this.#paths) {
      path.look(nowUs);
      if (path.view.state === 'active') isAnyActive = true;
    }
    if (!isAnyActive) return;
    for (const { view } of this.#paths) if (view.state === 'standby') view.windowBytes = 0;
  }

  #dispatch(nowUs: number, isRepaired: boolean): void {
    const run = this.#run;
    const sequence = this.#sequence;
    const { bytes: memory } = this.#memory;
    this.#copied = 0;
    for (let index = 0; index < run.count; index++) {
      const mask = run.masks[index] ?? 0;
      const handle = run.handles[index] ?? 0;
      if (mask === 0) {
        this.droppedWithoutPath += 1;
        this.#packets.release(handle);
        continue;
      }
      const offset = offsetOf(handle);
      const bytes = bytesOf(handle);
      const bucket = run.buckets[index] ?? 0;
      sequence.number(bucket, mask, nowUs);
      writeOrderHeader(memory, offset + ORDER_OFFSET, sequence);
      this.sentPackets += 1;
      this.#repairLimit.add(bytes);
      const carrying = mask & ~run.learning;
      const isAlone = carrying !== 0 && (carrying & (carrying - 1)) === 0;
      const isBulk =
        isAlone && run.sparse[index] === 0 && (run.bytes[index] ?? 0) > SMALL_BYTES_MAX;
      const isBulkFlow = this.#repaired.note(bucket, bytes, isBulk, nowUs);
      let tag = 0;
      if (isBulkFlow && isRepaired) {
        const flags = memory[offset + FLAGS_OFFSET] ?? 0;
        memory[offset + FLAGS_OFFSET] = flags | this.#waitFlags(sequence.paths);
        if (isAlone) tag = this.#repairMemory.keep(offset, bytes, nowUs);
        if (tag !== 0 && this.#repaired.isYoung(bucket)) this.#double(carrying, tag);
      }
      if (!isBulkFlow && run.unordered[index] === 1) {
        memory[offset + FLAGS_OFFSET] = (memory[offset + FLAGS_OFFSET] ?? 0) | FLAG_UNORDERED;
      }
      this.#put(mask, offset, bytes, handle, tag, nowUs);
    }
    if (this.#doubled.length > 0) this.#sendDoubles(nowUs);
    this.#flush(nowUs);
  }

  /** Has a packet sent twice, if the path loses enough. */
  #double(mask: number, tag: number): void {
    for (const path of this.#paths) {
      if (mask === 1 << path.slot && doubles(path.view)) this.#doubled.push(path.slot, tag);
    }
  }

  /** After the run, and only as far as the run has left room. */
  #sendDoubles(nowUs: number): void {
    const windows = this.#windows;
    const run = this.#run;
    windows.load(this.#views);
    for (let index = 0; index < run.count; index++) {
      const mask = run.masks[index] ?? 0;
      for (const view of this.#views) {
        if ((mask & bitOf(view)) !== 0) windows.spend(view, run.bytes[index] ?? 0);
      }
    }
    for (let index = 0; index < this.#doubled.length; index += 2) {
      const [slot = 0, tag = 0] = [this.#doubled[index], this.#doubled[index + 1]];
      const path = this.#bySlot[slot] ?? null;
      if (path === null) continue;
      const bytes = this.#repairMemory.bytesOf(tag) + path.overheadBytes;
      if (windows.left(path.view) < bytes) continue;
      windows.spend(path.view, bytes);
      this.#copyAgain(path, tag, 0, nowUs);
      this.copiedPackets += 1;
    }
    this.#doubled.length = 0;
  }

  /** Lists the packet for all its paths: copies first, since the original is sealed where it lies. */
  #put(
    mask: number,
    offset: number,
    bytes: number,
    handle: number,
    tag: number,
    nowUs: number,
  ): void {
    let owner: EnginePath | null = null;
    for (let slot = 0; slot < PATHS_MAX; slot++) {
      if ((mask & (1 << slot)) === 0) continue;
      const path = this.#bySlot[slot] ?? null;
      if (path === null) continue;
      const isCarrying = (this.#run.learning & (1 << slot)) === 0;
      if (owner === null) owner = path;
      else this.#copy(path, offset, bytes, isCarrying ? tag : 0, nowUs);
    }
    if (owner === null) {
      this.droppedWithoutPath += 1;
      this.#packets.release(handle);
      return;
    }
    if ((mask & (mask - 1)) !== 0) this.copiedPackets += 1;
    if (owner.out.isFull) owner.flush(nowUs, 'data');
    const isCarrying = (this.#run.learning & (1 << owner.slot)) === 0;
    owner.out.push(offset, bytes, handle, isCarrying ? tag : 0);
  }

  /** Flags that tell the receiver how long to wait; for a run of packets mostly the same. */
  #waitFlags(mask: number): number {
    if (mask !== this.#waitMask) {
      this.#waitMask = mask;
      this.#waitFlagsOfMask = repairWaitCode(this.#views, mask) << REPAIR_WAIT_SHIFT;
    }
    return this.#waitFlagsOfMask;
  }

  /** Sends again what is lost, as far as there is room, and if it still makes sense. */
  #sendLost(nowUs: number): void {
    const repairs = this.#repairMemory;
    this.#copied = 0;
    let done = 0;
    for (const tag of this.#lost) {
      if (repairs.holds(tag, nowUs)) {
        const view = pathForRepair(this.#views);
        const path = view === null ? null : (this.#bySlot[view.id] ?? null);
        if (path === null) break;
        this.#copyAgain(path, tag, tag, nowUs);
        path.view.windowBytes -= repairs.bytesOf(tag) + path.overheadBytes;
        this.repairedPackets += 1;
      }
      done += 1;
    }
    this.#lost.splice(0, done);
    this.#flush(nowUs);
    this.#look(nowUs);
  }

  /** Lists what is kept under a tag. @param asTag under which it is found when it is lost once more; 0: it is not */
  #copyAgain(path: EnginePath, tag: number, asTag: number, nowUs: number): void {
    const { bytes: memory } = this.#memory;
    const at = this.#repairMemory.offsetOf(tag);
    memory[at + FLAGS_OFFSET] = (memory[at + FLAGS_OFFSET] ?? 0) | FLAG_AGAIN;
    this.#copy(path, at, this.#repairMemory.bytesOf(tag), asTag, nowUs);
  }

  #copy(path: EnginePath, offset: number, bytes: number, tag: number, nowUs: number): void {
    const { start, bytes: spaceBytes } = this.#copySpace;
    if (this.#copied + bytes > spaceBytes || path.out.isFull) {
      this.#flush(nowUs);
      this.#copied = 0;
    }
    const to = start + this.#copied;
    this.#memory.bytes.copyWithin(to, offset, offset + bytes);
    this.#copied += bytes;
    path.out.push(to, bytes, BORROWED, tag);
  }

  #flush(nowUs: number): void {
    for (const path of this.#paths) path.flush(nowUs, 'data');
  }
}
