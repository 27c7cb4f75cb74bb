/**
 * A link to one peer: keys, paths, what is sent and what is received. The engine calls it when something
 * arrived, when a timer is due and when the node says so.
 */
import type { LinkFacts, LinkScheduling, PathPlan } from '../../../overlay/link/data-plane.js';
import { DUE_ACK, DUE_MTU_PROBE, DUE_PROBE } from '../../../overlay/link/datagram/datagram-path.js';
import { costUs } from '../../../overlay/link/schedule/path-view.js';
import { Reorder } from '../../../overlay/link/schedule/reorder.js';
import { makeScheduler } from '../../../overlay/link/schedule/schedulers.js';
import {
  DATAGRAM_OVERHEAD_BYTES,
  KIND_ACK,
  KIND_CONTROL,
  KIND_MTU_PROBE,
  KIND_PROBE,
} from '../../../overlay/wire/datagram.js';
import { innerAddresses, type InnerAddresses } from './address-table.js';
import { EnginePath } from './engine-path.js';
import type { EngineParts } from './engine-parts.js';
import { LinkKeys } from './link-keys.js';
import { LinkSender } from './link-sender.js';

/** While packets wait, schedulers are asked again this often: a path that is stuck is not waited for. */
const ASK_AGAIN_US = 10_000;
/** Keys are looked at, and round-trip times told to the receiver, this often; and while nothing passes. */
const HOUSEKEEPING_US = 500_000;
const HOUSEKEEPING_IDLE_US = 5_000_000;
/** A message of a node goes on the best two paths at once: it is small, and its loss costs a second. */
const CONTROL_COPIES = 2;

export class EngineLink {
  readonly id: number;
  readonly keys: LinkKeys;
  readonly sender: LinkSender;
  reorder: Reorder;
  readonly paths = new Map<number, EnginePath>();
  peer: InnerAddresses = innerAddresses(null, null);
  lastPacketUs: number;
  receivedPackets = 0;
  /** Largest inner packet that paths in use carry; 0: none is in use. */
  innerMtuBytes = 0;
  dueUs = 0;
  /** Path ids of this session: with its numbers, one makes a nonce, which must never come again. */
  readonly #usedIds = new Set<number>();
  #housekeepingUs = 0;
  #isRekeyTold = false;
  #isUsable = false;
  #isClosed = false;
  readonly #parts: EngineParts;
  readonly #lost: (tag: number) => void;

