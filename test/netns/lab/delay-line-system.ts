/**
 * The system calls of a delay line: TAP devices whose frames go to and from memory outside the garbage
 * collector, a wait that ends to the microsecond, and precedence over the programs of the lab.
 */
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import { checked, libc, type NativeMemory } from '../../../src/io/linux/libc.js';
import type { FrameDevice } from './delay-line-engine.js';

const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;

const TUNSETIFF = 0x400454ca;
const IFF_TAP_NO_PI = 0x0002 | 0x1000;
/** `struct ifreq`: 16 bytes of name, then the flags as u16. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_OFFSET = 16;

const POLLIN = 1;
/** `struct pollfd`: fd as i32, events and revents as i16. */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS_OFFSET = 4;
const POLLFD_REVENTS_OFFSET = 6;
/** `struct timespec`: seconds and nanoseconds as i64. */
const TIMESPEC_BYTES = 16;
const TIMESPEC_NS_OFFSET = 8;
const US_PER_S = 1e6;

const SCHED_FIFO = 1;
/** Ahead of every ordinary program; behind whatever else has a precedence of this kind. */
const LOWEST_PRECEDENCE = 1;

type Call = (...args: readonly (number | Uint8Array)[]) => number;

interface Calls {
  readonly write: Call;
  readonly ppoll: Call;
  readonly schedSetscheduler: Call;
}

function bind(): Calls {
  const koffi = createRequire(import.meta.url)('koffi') as typeof koffiModule;
  const self = koffi.load(null);
  return {
    write: self.func('int64_t write(int, uint64_t, size_t)') as Call,
    ppoll: self.func('int ppoll(uint64_t, uint64_t, uint64_t, uint64_t)') as Call,
    schedSetscheduler: self.func('int sched_setscheduler(int, int, const void *)') as Call,
  };
}

const calls = bind();

/** A TAP device, which lives as long as the process. Frames come without a header of the kernel. */
export class Tap implements FrameDevice {
  readonly fd: number;
  readonly #baseAddress: number;

  /** @throws SystemCallError */
  constructor(name: string, memory: NativeMemory) {
    this.#baseAddress = memory.address;
    this.fd = checked('open /dev/net/tun', libc().open('/dev/net/tun', O_RDWR_NONBLOCK_CLOEXEC));
    const request = new Uint8Array(IFREQ_BYTES);
    request.set(Buffer.from(name, 'latin1'));
    new DataView(request.buffer).setUint16(IFREQ_FLAGS_OFFSET, IFF_TAP_NO_PI, true);
    // No offloads: the kernel cuts and checksums what it hands over, as for a plain card.
    checked('TUNSETIFF', libc().ioctlStruct(this.fd, TUNSETIFF, request));
  }

  read(offset: number, room: number): number {
    return libc().read(this.fd, this.#baseAddress + offset, room);
  }

  write(offset: number, length: number): number {
    return calls.write(this.fd, this.#baseAddress + offset, length);
  }
}

/** Waits for any of some descriptors to have something to read. */
export class Waiter {
  readonly #count: number;
  readonly #descriptors: NativeMemory;
  readonly #timeout = libc().allocate(TIMESPEC_BYTES);

  constructor(fds: readonly number[]) {
    for (let offset = 0; offset < TIMESPEC_BYTES; offset++) this.#timeout.view.setUint8(offset, 0);
    this.#count = fds.length;
    this.#descriptors = libc().allocate(fds.length * POLLFD_BYTES);
    for (const [index, fd] of fds.entries()) {
      this.#descriptors.view.setInt32(index * POLLFD_BYTES, fd, true);
      const events = index * POLLFD_BYTES + POLLFD_EVENTS_OFFSET;
      this.#descriptors.view.setInt16(events, POLLIN, true);
    }
  }

  /** Blocks the whole process, at most for `timeoutUs`; infinity: until something comes. */
  wait(timeoutUs: number): void {
    const isBounded = Number.isFinite(timeoutUs);
    if (isBounded) {
      const us = Math.max(0, timeoutUs);
      const seconds = Math.floor(us / US_PER_S);
      const restNs = Math.floor((us - seconds * US_PER_S) * 1000);
      // The lower halves of two 64-bit numbers; the upper ones stay zero.
      this.#timeout.view.setUint32(0, seconds, true);
      this.#timeout.view.setUint32(TIMESPEC_NS_OFFSET, restNs, true);
    }
    const timeoutAddress = isBounded ? this.#timeout.address : 0;
    const ready = calls.ppoll(this.#descriptors.address, this.#count, timeoutAddress, 0);
    // Interrupted by a signal: nothing is known to be ready.
    if (ready < 0) this.#forget();
  }

  /** Whether the descriptor with this index was ready, or broken, at the end of the last wait. */
  isReady(index: number): boolean {
    const offset = index * POLLFD_BYTES + POLLFD_REVENTS_OFFSET;
    return this.#descriptors.view.getInt16(offset, true) !== 0;
  }

  #forget(): void {
    for (let index = 0; index < this.#count; index++) {
      this.#descriptors.view.setInt16(index * POLLFD_BYTES + POLLFD_REVENTS_OFFSET, 0, true);
    }
  }
}

/** Runs before all ordinary programs from now on, with exact timers. False if the system refuses. */
export function takePrecedence(): boolean {
  const parameters = new Uint8Array(Int32Array.of(LOWEST_PRECEDENCE).buffer);
  return calls.schedSetscheduler(0, SCHED_FIFO, parameters) === 0;
}
