/** Making a TUN device with /dev/net/tun, and saying in plain words why that failed. */
import { CodedError } from '../../../overlay/base/errors.js';
import { checked, errnoName, SystemCallError, type Libc } from './libc.js';

/**
 * `bad-mtu`: the kernel takes no such MTU; `system`: anything else that went wrong, with the errno
 * in the fields.
 */
export type TunErrorCode =
  'no-permission' | 'no-device' | 'name-taken' | 'bad-name' | 'bad-mtu' | 'system';

const DEVICE_PATH = '/dev/net/tun';
const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** Fails on an existing device, where the call would otherwise take over one kept by another tool. */
const IFF_TUN_EXCL = 0x8000;
/** Checksums and TCP super-packets of both families; UDP super-packets stay off. */
const TUN_F_CSUM_TSO4_TSO6 = 0x1 | 0x2 | 0x4;

/** `struct ifreq`: 16 bytes of name, then the flags as u16. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_OFFSET = 16;
/** IFNAMSIZ less the final NUL. */
const NAME_CHARS_MAX = 15;
/** The kernel puts in the lowest free number, in one step with the creation. */
const FIRST_FREE_NAME = 'ov%d';

/** Name of a device, or of what is not one: these are directories beside the devices in /proc/sys. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['all', 'default']);
const NAME_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** @throws CodedError<'bad-name'> unless Linux and its tools take `name` for an interface. */
export function checkDeviceName(name: string): void {
  if (name.length <= NAME_CHARS_MAX && NAME_PATTERN.test(name) && !RESERVED_NAMES.has(name)) return;
  throw new CodedError<TunErrorCode>(
    'bad-name',
    `'${name}' cannot be the name of a network device: use 1 to ${String(NAME_CHARS_MAX)} letters, digits, ` +
      `'_', '-' or '.', starting with a letter, digit or '_'. Choose another name, leave it out to ` +
      `get the first free of ov0, ov1, ..., or start with --no-tun.`,
    { name },
  );
}

/**
 * Creates a device that lives as long as the returned descriptor.
 * @param name null: the first free of ov0, ov1, ...
 * @throws CodedError<TunErrorCode>
 */
export function createTun(
  libc: Libc,
  name: string | null,
  offloads: boolean,
): { readonly fd: number; readonly name: string } {
  if (name !== null) checkDeviceName(name);
  const fd = libc.open(DEVICE_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw openError(-fd);
  try {
    const request = new Uint8Array(IFREQ_BYTES);
    request.set(Buffer.from(name ?? FIRST_FREE_NAME, 'latin1'));
    const flags = IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | (offloads ? IFF_VNET_HDR : 0);
    new DataView(request.buffer).setUint16(IFREQ_FLAGS_OFFSET, flags, true);
    const made = libc.ioctlStruct(fd, TUNSETIFF, request);
    if (made < 0) throw createError(-made, name);
    if (offloads) {
      checked('TUNSETOFFLOAD', libc.ioctlValue(fd, TUNSETOFFLOAD, TUN_F_CSUM_TSO4_TSO6));
    }
    const nameBytes = request.subarray(0, request.indexOf(0));
    return { fd, name: Buffer.from(nameBytes).toString('latin1') };
  } catch (error) {
    libc.close(fd);
    throw error instanceof SystemCallError ? systemError(error) : error;
  }
}

function openError(errno: number): CodedError<TunErrorCode> {
  const reason = errnoName(errno);
  switch (reason) {
    case 'EACCES':
    case 'EPERM':
      return permissionError(reason);
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
    case 'ENOTDIR':
      return new CodedError<TunErrorCode>(
        'no-device',
        `This system has no usable ${DEVICE_PATH} (${reason}): load the module with 'modprobe tun', in a ` +
          `container pass the device in with '--device ${DEVICE_PATH}', or start with --no-tun.`,
        { errno: reason },
      );
    default:
      return systemError(new SystemCallError(`open ${DEVICE_PATH}`, errno));
  }
}

function createError(errno: number, name: string | null): CodedError<TunErrorCode> {
  const reason = errnoName(errno);
  if (reason === 'EPERM' || reason === 'EACCES') return permissionError(reason);
  if (reason === 'EBUSY' && name !== null) {
    return new CodedError<TunErrorCode>(
      'name-taken',
      `A network device named '${name}' exists already: choose another name, leave it out to get the ` +
        'first free of ov0, ov1, ..., or start with --no-tun.',
      { name },
    );
  }
  return systemError(new SystemCallError('TUNSETIFF', errno));
}

function permissionError(errno: string): CodedError<TunErrorCode> {
  return new CodedError<TunErrorCode>(
    'no-permission',
    'Creating a network device needs root or the capability CAP_NET_ADMIN ' +
      `(${errno}): run it with sudo, give the container '--cap-add NET_ADMIN', or start with --no-tun.`,
    { errno },
  );
}

/** Anything that can fail while a device is set up, as one of our codes. */
export function systemError(error: {
  readonly message: string;
  readonly errno: string | null;
}): CodedError<TunErrorCode> {
  if (error.errno === 'EPERM') return permissionError(error.errno);
  return new CodedError<TunErrorCode>(
    'system',
    `The network device could not be set up: ${error.message}. Start with --no-tun to run without one.`,
    { errno: error.errno },
  );
}
