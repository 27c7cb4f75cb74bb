/**
 * What arrives from the network: each datagram is checked, from the cheapest check to the dearest, before
 * anything in it is believed. What fails is counted and forgotten; a stranger gets no answer at all.
 */
import {
  readOrderHeader,
  type ReceivedOrder,
} from '../../../overlay/link/schedule/order-header.js';
import { repairWaitUs } from '../../../overlay/link/schedule/repair-wait.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import type { SentKind } from '../../../overlay/link/datagram/datagram-path.js';
import {
  BODY_OFFSET,
  DATAGRAM_OVERHEAD_BYTES,
  DATAGRAM_TYPE,
  FLAGS_OFFSET,
  FLAG_AGAIN,
  FLAG_CHECKSUM_OPEN,
  FLAG_UNORDERED,
  KIND_ACK,
  KIND_CONTROL,
  KIND_ECHO,
  KIND_ECHO_ANSWER,
  KIND_MTU_PROBE,
  KIND_OFFSET,
  KIND_PACKET,
  KIND_PROBE,
  ORDER_OFFSET,
  packetNumberAt,
  pathIdOf,
  REPAIR_WAIT_SHIFT,
} from '../../../overlay/wire/datagram.js';
import type { DatagramOpener } from '../batch-io.js';
import type { Received } from '../received.js';
import { goesFromTo, type InnerAddresses } from './address-table.js';
import type { CounterName, EngineCounters } from './engine-counters.js';
import type { EngineLink } from './engine-link.js';
import type { EngineEvent } from './engine-parts.js';
import type { EnginePath } from './engine-path.js';
import type { EngineSocket } from './engine-socket.js';
import type { ReceiveMemory } from './receive-memory.js';

/**
 * Datagrams that are opened in vain, each second: a few per cent of a processor, and no longer at a time than
 * what arrives meanwhile can wait. Of strangers none is opened beyond it. Of those that seem to come from where
 * the path leads, as only their tag tells, none is opened that arrived in one run with a forged one: whoever
 * sends that many gets them put together.
 */
const FORGED_MAX_PER_S = 10_000;
const TOKEN_BYTES = 4;
/** Echoes that wait for an answer. */
const ECHOES_MAX = 256;
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

export interface ReceiveSession {
  readonly link: EngineLink;
  readonly opener: DatagramOpener;
  readonly localIndex: number;
}

export interface IntakeParts {
  readonly memory: PacketMemory;
  readonly receiveMemory: ReceiveMemory;
  readonly counters: EngineCounters;
  readonly nowUs: () => number;
  readonly emit: (event: EngineEvent) => void;
  readonly sessionOf: (localIndex: number) => ReceiveSession | undefined;
  readonly own: () => InnerAddresses;
}

