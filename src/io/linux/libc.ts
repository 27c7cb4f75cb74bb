/**
 * The few libc calls the Linux device needs, reached through koffi. Every call returns the kernel's
 * answer or a negative errno, like a raw system call: on the packet path EAGAIN is the normal end of
 * a batch, and an exception there would cost more than the call. {@link checked} makes it an error.
 *
 * All flags and structures used here have one layout on x64 and arm64 (both little-endian LP64);
 * other machines are refused instead of trusted to be alike.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffiModule from 'koffi';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';

type Koffi = typeof koffiModule;

/** `no-ffi`: koffi is missing or broken; `unsupported-system`: not Linux on x64 or arm64. */
export type LibcErrorCode = 'no-ffi' | 'unsupported-system';

/** A system call failed where success was expected. */
export class SystemCallError extends CodedError<'system-call'> {
  /** Name such as `EBUSY`. */
  readonly errno: string;

  constructor(call: string, errno: number) {
    const name = errnoName(errno);
    super('system-call', `${call} failed with ${name}`, { call, errno: name });
    this.name = 'SystemCallError';
    this.errno = name;
  }
}

/** Memory outside the garbage collector, for calls that run while JavaScript goes on. */
export interface NativeMemory {
  readonly address: number;
  /** Must not be touched after `free`. */
  readonly view: DataView;
  free(): void;
}

/**
 * Bytes given as an array stay alive during the call. On the packet path memory is given by address,
 * a plain number: user space ends at 2^48, well within a safe integer.
 */
export interface Libc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  read(fd: number, address: number, length: number): number;
  write(fd: number, bytes: Uint8Array, length: number): number;
  writev(fd: number, vectors: number, count: number): number;
  /** For requests whose argument is a plain value. */
  ioctlValue(fd: number, request: number, value: number): number;
  /** For requests whose argument is a structure, which the kernel may fill in. */
  ioctlStruct(fd: number, request: number, struct: Uint8Array): number;
  socket(domain: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  eventfd(initial: number, flags: number): number;
  /** `poll` on the thread pool. `descriptors` must be {@link NativeMemory} until `done` is called. */
  pollAsync(descriptors: number, count: number, timeoutMs: number, done: () => void): void;
  /**
   * Address of the first byte, for `read` and `writev`. Good only while the caller keeps `bytes`
   * referenced beyond the call that uses it; the memory behind an ArrayBuffer does not move.
   */
  addressOf(bytes: Uint8Array): number;
  allocate(length: number): NativeMemory;
}

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  // Reversed so that of two names for one number (EAGAIN, EWOULDBLOCK) the first one stays.
  Object.entries(constants.errno)
    .map(([name, number]): [number, string] => [number, name])
    .reverse(),
);

/** Linux calls that Node has no constant for: a TUN whose device was deleted answers with it. */
const EBADFD = 77;

export function errnoName(errno: number): string {
  if (errno === EBADFD) return 'EBADFD';
  return ERRNO_NAMES.get(errno) ?? `errno ${String(errno)}`;
}

/** Passes a result on. @throws SystemCallError if it is a negative errno. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, -result);
  return result;
}

function requireKoffi(): Koffi {
  return createRequire(import.meta.url)('koffi') as Koffi;
}

/** @throws CodedError<LibcErrorCode> */
export function loadLibc(
  load: () => Koffi = requireKoffi,
  platform: string = process.platform,
  arch: string = process.arch,
): Libc {
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new CodedError<LibcErrorCode>(
      'unsupported-system',
      `A network device is supported on Linux (x64, arm64) only, not on ${platform} ${arch}. ` +
        'Start with --no-tun to run without one.',
      { platform, arch },
    );
  }
  try {
    return bind(load());
  } catch (error) {
    throw new CodedError<LibcErrorCode>(
      'no-ffi',
      `The native calls for the network device could not be loaded (${messageOf(error)}). ` +
        'Install the package again for this machine, or start with --no-tun.',
    );
  }
}

let shared: Libc | null = null;

/**
 * The process-wide bindings, loaded on first use so that a node without a device never loads native
 * code. @throws CodedError<LibcErrorCode>
 */
export function libc(): Libc {
  shared ??= loadLibc();
  return shared;
}

type Argument = number | string | Uint8Array;

function bind(koffi: Koffi): Libc {
  // The symbols of the running binary: libc is linked into it, whichever libc that is.
  const self = koffi.load(null);
  const call = (prototype: string): ((...args: Argument[]) => number) => {
    const native: (...args: Argument[]) => number = self.func(prototype);
    return (...args) => {
      const result = native(...args);
      return result < 0 ? -koffi.errno() : result;
    };
  };
  const poll = self.func('int poll(uint64_t, uint64_t, int)');
  return {
    open: call('int open(const char *, int)'),
    close: call('int close(int)'),
    read: call('int64_t read(int, uint64_t, size_t)'),
    write: call('int64_t write(int, const void *, size_t)'),
    writev: call('int64_t writev(int, uint64_t, int)'),
    ioctlValue: call('int ioctl(int, uint64_t, uint64_t)'),
    ioctlStruct: call('int ioctl(int, uint64_t, void *)'),
    socket: call('int socket(int, int, int)'),
    setsockopt: call('int setsockopt(int, int, int, const void *, unsigned int)'),
    send: call('int64_t send(int, const void *, size_t, int)'),
    recv: call('int64_t recv(int, void *, size_t, int)'),
    eventfd: call('int eventfd(unsigned int, int)'),
    pollAsync: (descriptors, count, timeoutMs, done) => {
      poll.async(descriptors, count, timeoutMs, done);
    },
    addressOf: (bytes) => Number(koffi.address(bytes)),
    allocate: (length) => {
      const pointer: unknown = koffi.alloc('uint8_t', length);
      return {
        address: Number(koffi.address(pointer)),
        view: new DataView(koffi.view(pointer, length)),
        free: () => {
          koffi.free(pointer);
        },
      };
    },
  };
}
