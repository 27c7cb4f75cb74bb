/**
 * Waits until one of a few descriptors is ready, or a moment has come, to the microsecond.
 * Source: epoll(7), epoll_pwait2(2).
 */
import { SystemCallError } from '../../io/linux/libc.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLOUT = 4;
const EVENTS_MAX = 32;
/** `epoll_event` is packed on x86 and nowhere else. */
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const TAG_AT = process.arch === 'x64' ? 4 : 8;
const TIMESPEC_BYTES = 16;

/** What is ready, by the tag given to {@link Poller.add}. */
export interface Ready {
  readonly tags: Uint32Array;
  /** 1: something to read; 2: room to write; 3: both. */
  readonly what: Uint8Array;
  count: number;
}

export const READABLE = 1;
export const WRITABLE = 2;

export class Poller {
  readonly ready: Ready = {
    tags: new Uint32Array(EVENTS_MAX),
    what: new Uint8Array(EVENTS_MAX),
    count: 0,
  };
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #epoll: number;
  readonly #events: number;
  readonly #timeout: number;

  /** @throws SystemCallError */
  constructor(calls: BatchCalls, arena: Arena) {
    this.#calls = calls;
    this.#arena = arena;
    this.#epoll = this.#checked('epoll_create1', calls.epollCreate(EPOLL_CLOEXEC));
    this.#events = arena.region(EVENTS_MAX * EVENT_BYTES);
    this.#timeout = arena.region(TIMESPEC_BYTES);
  }

  /** `tag`: any 32-bit number of the caller's. @throws SystemCallError */
  add(fd: number, tag: number): void {
    this.#control(EPOLL_CTL_ADD, fd, tag, EPOLLIN);
  }

  /** Whether room to write is waited for, besides something to read. @throws SystemCallError */
  wantWritable(fd: number, tag: number, wanted: boolean): void {
    this.#control(EPOLL_CTL_MOD, fd, tag, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  /** @throws SystemCallError */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Waits up to `timeoutUs` microseconds; below 0 for ever. An interrupted wait finds nothing. */
  wait(timeoutUs: number): Ready {
    const { ready } = this;
    const { address, memory } = this.#arena;
    const found =
      timeoutUs < 0
        ? this.#calls.epollWait(this.#epoll, address + this.#events, EVENTS_MAX, -1)
        : this.#waitFor(timeoutUs);
    ready.count = Math.max(0, found);
    for (let index = 0; index < ready.count; index++) {
      const at = this.#events + index * EVENT_BYTES;
      const events = memory.view.getUint32(at, true);
      ready.tags[index] = memory.view.getUint32(at + TAG_AT, true);
      // Errors and hang-ups show when the descriptor is read.
      const readable = (events & ~EPOLLOUT) === 0 ? 0 : READABLE;
      ready.what[index] = readable | ((events & EPOLLOUT) === 0 ? 0 : WRITABLE);
    }
    return ready;
  }

  close(): void {
    this.#calls.close(this.#epoll);
  }

  #waitFor(timeoutUs: number): number {
    const seconds = Math.floor(timeoutUs / 1e6);
    this.#arena.put64(this.#timeout, seconds);
    this.#arena.put64(this.#timeout + 8, Math.floor((timeoutUs - seconds * 1e6) * 1000));
    const { address } = this.#arena;
    const events = address + this.#events;
    return this.#calls.epollWait2(
      this.#epoll,
      events,
      EVENTS_MAX,
      address + this.#timeout,
      0,
      SIGSET_BYTES,
    );
  }

  #control(operation: number, fd: number, tag: number, events: number): void {
    const { view } = this.#arena.memory;
    view.setUint32(this.#events, events, true);
    view.setUint32(this.#events + TAG_AT, tag, true);
    const event = this.#arena.address + this.#events;
    this.#checked('epoll_ctl', this.#calls.epollControl(this.#epoll, operation, fd, event));
  }

  #checked(call: string, result: number): number {
    if (result >= 0) return result;
    throw new SystemCallError(call, this.#calls.errno());
  }
}

/** `_NSIG / 8`, which the kernel asks for even without a mask. */
const SIGSET_BYTES = 8;