export class DatagramIntake {
  readonly #parts: IntakeParts;
  readonly #order: ReceivedOrder = {
    ...{ bucket: 0, paths: 0, stamp: 0, sequence: 0 },
    ...{ repairUs: 0, isUnordered: false, isAgain: false },
  };
  /** When each echo left, by its token. */
  readonly #echoes = new Map<number, number>();
  /** In this second: of strangers, and of those that seem to be the peer. */
  #forged = 0;
  #forgedInName = 0;
  #forgedSinceUs = 0;
  /** Whether something in the run that is being taken did not open. */
  #isRunForged = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Takes all that a socket brought, and gives its memory back. */
  take(socket: EngineSocket, received: Received): void {
    const now = this.#parts.nowUs();
    const { slabs } = this.#parts.receiveMemory;
    let isOver = false;
    for (let index = 0; index < received.count; index++) {
      const at = received.offsets[index] ?? 0;
      const message = received.messages[index] ?? 0;
      const arrivedUs = now - (received.ageUs[message] ?? 0);
      // All of a run come from one place.
      const fault: CounterName | null = isOver
        ? 'forged-limit'
        : this.#takeOne(socket, message, at, received.lengths[index] ?? 0, arrivedUs);
      if (fault !== null) this.#parts.counters.add(fault);
      isOver = fault === 'forged-limit';
      const isLast = index + 1 === received.count || received.messages[index + 1] !== message;
      if (!isLast) continue;
      slabs.release(at);
      this.#isRunForged = false;
      isOver = false;
    }
  }

  /** Asks the peer's data plane for an answer, on the best path. */
  ask(link: EngineLink, token: number): void {
    const path = link.bestPath();
    if (path === null) return;
    if (this.#echoes.size >= ECHOES_MAX) this.#echoes.clear();
    this.#echoes.set(token, this.#parts.nowUs());
    const body = new Uint8Array(TOKEN_BYTES);
    new DataView(body.buffer).setUint32(0, token, true);
    link.sendSmall(path, KIND_ECHO, body);
  }

  #takeOne(
    socket: EngineSocket,
    message: number,
    at: number,
    bytes: number,
    now: number,
  ): CounterName | null {
    const { view } = this.#parts.memory;
    if (bytes < DATAGRAM_OVERHEAD_BYTES) return 'malformed-datagram';
    const word = view.getUint32(at, true);
    const number = packetNumberAt(this.#parts.memory, at);
    if ((word & 15) !== DATAGRAM_TYPE || number > NUMBER_MAX) return 'malformed-datagram';
    const session = this.#parts.sessionOf(word >>> 12);
    if (session === undefined) return 'unknown-session';
    const { link } = session;
    const path = link.paths.get(pathIdOf(word));
    if (path === undefined) return 'unknown-path';
    if (path.machine.checkReceived(number) !== 'new') return 'replayed';
    const isFromThere = socket.socket.isFrom(message, path.remote);
    if (!this.#mayBeForged(isFromThere, now)) return 'forged-limit';
    if (!session.opener.open(at, bytes)) {
      if (isFromThere) this.#forgedInName += 1;
      else this.#forged += 1;
      this.#isRunForged = true;
      return 'forged';
    }
    const kind = view.getUint8(at + KIND_OFFSET);
    if (!path.machine.onReceived(number, now, SENT_KINDS[kind] ?? 'data')) return 'replayed';
    link.keys.confirm(session.localIndex, now / 1000);
    path.receivedBytes += bytes;
    link.dueUs = 0;
    if (number > path.newestReceived) {
      path.newestReceived = number;
      // Only the newest moves the path, so that an old datagram sent again cannot.
      if (!isFromThere) this.#move(socket, message, link, path, now);
    }
    return kind === KIND_PACKET
      ? this.#takePacket(link, path, at, bytes, now)
      : this.#takeOther(link, path, kind, at, bytes, now);
  }

  #takePacket(
    link: EngineLink,
    path: EnginePath,
    at: number,
    bytes: number,
    now: number,
  ): CounterName | null {
    const { memory, receiveMemory, own } = this.#parts;
    const body = at + BODY_OFFSET;
    const bodyBytes = bytes - DATAGRAM_OVERHEAD_BYTES;
    switch (goesFromTo(memory, body, bodyBytes, link.peer, own())) {
      case 'malformed':
        return 'malformed';
      case 'spoofed':
        return 'spoofed-source';
      case 'not-ours':
        return 'not-for-us';
      case 'yes':
        break;
    }
    readOrderHeader(memory.bytes, at + ORDER_OFFSET, this.#order);
    const flags = memory.bytes[at + FLAGS_OFFSET] ?? 0;
    const open = (flags & FLAG_CHECKSUM_OPEN) !== 0;
    this.#order.repairUs = repairWaitUs(flags >>> REPAIR_WAIT_SHIFT);
    this.#order.isUnordered = (flags & FLAG_UNORDERED) !== 0;
    this.#order.isAgain = (flags & FLAG_AGAIN) !== 0;
    const handle = receiveMemory.handle(body, bodyBytes, open);
    link.receivedPackets += 1;
    link.lastPacketUs = now;
    link.reorder.receive(handle, bodyBytes, path.slot, this.#order, now);
    return null;
  }

  #takeOther(
    link: EngineLink,
    path: EnginePath,
    kind: number,
    at: number,
    bytes: number,
    now: number,
  ): CounterName | null {
    const { memory, emit } = this.#parts;
    const body = at + BODY_OFFSET;
    const end = body + bytes - DATAGRAM_OVERHEAD_BYTES;
    switch (kind) {
      case KIND_PROBE:
      case KIND_MTU_PROBE:
        return null;
      case KIND_ACK:
        return path.machine.onAck(memory.bytes.subarray(body, end), now) === null
          ? null
          : 'bad-acknowledgement';
      case KIND_CONTROL:
        emit({ kind: 'control', link: link.id, message: memory.bytes.slice(body, end) });
        return null;
      case KIND_ECHO:
        if (end - body !== TOKEN_BYTES) return 'malformed-datagram';
        link.sendSmall(path, KIND_ECHO_ANSWER, memory.bytes.slice(body, end));
        return null;
      case KIND_ECHO_ANSWER:
        if (end - body === TOKEN_BYTES)
          this.#answered(link, path, memory.view.getUint32(body, true));
        return null;
      default:
        return 'unknown-kind';
    }
  }

  #answered(link: EngineLink, path: EnginePath, token: number): void {
    const sentUs = this.#echoes.get(token);
    if (sentUs === undefined) return;
    this.#echoes.delete(token);
    const rttUs = this.#parts.nowUs() - sentUs;
    this.#parts.emit({ kind: 'echoed', link: link.id, token, path: path.plan.id, rttUs });
  }

  #move(
    socket: EngineSocket,
    message: number,
    link: EngineLink,
    path: EnginePath,
    now: number,
  ): void {
    path.remote = socket.socket.sourceOf(message);
    path.machine.onRebound(path.plan.interfaceMtuBytes, now);
    const { remote } = path;
    this.#parts.emit({ kind: 'rebound', link: link.id, path: path.plan.id, remote });
  }

  /** Whether a datagram is worth opening, though it may be in vain. */
  #mayBeForged(isFromThere: boolean, now: number): boolean {
    if (now - this.#forgedSinceUs >= 1e6) {
      this.#forgedSinceUs = now;
      this.#forged = 0;
      this.#forgedInName = 0;
    }
    if (!isFromThere) return this.#forged < FORGED_MAX_PER_S;
    return !this.#isRunForged || this.#forgedInName < FORGED_MAX_PER_S;
  }
}

const SENT_KINDS: Readonly<Record<number, SentKind>> = {
  [KIND_PROBE]: 'probe',
  [KIND_MTU_PROBE]: 'mtu-probe',
  [KIND_ACK]: 'quiet',
};
