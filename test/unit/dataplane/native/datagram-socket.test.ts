/**
 * Goal: whatever the kernel says to a send, the rest is sent, each datagram at most once, and the caller
 * learns what was refused. Method: a kernel of our own behind the calls of a real socket, which reads
 * the messages where they lie and refuses some; drawn runs against drawn kernels.
 */
import { constants } from 'node:os';
import { expect } from 'chai';
import fc from 'fast-check';
import { Arena } from '../../../../src/dataplane/native/arena.js';
import { loadBatchCalls, type BatchCalls } from '../../../../src/dataplane/native/calls.js';
import { NativeSocket } from '../../../../src/dataplane/native/datagram-socket.js';
import { Messages } from '../../../../src/dataplane/native/messages.js';

const { EAGAIN, EINVAL, EIO, EMSGSIZE, EPERM } = constants.errno;
const ARENA_BYTES = 1 << 20;
const DATAGRAMS_MAX = 200;
const MTU_BYTES = 1000;
const MESSAGE_BYTES = 64;
const TO = { address: '192.0.2.1', port: 9 };

/** What the kernel thinks of a message of `datagrams`, by their bytes; 0: it goes. */
type Verdict = (datagrams: readonly number[]) => number;

const real = loadBatchCalls();
const opened: NativeSocket[] = [];

class World {
  readonly arena = new Arena(real, ARENA_BYTES);
  readonly socket: NativeSocket;
  /** Bytes of each datagram that left. */
  readonly left: number[] = [];
  calls = 0;
  #errno = 0;
  readonly #verdict: Verdict;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
    const calls: BatchCalls = {
      ...real,
      errno: () => this.#errno,
      sendmmsg: (_fd, address, count) => this.#sendmmsg(address, count),
    };
    const options = { transport: 'udp', family: 4, port: 0, device: null, address: null } as const;
    this.socket = new NativeSocket(calls, this.arena, new Messages(this.arena), options);
    opened.push(this.socket);
  }

  send(sizes: readonly number[]): number {
    const datagrams = {
      memory: this.arena.memory,
      // All lie in the same place: nobody reads them.
      offsets: new Uint32Array(sizes.length),
      lengths: Uint32Array.from(sizes),
    };
    return this.socket.send(datagrams, 0, sizes.length, TO);
  }

  #sendmmsg(address: number, count: number): number {
    this.calls += 1;
    for (let message = 0; message < count; message++) {
      const datagrams = this.#datagramsOf(address - this.arena.address + message * MESSAGE_BYTES);
      const error = this.#verdict(datagrams);
      if (error !== 0) {
        this.#errno = error;
        return message === 0 ? -1 : message;
      }
      this.left.push(...datagrams);
    }
    return count;
  }

  /** As the kernel cuts a message: all of one size, and the rest. */
  #datagramsOf(header: number): number[] {
    const at = (offset: number): number =>
      Number(this.arena.memory.view.getBigUint64(offset, true));
    const [vectors, count] = [at(header + 16) - this.arena.address, at(header + 24)];
    let bytes = 0;
    for (let vector = 0; vector < count; vector++) bytes += at(vectors + vector * 16 + 8);
    const control = at(header + 32);
    if (control === 0) return [bytes];
    const segment = this.arena.memory.view.getUint16(control - this.arena.address + 16, true);
    const cut = Array.from({ length: Math.floor(bytes / segment) }, () => segment);
    return bytes % segment === 0 ? cut : [...cut, bytes % segment];
  }
}

const isCut = (datagrams: readonly number[]): boolean => datagrams.length > 1;
const isLong = ([first = 0]: readonly number[]): boolean => first > MTU_BYTES;

const LONG: Readonly<Record<string, Verdict>> = {
  'a kernel of today': (datagrams) => (isLong(datagrams) ? EMSGSIZE : 0),
  'an older kernel': (datagrams) =>
    isLong(datagrams) ? (isCut(datagrams) ? EINVAL : EMSGSIZE) : 0,
  'a card that cannot sum': (datagrams) =>
    isCut(datagrams) ? EIO : isLong(datagrams) ? EMSGSIZE : 0,
};

describe('NativeSocket', () => {
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.close();
  });

  const sizes = fc.array(fc.constantFrom(100, 300, 300, 1000, 1000, 1001, 1400, 1400), {
    minLength: 1,
    maxLength: DATAGRAMS_MAX,
  });

  for (const [kernel, verdict] of Object.entries(LONG)) {
    it(`passes over what is too big, and nothing else, on ${kernel}`, () => {
      fc.assert(
        fc.property(sizes, (run) => {
          const world = new World(verdict);
          expect(world.send(run)).to.equal(run.length);
          expect(world.left).to.deep.equal(run.filter((size) => size <= MTU_BYTES));
          expect(world.socket.tooBig).to.equal(run.filter((size) => size > MTU_BYTES).length);
          const failure = world.socket.tooBig === 0 ? null : 'EMSGSIZE';
          expect(world.socket.failure).to.equal(failure);
        }),
        { seed: 7, numRuns: 100 },
      );
    });
  }

  it('asks a card that cannot sum only once', () => {
    const world = new World((datagrams) => (isCut(datagrams) ? EIO : 0));
    world.send([300, 300, 300]);
    world.send([300, 300, 300]);
    expect(world.calls).to.equal(3);
    expect(world.left).to.have.length(6);
  });

  it('stops where there is no room, with what went before counted', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 10 }), (run, room) => {
        let messages = 0;
        const world = new World(() => (messages++ < room ? 0 : EAGAIN));
        const taken = world.send(run);
        expect(world.left).to.deep.equal(run.slice(0, taken));
        expect(world.socket).to.include({ failure: null, tooBig: 0 });
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('goes on behind what a firewall stops, and names that rather than what was too big', () => {
    const world = new World(([first]) => (first === 300 ? EPERM : first === 1400 ? EMSGSIZE : 0));
    expect(world.send([100, 1400, 1400, 100, 300, 300, 1000, 1400, 100])).to.equal(9);
    expect(world.left).to.deep.equal([100, 100, 1000, 100]);
    expect(world.socket).to.include({ failure: 'EPERM', tooBig: 3 });
  });
});
