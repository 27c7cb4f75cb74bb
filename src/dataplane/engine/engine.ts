/**
 * The data plane itself, without threads and sockets of its own: whoever drives it calls `readDevice` and
 * `receive` when there is something, and `attend` when `nextDueUs` has come. All packets pass through
 * here, and only in batches.
 */
import type { LinkFacts, LinkScheduling, PathPlan } from '../../../overlay/link/data-plane.js';
import type { Role } from '../../../overlay/link/session/key-epochs.js';
import type { SessionKeys } from '../../../overlay/link/session/key-exchange.js';
import { ACK_BYTES_MAX } from '../../../overlay/link/datagram/ack-frame.js';
import { ReceiveBatch } from '../../../overlay/batch/receive-batch.js';
import { segmentPacketBytes, VNET_HEADER_BYTES } from '../../../overlay/batch/split.js';
import { tooBig } from '../../../overlay/ip/too-big.js';
import { DATAGRAM_OVERHEAD_BYTES } from '../../../overlay/wire/datagram.js';
import type { BatchIo, DatagramOpener, DatagramSocket } from '../batch-io.js';
import { Received } from '../received.js';
import { AddressTable, innerAddresses, type InnerAddresses } from './address-table.js';
import { DatagramList } from './datagram-list.js';
import type { EngineCounters } from './engine-counters.js';
import { EngineLink } from './engine-link.js';
import type { EngineEvent, EngineParts } from './engine-parts.js';
import { EngineSocket } from './engine-socket.js';
import { DatagramIntake, type ReceiveSession } from './datagram-intake.js';
import { ReadHorizon } from './read-horizon.js';
import { RECEIVE_SLABS_LOW, ReceiveMemory } from './receive-memory.js';
import { REPAIR_MEMORY_BYTES, RepairMemory } from './repair-memory.js';
import { SEND_SLABS_LOW, SendMemory } from './send-memory.js';
import { SMALL_SPACE_BYTES, SmallDatagrams } from './small-datagrams.js';

/** Memory of an engine; most of it is never touched. */
export const ENGINE_BYTES = 52 << 20;
const COPY_SPACE_BYTES = 1 << 20;
/** Super-packets read before what they became is sent. */
const READS_MAX = 8;
/** Calls to one socket before the others have their turn. */
const RECEIVES_MAX = 4;
/** A socket that is blocked is tried again after this. */
const RETRY_US = 500;

/** Senders are told that their packets are too big at most this often. */
const TOO_BIG_PAUSE_US = 20_000;
/** As much of the packet as is looked at. */
const TOO_BIG_QUOTED_BYTES = 1_024;

/** The device as the engine reads and writes it. */
export interface EngineDevice {
  /** Where the packet read last lies, after its `virtio_net_hdr`. */
  readonly packetAt: number;
  /** Reads one packet. @returns its bytes, 0 if there is none */
  readPacket(): number;
  write(batch: ReceiveBatch): void;
  /** Packets that the kernel did not take, since the beginning. */
  readonly refused: number;
}

export interface EngineOptions {
  readonly io: BatchIo;
  readonly device: EngineDevice | null;
  readonly counters: EngineCounters;
  /** Largest packet that is sent, super-packets apart. */
  readonly deviceMtuBytes: number;
  readonly salt: number;
  readonly nowUs: () => number;
  readonly emit: (event: EngineEvent) => void;
  /** Whether the node can take so many bytes of packets now. */
  readonly mayForward: (bytes: number) => boolean;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #parts: EngineParts;
  readonly #links = new Map<number, EngineLink>();
  readonly #sockets = new Map<number, EngineSocket>();
  readonly #sessions = new Map<number, ReceiveSession>();
  readonly #routes = new AddressTable<EngineLink>();
  readonly #received = new Received();
  readonly #sendMemory: SendMemory;
  readonly #receiveMemory: ReceiveMemory;
  readonly #intake: DatagramIntake;
  readonly #one: DatagramList;
  #own: InnerAddresses = innerAddresses(null, null);
  #forwarded: Uint8Array[] = [];
  readonly #notices: ReceiveBatch;
  #tellAgainUs = 0;
  readonly #horizon = new ReadHorizon();

