/**
 * What lies between fake data planes: it says which paths work, and carries what the planes say to each
 * other. A path works when both ends have it with each other's sockets, share keys, and nothing blocks it.
 */
import type { Endpoint } from '../../../overlay/link/data-plane.js';
import type { ManualClock } from '../../../sim/memory/manual-clock.js';
import type { FakeDataPlane, FakeLink, FakePath } from './fake-data-plane.js';

/** How often paths are looked at, and how long one that works no more counts as alive. */
const PULSE_MS = 50;
const DEAD_MS = 300;
const DELAY_MS = 5;

export interface End {
  readonly plane: FakeDataPlane;
  readonly link: FakeLink;
  readonly path: FakePath;
}

export class DatagramWorld {
  readonly clock: ManualClock;
  readonly planes = new Set<FakeDataPlane>();
  /** Datagrams between these two places do not arrive, either way. */
  blocks: (a: Endpoint, b: Endpoint) => boolean = () => false;
  /** Control messages that get lost. */
  losesControl: () => boolean = () => false;
  controlMessages = 0;

  constructor(clock: ManualClock) {
    this.clock = clock;
    const pulse = (): void => {
      for (const plane of this.planes) this.#look(plane);
      clock.after(PULSE_MS, pulse);
    };
    clock.after(PULSE_MS, pulse);
  }

  /** The other end of a path that works. */
  across({ plane, link, path }: End): End | null {
    const local = plane.placeOf(path.plan.socket);
    if (local === null) return null;
    for (const other of this.planes) {
      if (other === plane) continue;
      for (const theirs of other.links.values()) {
        const peer = theirs.paths.get(path.plan.id);
        if (peer === undefined || !shareKeys(link, theirs)) continue;
        const remote = other.placeOf(peer.plan.socket);
        if (remote === null || !isSame(remote, targetOf(path))) continue;
        if (!isSame(local, targetOf(peer)) || this.blocks(local, remote)) continue;
        return { plane: other, link: theirs, path: peer };
      }
    }
    return null;
  }

  /** Calls back with the other end, over any path that works. */
  carry(plane: FakeDataPlane, link: FakeLink, arrive: (end: End) => void): void {
    const ends = [...link.paths.values()].map((path) => this.across({ plane, link, path }));
    const end = ends.find((one) => one !== null);
    if (end == null) return;
    this.clock.after(DELAY_MS, () => {
      if (this.planes.has(end.plane)) arrive(end);
    });
  }

  #look(plane: FakeDataPlane): void {
    const nowMs = this.clock.now();
    for (const link of [...plane.links.values()]) {
      for (const path of [...link.paths.values()]) {
        if (this.across({ plane, link, path }) !== null) {
          path.provenMs = nowMs;
          if (path.state !== 'active') plane.setState(link, path, 'active');
        } else if (path.state === 'active' && nowMs - path.provenMs >= DEAD_MS) {
          plane.setState(link, path, 'dead');
        }
      }
    }
  }
}

function targetOf(path: FakePath): Endpoint {
  return path.behind ?? path.plan.remote;
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

/** Whether something sealed by either end can be opened by the other. */
export function shareKeys(a: FakeLink, b: FakeLink): boolean {
  return a.keys.some((mine) =>
    b.keys.some(
      (other) =>
        Buffer.compare(mine.sendKey, other.receiveKey) === 0 &&
        Buffer.compare(mine.receiveKey, other.sendKey) === 0,
    ),
  );
}