  constructor(id: number, scheduling: LinkScheduling, parts: EngineParts) {
    this.id = id;
    this.#parts = parts;
    this.lastPacketUs = parts.nowUs();
    this.keys = new LinkKeys(parts.io, (localIndexes) => {
      parts.indexesFreed(id, localIndexes);
    });
    this.sender = new LinkSender({
      memory: parts.io.memory,
      packets: parts.sendMemory,
      copySpace: parts.copySpace,
      repairMemory: parts.repairMemory,
      salt: parts.salt,
      scheduler: makeScheduler(scheduling),
      nowUs: parts.nowUs,
    });
    this.#lost = (tag) => {
      this.sender.lost(tag);
    };
    this.reorder = this.#makeReorder();
  }

  /** Whether packets of the device may go by this link now. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  setScheduling(scheduling: LinkScheduling): void {
    this.sender.scheduler = makeScheduler(scheduling);
  }

  /** Both sides begin anew. */
  restart(): void {
    this.sender.reset();
    this.reorder.flush();
    this.reorder = this.#makeReorder();
    for (const path of [...this.paths.values()]) this.#removePath(path);
    this.#usedIds.clear();
    this.#pathsChanged();
  }

  setPaths(plans: readonly PathPlan[]): void {
    const { io, nowUs, socketOf } = this.#parts;
    const ids = new Set(plans.map((plan) => plan.id));
    for (const path of [...this.paths.values()]) {
      if (!ids.has(path.plan.id)) this.#removePath(path);
    }
    for (const plan of plans) {
      const socket = socketOf(plan.socket);
      const known = this.paths.get(plan.id);
      if (socket === null) {
        if (known !== undefined) this.#removePath(known);
      } else if (known !== undefined) known.follow(plan, socket, nowUs());
      else if (this.#usedIds.has(plan.id)) this.#parts.refused('path-id-used');
      else {
        this.#usedIds.add(plan.id);
        const path = new EnginePath(plan, socket, this.keys, io.memory, nowUs(), this.#lost);
        this.paths.set(plan.id, path);
      }
    }
    this.#pathsChanged();
    this.dueUs = 0;
  }

  /**
   * Does what is due, and sends what there is room for.
   * @param heardUs what arrived before has been read
   */
  attend(heardUs: number): void {
    const { nowUs } = this.#parts;
    for (const path of this.paths.values()) {
      this.#attendPath(path);
      if (path.machine.state !== path.toldState) {
        path.toldState = path.machine.state;
        this.#parts.emit({
          kind: 'path-changed',
          link: this.id,
          path: path.plan.id,
          state: path.machine.state,
        });
      }
    }
    this.#judgeUse();
    const now = nowUs();
    this.reorder.settle(heardUs);
    if (now >= this.#housekeepingUs) this.#keepHouse(now);
    this.sender.pump();
    this.#plan();
  }

  /** The path that is expected to deliver first; null: none works. */
  bestPath(): EnginePath | null {
    return this.#working()[0] ?? null;
  }

  /** A message for the peer's node. */
  sendControl(message: Uint8Array): void {
    for (const path of this.#working().slice(0, CONTROL_COPIES)) {
      this.sendSmall(path, KIND_CONTROL, message);
    }
    this.dueUs = 0;
  }

  sendSmall(path: EnginePath, kind: number, body: Uint8Array): void {
    const { small, nowUs } = this.#parts;
    small.put(path.out, kind, body);
    path.flush(nowUs(), SENT_KINDS[kind] ?? 'data');
  }

  facts(nowUs: number): LinkFacts {
    const { sender, reorder } = this;
    const { queue } = sender;
    return {
      link: this.id,
      scheduler: sender.scheduler.name,
      why: sender.scheduler.why(sender.views),
      usable: this.#isUsable,
      idleMs: Math.floor((nowUs - this.lastPacketUs) / 1000),
      queuedPackets: queue.packets,
      queuedBytes: queue.bytes,
      sentPackets: sender.sentPackets,
      copiedPackets: sender.copiedPackets,
      repairedPackets: sender.repairedPackets,
      receivedPackets: this.receivedPackets,
      droppedPackets: queue.droppedByCodel + queue.droppedByLimit + sender.droppedWithoutPath,
      heldPackets: reorder.heldPackets,
      lostPackets: reorder.lost - reorder.late,
      duplicatePackets: reorder.duplicates,
      paths: [...this.paths.values()].map((path) => path.facts()),
    };
  }

  close(): void {
    this.#isClosed = true;
    this.sender.clear();
    this.reorder.flush();
    this.keys.clear();
    this.paths.clear();
  }

  #working(): EnginePath[] {
    return [...this.paths.values()]
      .filter(isWorking)
      .sort((a, b) => costUs(a.view) - costUs(b.view));
  }

  #makeReorder(): Reorder {
    const { receiveMemory } = this.#parts;
    return new Reorder({
      deliver: (handle) => {
        // Of a peer that was cut off, nothing passes any more.
        if (this.#isClosed) receiveMemory.release(handle);
        else receiveMemory.deliver(handle);
      },
      discard: (handle) => {
        receiveMemory.release(handle);
      },
    });
  }

  #attendPath(path: EnginePath): void {
    const { machine } = path;
    const now = this.#parts.nowUs();
    const due = machine.onTimer(now);
    path.lookAll(now);
    if (due === 0 || !this.keys.canSend) return;
    if ((due & DUE_PROBE) !== 0) this.sendSmall(path, KIND_PROBE, NOTHING);
    if ((due & DUE_MTU_PROBE) !== 0) {
      const { small } = this.#parts;
      const bytes = machine.mtuProbeBytes(now) - path.overheadBytes - DATAGRAM_OVERHEAD_BYTES;
      small.putPadding(path.out, KIND_MTU_PROBE, bytes);
      path.flush(now, 'mtu-probe');
    }
    if ((due & DUE_ACK) !== 0) {
      const bytes = machine.takeAck(this.#parts.ackBytes, 0, now);
      if (bytes > 0) this.sendSmall(path, KIND_ACK, this.#parts.ackBytes.subarray(0, bytes));
    }
  }

  #removePath(path: EnginePath): void {
    this.paths.delete(path.plan.id);
    this.reorder.forgetPath(path.slot);
  }

  #pathsChanged(): void {
    this.sender.setPaths([...this.paths.values()]);
    this.#judgeUse();
  }

  /**
   * Packets go by the link if a path lives. Those that carry less than others, or than the device's
   * packets need, are left out while there are wider ones: one is narrow until it has been probed.
   */
  #judgeUse(): void {
    let widestBytes = 0;
    for (const path of this.paths.values()) {
      if (isWorking(path)) widestBytes = Math.max(widestBytes, path.innerMtuBytes);
    }
    const neededBytes = Math.min(widestBytes, this.#parts.deviceMtuBytes);
    for (const path of this.paths.values()) path.isNarrow = path.innerMtuBytes < neededBytes;
    const usable = widestBytes > 0 && this.keys.canSend;
    this.innerMtuBytes = usable ? widestBytes : 0;
    if (this.#isUsable && !usable) this.sender.clear();
    this.#isUsable = usable;
  }

  #keepHouse(now: number): void {
    const isIdle = now - this.lastPacketUs > HOUSEKEEPING_IDLE_US;
    this.#housekeepingUs = now + (isIdle ? HOUSEKEEPING_IDLE_US : HOUSEKEEPING_US);
    for (const path of this.paths.values()) this.reorder.setRtt(path.slot, path.machine.rttUs);
    const nowMs = now / 1000;
    this.keys.expire(nowMs);
    const isDue = this.keys.isRekeyDue(nowMs);
    if (isDue && !this.#isRekeyTold) this.#parts.emit({ kind: 'rekey-due', link: this.id });
    this.#isRekeyTold = isDue;
  }

  #plan(): void {
    const now = this.#parts.nowUs();
    let dueUs = Math.min(this.#housekeepingUs, this.reorder.nextTimerUs());
    let isBlocked = false;
    for (const path of this.paths.values()) {
      dueUs = Math.min(dueUs, path.machine.nextTimerUs);
      isBlocked ||= path.isBlocked;
    }
    if (this.sender.isWaiting) {
      dueUs = Math.min(dueUs, now + ASK_AGAIN_US);
      if (!isBlocked) dueUs = Math.min(dueUs, this.sender.nextSendUs(now));
    }
    this.dueUs = dueUs;
  }
}

function isWorking({ machine }: EnginePath): boolean {
  return machine.state === 'active' || machine.state === 'suspect';
}

const NOTHING = new Uint8Array(0);
const SENT_KINDS: Readonly<Record<number, 'quiet' | 'probe' | 'mtu-probe'>> = {
  [KIND_ACK]: 'quiet',
  [KIND_PROBE]: 'probe',
  [KIND_MTU_PROBE]: 'mtu-probe',
};
