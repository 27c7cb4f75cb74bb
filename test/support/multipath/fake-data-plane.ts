/**
 * A data plane without packets: it keeps what it is told, reports what the world makes of it, and notes what
 * would break it, such as an id of a path used twice under the keys of one session.
 */
import { CodedError } from '../../../overlay/base/errors.js';
import {
  CONTROL_BYTES_MAX,
  type DataPlane,
  type DataPlaneEvents,
  type DataSocket,
  type DataSocketOptions,
  type Endpoint,
  type LinkFacts,
  type LinkScheduling,
  type PathPlan,
} from '../../../overlay/link/data-plane.js';
import type { LivenessState } from '../../../overlay/link/datagram/liveness.js';
import type { Role } from '../../../overlay/link/session/key-epochs.js';
import type { SessionKeys } from '../../../overlay/link/session/key-exchange.js';
import type { ManualClock } from '../../../sim/memory/manual-clock.js';
import type { Packet } from '../../../overlay/ports.js';

export interface FakePath {
  plan: PathPlan;
  state: LivenessState;
  provenMs: number;
  /** Where the other end's socket is, if the path goes there by way of another place. */
  behind: Endpoint | null;
}

export interface FakeLink {
  readonly id: number;
  scheduling: LinkScheduling;
  addresses: readonly (string | null)[];
  /** Newest last; the one before opens what is still on its way. */
  keys: SessionKeys[];
  /** Sessions that were begun. */
  sessions: number;
  idleMs: number;
  readonly paths: Map<number, FakePath>;
  readonly used: Set<number>;
}

/** What lies between planes, as one of them sees it. */
interface World {
  readonly clock: ManualClock;
  readonly planes: Set<FakeDataPlane>;
  losesControl: () => boolean;
  controlMessages: number;
  /** Calls back with the other end, over any path that works. */
  carry(
    plane: FakeDataPlane,
    link: FakeLink,
    arrive: (end: {
      readonly plane: FakeDataPlane;
      readonly link: FakeLink;
      readonly path: FakePath;
    }) => void,
  ): void;
}

export class FakeDataPlane implements DataPlane {
  readonly backEnd: 'native' | 'plain' = 'native';
  readonly ciphers = ['aes-256-gcm', 'chacha20-poly1305'] as const;
  readonly sockets = new Map<number, DataSocketOptions & { readonly bound: number }>();
  readonly links = new Map<number, FakeLink>();
  readonly faults: string[] = [];
  readonly sent: (readonly [number, readonly Packet[]])[] = [];
  own: readonly (string | null)[] = [];
  refusesSocket: (options: DataSocketOptions) => boolean = () => false;
  answersEchoes = true;
  events: DataPlaneEvents | null = null;
  readonly #world: World;
  #nextSocket = 1;
  #nextPort = 40_000;

  constructor(world: World) {
    this.#world = world;
    world.planes.add(this);
  }

  /** The machine is off. */
  vanish(): void {
    this.#world.planes.delete(this);
  }

  placeOf(socket: number): Endpoint | null {
    const options = this.sockets.get(socket);
    return options === undefined ? null : { address: options.address ?? '', port: options.bound };
  }

  setState(link: FakeLink, path: FakePath, state: LivenessState): void {
    path.state = state;
    this.events?.pathChanged(link.id, path.plan.id, state);
  }

  listen(events: DataPlaneEvents): void {
    this.events = events;
  }

  async openSocket(options: DataSocketOptions): Promise<DataSocket> {
    await Promise.resolve();
    const isTaken = [...this.sockets.values()].some(
      (one) => one.bound === options.port && one.address === options.address,
    );
    if (this.refusesSocket(options) || (options.port !== 0 && isTaken)) {
      throw new CodedError('cannot-open', 'the socket cannot be opened');
    }
    const id = this.#nextSocket++;
    const bound = options.port === 0 ? this.#nextPort++ : options.port;
    this.sockets.set(id, { ...options, bound });
    return { id, port: bound };
  }

  closeSocket(socket: number): void {
    if (!this.sockets.delete(socket)) this.faults.push(`no socket ${String(socket)} to close`);
  }

  setOwnAddresses(address4: string | null, address6: string | null): void {
    this.own = [address4, address6];
  }

  openLink(link: number, scheduling: LinkScheduling): void {
    if (this.links.has(link)) this.faults.push(`link ${String(link)} is open already`);
    this.links.set(link, {
      ...{ id: link, scheduling, addresses: [], keys: [], sessions: 0, idleMs: 0 },
      ...{ paths: new Map<number, FakePath>(), used: new Set<number>() },
    });
  }