  constructor(options: EngineOptions) {
    const { io, counters, nowUs, emit } = options;
    this.#options = options;
    this.#sendMemory = new SendMemory(io);
    this.#receiveMemory = new ReceiveMemory(io, (batch) => {
      this.#write(batch);
    });
    this.#one = new DatagramList(io.memory, 1);
    this.#notices = new ReceiveBatch(io.memory, 1);
    this.#parts = {
      io,
      sendMemory: this.#sendMemory,
      receiveMemory: this.#receiveMemory,
      copySpace: { start: io.region(COPY_SPACE_BYTES), bytes: COPY_SPACE_BYTES },
      repairMemory: new RepairMemory(io.memory, io.region(REPAIR_MEMORY_BYTES)),
      small: new SmallDatagrams(io.memory, io.region(SMALL_SPACE_BYTES)),
      ackBytes: new Uint8Array(ACK_BYTES_MAX),
      deviceMtuBytes: options.deviceMtuBytes,
      salt: options.salt,
      nowUs,
      emit,
      socketOf: (socket) => this.#sockets.get(socket) ?? null,
      refused: (why) => {
        counters.add(why);
      },
      indexesFreed: (link, localIndexes) => {
        for (const index of localIndexes) this.#sessions.delete(index);
        emit({ kind: 'keys-freed', link, localIndexes });
      },
    };
    this.#intake = new DatagramIntake({
      memory: io.memory,
      receiveMemory: this.#receiveMemory,
      counters,
      nowUs,
      emit,
      sessionOf: (index) => this.#sessions.get(index),
      own: () => this.#own,
    });
  }

  addSocket(
    id: number,
    socket: DatagramSocket,
    kind: { readonly transport: 'udp' | 'raw'; readonly family: 4 | 6 },
  ): void {
    this.#sockets.set(id, new EngineSocket(id, socket, kind, this.#sendMemory, this.#one));
  }

  closeSocket(id: number): void {
    this.#sockets.get(id)?.close();
    this.#sockets.delete(id);
    for (const link of this.#links.values()) {
      const plans = [...link.paths.values()].map((path) => path.plan);
      if (plans.some((plan) => plan.socket === id)) {
        link.setPaths(plans.filter((plan) => plan.socket !== id));
      }
    }
  }

  setOwnAddresses(address4: string | null, address6: string | null): void {
    this.#own = innerAddresses(address4, address6);
  }

  openLink(id: number, scheduling: LinkScheduling): void {
    if (!this.#links.has(id)) this.#links.set(id, new EngineLink(id, scheduling, this.#parts));
  }

  closeLink(id: number): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#routes.delete(link.peer, link);
    link.close();
    this.#links.delete(id);
  }

  setScheduling(id: number, scheduling: LinkScheduling): void {
    this.#links.get(id)?.setScheduling(scheduling);
  }

  setPeerAddresses(id: number, address4: string | null, address6: string | null): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#routes.delete(link.peer, link);
    link.peer = innerAddresses(address4, address6);
    this.#routes.set(link.peer, link);
  }

  installKeys(id: number, keys: SessionKeys, role: Role, fresh: boolean): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    if (fresh) link.restart();
    const opener: DatagramOpener = link.keys.install(
      keys,
      role,
      fresh,
      this.#options.nowUs() / 1000,
    );
    this.#sessions.set(keys.localIndex, { link, opener, localIndex: keys.localIndex });
    link.dueUs = 0;
  }

  setPaths(id: number, paths: readonly PathPlan[]): void {
    this.#links.get(id)?.setPaths(paths);
  }

  sendControl(id: number, message: Uint8Array): void {
    this.#links.get(id)?.sendControl(message);
  }

  echo(id: number, token: number): void {
    const link = this.#links.get(id);
    if (link !== undefined) this.#intake.ask(link, token);
  }

  /** Packets of the node itself, each after a `virtio_net_hdr`. */
  send(id: number, packets: readonly Uint8Array[]): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    const { bytes } = this.#options.io.memory;
    // The space for copies is in use only while a run is being sent.
    const space = this.#parts.copySpace.start;
    for (const packet of packets) {
      bytes.set(packet, space);
      this.#push(link, space + VNET_HEADER_BYTES, packet.length - VNET_HEADER_BYTES);
    }
  }

  /** Reads what the device has, to a limit. @returns whether there may be more */
  readDevice(): boolean {
    const { device, io } = this.#options;
    if (device === null) return false;
    let reads = 0;
    for (; reads < READS_MAX; reads++) {
      const bytes = device.readPacket();
      if (bytes === 0) break;
      const at = device.packetAt;
      const link = this.#routes.findDestination(io.memory, at, bytes);
      if (link?.isUsable !== true) this.#forward(at, bytes);
      else if (this.#fits(link, at, bytes)) this.#push(link, at, bytes);
      else {
        this.#tellTooBig(link, at, bytes);
        this.#forward(at, bytes);
      }
    }
    if (this.#forwarded.length > 0) {
      this.#options.emit({ kind: 'unrouted', packets: this.#forwarded });
      this.#forwarded = [];
    }
    return reads === READS_MAX;
  }

  /** Takes what a socket has, to a limit. @returns whether there may be more */
  receive(id: number): boolean {
    const socket = this.#sockets.get(id);
    if (socket === undefined) return false;
    const received = this.#received;
    const { slabs } = this.#receiveMemory;
    for (let round = 0; round < RECEIVES_MAX; round++) {
      if (slabs.freeCount < RECEIVE_SLABS_LOW) this.#makeRoom();
      socket.socket.receive(slabs, received);
      if (received.count === 0) return false;
      this.#receiveMemory.compact(received);
      this.#intake.take(socket, received);
    }
    this.#horizon.leave();
    return true;
  }

  /**
   * Does all that is due.
   * @param lookedUs when it was asked which sockets have something; all of those were read since
   */
  attend(lookedUs: number): void {
    const now = this.#options.nowUs();
    for (const socket of this.#sockets.values()) {
      if (socket.isBlocked) socket.retry();
      if (socket.lost > 0) {
        this.#options.counters.add('send-failed', socket.lost);
        socket.lost = 0;
      }
      if (socket.failure !== null) this.#fail(socket, socket.failure);
    }
    const heardUs = this.#horizon.passedUs(lookedUs, now);
    for (const link of this.#links.values()) if (link.dueUs <= now) link.attend(heardUs);
    this.#receiveMemory.flush();
  }

  /** When {@link attend} has something to do. */
  get nextDueUs(): number {
    let dueUs = Infinity;
    for (const link of this.#links.values()) if (link.dueUs < dueUs) dueUs = link.dueUs;
    for (const socket of this.#sockets.values()) {
      if (socket.isBlocked) dueUs = Math.min(dueUs, this.#options.nowUs() + RETRY_US);
    }
    return dueUs;
  }

  facts(): readonly LinkFacts[] {
    const now = this.#options.nowUs();
    return [...this.#links.values()].map((link) => link.facts(now));
  }

  close(): void {
    for (const id of [...this.#links.keys()]) this.closeLink(id);
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** Whether the packets that this one stands for go through all paths of the link. */
  #fits(link: EngineLink, at: number, packetBytes: number): boolean {
    if (packetBytes <= link.innerMtuBytes) return true;
    return segmentPacketBytes(this.#options.io.memory, at, packetBytes) <= link.innerMtuBytes;
  }

  /** So that the sender learns what fits; until then its packets take the node's own path. */
  #tellTooBig(link: EngineLink, at: number, packetBytes: number): void {
    const now = this.#options.nowUs();
    if (now < this.#tellAgainUs) return;
    this.#tellAgainUs = now + TOO_BIG_PAUSE_US;
    const { memory } = this.#options.io;
    const start = memory.bytes.subarray(at, at + Math.min(packetBytes, TOO_BIG_QUOTED_BYTES));
    const message = tooBig(start, link.innerMtuBytes);
    if (message === null) return;
    memory.bytes.set(message, this.#parts.copySpace.start);
    this.#notices.push(this.#parts.copySpace.start, message.length, false);
    this.#options.device?.write(this.#notices);
    this.#notices.clear();
  }

  #push(link: EngineLink, at: number, packetBytes: number): void {
    const now = this.#options.nowUs();
    const overhead = DATAGRAM_OVERHEAD_BYTES;
    if (this.#sendMemory.freeSlabs < SEND_SLABS_LOW) this.#shed();
    const result = this.#sendMemory.split(at, packetBytes, (handle) => {
      link.sender.push(handle, overhead, now);
    });
    link.lastPacketUs = now;
    link.dueUs = 0;
    if (result !== 'taken') this.#options.counters.add(result);
  }

  #forward(at: number, packetBytes: number): void {
    const bytes = packetBytes + VNET_HEADER_BYTES;
    if (!this.#options.mayForward(bytes)) {
      this.#options.counters.add('forward-full');
      return;
    }
    const from = at - VNET_HEADER_BYTES;
    this.#forwarded.push(this.#options.io.memory.bytes.slice(from, from + bytes));
  }

  /** The link with the longest queue gives memory back, so that others can still send. */
  #shed(): void {
    let longest: EngineLink | null = null;
    for (const link of this.#links.values()) {
      if (link.sender.queue.bytes > (longest?.sender.queue.bytes ?? 0)) longest = link;
    }
    longest?.sender.queue.shed();
  }

  /** The receiver that holds most lets go of it. */
  #makeRoom(): void {
    let fullest: EngineLink | null = null;
    for (const link of this.#links.values()) {
      if (link.reorder.heldBytes > (fullest?.reorder.heldBytes ?? 0)) fullest = link;
    }
    fullest?.reorder.flush();
    this.#receiveMemory.flush();
  }

  #write(batch: ReceiveBatch): void {
    const { device, counters } = this.#options;
    if (device === null) {
      this.#handUp(batch);
      return;
    }
    const before = device.refused;
    device.write(batch);
    const refused = device.refused - before;
    if (refused > 0) counters.add('device-refused', refused);
  }

  /** Without a device, packets go to the node. */
  #handUp(batch: ReceiveBatch): void {
    const { emit, io } = this.#options;
    for (let index = 0; index < batch.count; index++) {
      const at = batch.offsets[index] ?? 0;
      const bytes = batch.lengths[index] ?? 0;
      const link = this.#routes.findSource(io.memory, at, bytes);
      if (link === null) continue;
      const packet = io.memory.bytes.slice(at, at + bytes);
      emit({ kind: 'received', link: link.id, packet, checksumOpen: batch.open[index] === 1 });
    }
  }

  #fail(socket: EngineSocket, reason: string): void {
    this.#options.emit({ kind: 'socket-failed', socket: socket.id, reason });
    this.closeSocket(socket.id);
  }
}
