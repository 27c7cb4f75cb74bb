/**
 * Opens sockets for the two transports, bound to their interface, so that what is given to one leaves by
 * it or not at all.
 *
 * Source: socket(7), ip(7), ipv6(7), udp(7), raw(7).
 */
import { CodedError } from '../../../overlay/base/errors.js';
import type { DataSocketOptions } from '../../../overlay/link/data-plane.js';
import { SystemCallError, errnoName } from '../../io/linux/libc.js';
import type { BatchIoErrorCode } from '../batch-io.js';
import type { Arena } from './arena.js';
import type { BatchCalls } from './calls.js';
import { NAME_BYTES } from './messages.js';
import { AF_INET, AF_INET6, nameBytesOf } from './socket-names.js';

/** Set aside for experiments (RFC 3692, RFC 4727): no other protocol of a network has it. */
const RAW_IP_PROTOCOL = 253;

const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const SO_TIMESTAMPNS = 35;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_GRO = 104;
const IPPROTO_IP = 0;
const IP_MTU_DISCOVER = 10;
const IPPROTO_IPV6 = 41;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
/** Never in fragments, and never held back by what the kernel believes of the path's MTU. */
const PMTUDISC_PROBE = 3;

/** IFNAMSIZ, with the NUL at its end. */
const DEVICE_NAME_BYTES = 16;

/** Room for some milliseconds at full speed; the kernel's default holds 200 KB. */
const BUFFER_BYTES = 8 << 20;

/**
 * Whether the interface that a socket was bound to is no more; one that comes back is another one.
 * @param scratch {@link NAME_BYTES} of the arena
 */
export function isDeviceGone(
  calls: BatchCalls,
  { address, memory }: Arena,
  scratch: number,
  fd: number,
): boolean {
  const lengthAt = scratch + NAME_BYTES - 4;
  memory.view.setUint32(lengthAt, DEVICE_NAME_BYTES, true);
  const [name, length] = [address + scratch, address + lengthAt];
  const got = calls.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, length);
  return got < 0 && errnoName(calls.errno()) === 'ENODEV';
}

/**
 * @param scratch {@link NAME_BYTES} of the arena
 * @throws CodedError<'cannot-open'> with the errno: `EPERM` for `raw` without CAP_NET_RAW
 */
export function openSocket(
  calls: BatchCalls,
  arena: Arena,
  scratch: number,
  options: DataSocketOptions,
): { readonly fd: number; readonly port: number } {
  const isRaw = options.transport === 'raw';
  const fd = calls.socket(
    options.family === 4 ? AF_INET : AF_INET6,
    (isRaw ? SOCK_RAW : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
    isRaw ? RAW_IP_PROTOCOL : 0,
  );
  const opening = new Opening(calls, arena, scratch, options, fd);
  opening.checked('socket', fd);
  try {
    opening.configure();
    return { fd, port: isRaw ? 0 : opening.bind() };
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

class Opening {
  readonly #calls: BatchCalls;
  readonly #arena: Arena;
  readonly #scratch: number;
  readonly #options: DataSocketOptions;
  readonly #fd: number;

  constructor(
    calls: BatchCalls,
    arena: Arena,
    scratch: number,
    options: DataSocketOptions,
    fd: number,
  ) {
    this.#calls = calls;
    this.#arena = arena;
    this.#scratch = scratch;
    this.#options = options;
    this.#fd = fd;
  }

  configure(): void {
    const { family, transport, device } = this.#options;
    // Without the right to exceed the system's limit the kernel's default has to do.
    this.#set(SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
    this.#set(SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES);
    // A thread that comes late still learns when a datagram came.
    this.#set(SOL_SOCKET, SO_TIMESTAMPNS, 1);
    // Best effort: where it fails, what is too big for a path arrives in fragments.
    if (family === 4) this.#set(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
    else this.#set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
    if (transport === 'udp') {
      // An old kernel without it delivers datagrams one by one.
      this.#set(SOL_UDP, UDP_GRO, 1);
      if (family === 6) this.checked('IPV6_V6ONLY', this.#set(IPPROTO_IPV6, IPV6_V6ONLY, 1));
    }
    if (device !== null) this.#bindTo(device);
  }

  /** @returns the port */
  bind(): number {
    const { family, port } = this.#options;
    const nameBytes = nameBytesOf(family);
    const { address, memory } = this.#arena;
    const { bytes, view } = memory;
    const at = this.#scratch;
    bytes.fill(0, at, at + NAME_BYTES);
    view.setUint16(at, family === 4 ? AF_INET : AF_INET6, true);
    view.setUint16(at + 2, port);
    this.checked('bind', this.#calls.bind(this.#fd, address + at, nameBytes));
    const lengthAt = at + NAME_BYTES - 4;
    view.setUint32(lengthAt, nameBytes, true);
    const got = this.#calls.getsockname(this.#fd, address + at, address + lengthAt);
    this.checked('getsockname', got);
    return view.getUint16(at + 2);
  }

  checked(call: string, result: number): void {
    if (result >= 0) return;
    const { message, errno } = new SystemCallError(call, this.#calls.errno());
    this.#fail(message, errno);
  }

  #fail(why: string, errno: string): never {
    const what = this.#options.transport === 'udp' ? 'UDP' : 'raw';
    throw new CodedError<BatchIoErrorCode>('cannot-open', `no ${what} socket: ${why}`, { errno });
  }

  #bindTo(device: string): void {
    const name = Buffer.from(device, 'latin1');
    // The kernel would take none for any interface, and the beginning of a longer one for the name.
    if (name.length === 0 || name.length >= DEVICE_NAME_BYTES)
      this.#fail(`no interface is called '${device}'`, 'ENODEV');
    const { address, memory } = this.#arena;
    memory.bytes.set(name, this.#scratch);
    const value = address + this.#scratch;
    const bound = this.#calls.setsockopt(this.#fd, SOL_SOCKET, SO_BINDTODEVICE, value, name.length);
    this.checked(`bind to ${device}`, bound);
  }

  #set(level: number, name: number, value: number): number {
    this.#arena.memory.view.setInt32(this.#scratch, value, true);
    const address = this.#arena.address + this.#scratch;
    return this.#calls.setsockopt(this.#fd, level, name, address, 4);
  }
}