  closeLink(link: number): void {
    if (!this.links.delete(link)) this.faults.push(`no link ${String(link)} to close`);
  }

  setScheduling(link: number, scheduling: LinkScheduling): void {
    this.#link(link).scheduling = scheduling;
  }

  setPeerAddresses(link: number, address4: string | null, address6: string | null): void {
    this.#link(link).addresses = [address4, address6];
  }

  installKeys(id: number, keys: SessionKeys, _role: Role, fresh: boolean): void {
    const link = this.#link(id);
    if (fresh) {
      link.sessions += 1;
      if (link.paths.size > 0) this.faults.push('a session begins with paths of another');
      link.paths.clear();
      link.used.clear();
    }
    const kept = fresh ? [] : link.keys.slice(-1);
    this.#free(
      link,
      link.keys.filter((one) => !kept.includes(one)),
    );
    link.keys = [...kept, keys];
  }

  /** The keys have had their time. */
  expireKeys(id: number): void {
    const link = this.#link(id);
    const { keys } = link;
    link.keys = [];
    this.#free(link, keys);
  }

  setPaths(id: number, plans: readonly PathPlan[]): void {
    const link = this.#link(id);
    const before = new Map(link.paths);
    link.paths.clear();
    if (new Set(plans.map((plan) => plan.id % 10)).size !== plans.length) {
      this.faults.push('two paths in one slot');
    }
    for (const plan of plans) {
      const known = before.get(plan.id);
      if (!this.sockets.has(plan.socket)) this.faults.push('a path without a socket');
      if (known === undefined && link.used.has(plan.id)) {
        this.faults.push(`path id ${String(plan.id)} is used twice`);
      }
      if (known !== undefined && ends(known.plan) !== ends(plan)) {
        this.faults.push(`path id ${String(plan.id)} has other ends`);
      }
      link.used.add(plan.id);
      const fresh: FakePath = { plan, state: 'probing', provenMs: 0, behind: null };
      link.paths.set(plan.id, known === undefined ? fresh : Object.assign(known, { plan }));
    }
  }

  /** The peer is heard from somewhere else. */
  rebind(id: number, path: number, remote: Endpoint): void {
    const known = this.#link(id).paths.get(path);
    if (known === undefined) return;
    known.behind = known.plan.remote;
    known.plan = { ...known.plan, remote };
    this.events?.rebound(id, path, remote);
  }

  sendControl(id: number, message: Uint8Array): void {
    if (message.length > CONTROL_BYTES_MAX) this.faults.push('a control message is too long');
    this.#world.controlMessages += 1;
    if (this.#world.losesControl()) return;
    const copy = message.slice();
    this.#world.carry(this, this.#link(id), ({ plane, link }) => {
      plane.events?.control(link.id, copy);
    });
  }

  echo(id: number, token: number): void {
    this.#world.carry(this, this.#link(id), ({ plane, path }) => {
      if (plane.answersEchoes) this.events?.echoed(id, token, path.plan.id, 10_000);
    });
  }

  send(link: number, batch: readonly Packet[]): void {
    this.sent.push([link, batch]);
  }

  async facts(): Promise<readonly LinkFacts[]> {
    await Promise.resolve();
    return [...this.links.values()].map((link) => ({
      ...{ link: link.id, scheduler: link.scheduling.scheduler, why: '', idleMs: link.idleMs },
      usable: [...link.paths.values()].some(({ state }) => state === 'active'),
      ...{ queuedPackets: 0, queuedBytes: 0, sentPackets: 0, copiedPackets: 0 },
      repairedPackets: 0,
      ...{
        receivedPackets: 0,
        droppedPackets: 0,
        lostPackets: 0,
        duplicatePackets: 0,
        heldPackets: 0,
      },
      paths: [...link.paths.values()].map(({ plan, state }) => ({
        ...{ ...plan, state, rttUs: 0, capacityBps: 0, lossRatio: 0, windowBytes: 0 },
        ...{ mtuBytes: 1_280, sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 },
      })),
    }));
  }

  drops(): Readonly<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    this.vanish();
    await Promise.resolve();
  }

  #free(link: FakeLink, keys: readonly SessionKeys[]): void {
    const indexes = keys.map(({ localIndex }) => localIndex);
    if (indexes.length === 0) return;
    this.#world.clock.after(1, () => this.events?.keysFreed(link.id, indexes));
  }

  #link(id: number): FakeLink {
    const link = this.links.get(id);
    if (link !== undefined) return link;
    this.faults.push(`no link ${String(id)}`);
    throw new Error(`no link ${String(id)}`);
  }
}

function ends({ socket, remote, metricGroup, backup }: PathPlan): string {
  return JSON.stringify([socket, remote, metricGroup, backup]);
}
