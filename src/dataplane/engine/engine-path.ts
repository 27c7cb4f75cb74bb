/** One path of a link as the engine holds it: the machine, where it leads, and what schedulers see. */
import type { DatagramPathFacts, Endpoint, PathPlan } from '../../../overlay/link/data-plane.js';
import { DatagramPath, type SentKind } from '../../../overlay/link/datagram/datagram-path.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import type { PathState } from '../../../overlay/link/path.js';
import { PATHS_MAX } from '../../../overlay/link/schedule/order-header.js';
import type { PathView } from '../../../overlay/link/schedule/path-view.js';
import type { PacketMemory } from '../../../overlay/batch/packet-memory.js';
import { DATAGRAM_OVERHEAD_BYTES } from '../../../overlay/wire/datagram.js';
import { DatagramList } from './datagram-list.js';
import type { EngineSocket } from './engine-socket.js';
import type { LinkKeys } from './link-keys.js';

/** A run has no more packets, and each is in the list once. */
const LIST_DATAGRAMS_MAX = 128;
/** Loss is a mean over about so many packets: schedulers must not jump with each one lost. */
const LOSS_PACKETS = 500;
/** It is taken in steps of so many. */
const LOSS_STEP_PACKETS = 25;

/**
 * A path that was never full can do more than it was seen to do. So much more is hoped for: schedulers that
 * compare paths would never try one that has carried little so far.
 */
const HOPED_FACTOR = 2;

/** A path that carries little would keep a bad name for ever: what is known of its loss fades. */
const LOSS_FADES_US = 1_000_000;
const LOSS_FADED = 0.8;

type MutableView = { -readonly [Field in keyof PathView]: PathView[Field] };

export class EnginePath {
  plan: PathPlan;
  readonly slot: number;
  readonly machine: DatagramPath;
  readonly view: MutableView;
  /** What leaves next. */
  readonly out: DatagramList;
  remote: Endpoint;
  /** State that was told last. */
  toldState: LivenessState = 'probing';
  receivedBytes = 0;
  /** Others carry larger packets, so this one carries none. */
  isNarrow = false;
  /** Newest packet number that came, which alone may move the path. */
  newestReceived = -1;
  #socket: EngineSocket;
  readonly #keys: LinkKeys;
  #lossUs = 0;
  #lossSettled = 0;
  #lossLost = 0;

  constructor(
    plan: PathPlan,
    socket: EngineSocket,
    keys: LinkKeys,
    memory: PacketMemory,
    nowUs: number,
    lost: (tag: number) => void,
  ) {
    this.plan = plan;
    this.slot = plan.id % PATHS_MAX;
    this.remote = plan.remote;
    this.#socket = socket;
    this.#keys = keys;
    this.out = new DatagramList(memory, LIST_DATAGRAMS_MAX);
    this.machine = new DatagramPath({
      interfaceMtuBytes: plan.interfaceMtuBytes,
      seed: plan.id,
      nowUs,
      lost,
    });
    this.view = {
      id: this.slot,
      state: 'probing',
      windowBytes: 0,
      rateBps: 0,
      isRateKnown: false,
      rttUs: 0,
      minRttUs: 0,
      lossRate: 0,
      missedRate: 0,
      metricGroup: plan.metricGroup,
      backup: plan.backup,
    };
  }

  /** Follows another plan of the same id. Packet numbers go on: none may be used twice under one key. */
  follow(plan: PathPlan, socket: EngineSocket, nowUs: number): void {
    if (socket !== this.#socket) this.machine.onRebound(plan.interfaceMtuBytes, nowUs);
    this.plan = plan;
    this.#socket = socket;
    this.view.metricGroup = plan.metricGroup;
    this.view.backup = plan.backup;
  }

  get overheadBytes(): number {
    return this.#socket.overheadBytes;
  }

  /** Largest inner packet that the path is known to carry. */
  get innerMtuBytes(): number {
    return this.machine.mtuBytes - this.#socket.overheadBytes - DATAGRAM_OVERHEAD_BYTES;
  }

  get isBlocked(): boolean {
    return this.#socket.isBlocked;
  }

  /** Seals and sends what is in the list. */
  flush(nowUs: number, kind: SentKind): void {
    const { out, machine } = this;
    const { count } = out;
    if (count === 0) return;
    const number = machine.nextNumber;
    if (!this.#keys.seal(out, count, this.plan.id, number)) {
      this.#socket.discard(out);
      return;
    }
    const overhead = this.#socket.overheadBytes;
    for (let index = 0; index < count; index++) {
      const bytes = (out.lengths[index] ?? 0) + overhead;
      machine.onSent(number + index, bytes, nowUs, kind, out.tags[index] ?? 0);
    }
    this.#socket.send(out, this.remote);
  }

  /** Reads the machine for schedulers. Cheap: once for each run. */
  look(nowUs: number): void {
    const { view, machine } = this;
    view.state = this.isNarrow ? 'probing' : STATES[machine.state];
    view.windowBytes = this.#socket.isBlocked ? 0 : machine.canSend(nowUs);
  }

  /** The same for what changes with acknowledgements only. */
  lookAll(nowUs: number): void {
    const { view, machine } = this;
    const { capacityBps, deliveredBps } = machine;
    view.isRateKnown = capacityBps > 0;
    view.rateBps = view.isRateKnown ? capacityBps : HOPED_FACTOR * deliveredBps;
    view.rttUs = machine.rttUs;
    view.minRttUs = machine.minRttUs;
    const { ackedPackets, lostPackets, spuriousPackets } = machine.counters;
    const lost = lostPackets - spuriousPackets;
    // What came late was counted twice: as lost, and as acknowledged.
    const settled = ackedPackets + lost;
    const step = settled - this.#lossSettled;
    if (machine.state === 'dead' || machine.isOvershooting(nowUs)) {
      // What a cut swallowed, or a queue that we filled to know the path, is not what it loses by itself.
      this.#lossSettled = settled;
      this.#lossLost = lost;
    } else if (step >= LOSS_STEP_PACKETS) {
      const share = Math.max(0, lost - this.#lossLost) / step;
      view.lossRate += (share - view.lossRate) * Math.min(1, step / LOSS_PACKETS);
      this.#lossSettled = settled;
      this.#lossLost = lost;
      this.#lossUs = nowUs;
    } else if (nowUs - this.#lossUs >= LOSS_FADES_US) {
      view.lossRate *= LOSS_FADED;
      this.#lossUs = nowUs;
    }
    this.look(nowUs);
  }

  facts(): DatagramPathFacts {
    const { plan, machine, view } = this;
    const { counters } = machine;
    return {
      id: plan.id,
      socket: plan.socket,
      remote: this.remote,
      state: machine.state,
      metricGroup: plan.metricGroup,
      backup: plan.backup,
      rttUs: machine.rttUs,
      capacityBps: machine.capacityBps,
      lossRatio: view.lossRate,
      windowBytes: machine.snapshot().windowBytes,
      mtuBytes: machine.mtuBytes,
      sentPackets: counters.sentPackets,
      sentBytes: counters.sentBytes,
      receivedPackets: counters.receivedPackets,
      receivedBytes: this.receivedBytes,
    };
  }
}

/** A path whose answers are late could carry packets, but others go first. */
const STATES: Readonly<Record<LivenessState, PathState>> = {
  probing: 'probing',
  active: 'active',
  suspect: 'standby',
  dead: 'dead',
};
