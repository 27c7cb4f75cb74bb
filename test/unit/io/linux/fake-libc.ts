/** A libc without a kernel: each call answers what the test gave it, and fails the test otherwise. */
import type { Libc } from '../../../../src/io/linux/libc.js';

export function fakeLibc(calls: Partial<Libc>): Libc {
  const unexpected = (name: string) => (): never => {
    throw new Error(`unexpected call of ${name}`);
  };
  return {
    open: unexpected('open'),
    close: unexpected('close'),
    read: unexpected('read'),
    write: unexpected('write'),
    writev: unexpected('writev'),
    ioctlValue: unexpected('ioctlValue'),
    ioctlStruct: unexpected('ioctlStruct'),
    socket: unexpected('socket'),
    setsockopt: unexpected('setsockopt'),
    send: unexpected('send'),
    recv: unexpected('recv'),
    eventfd: unexpected('eventfd'),
    pollAsync: unexpected('pollAsync'),
    addressOf: unexpected('addressOf'),
    allocate: unexpected('allocate'),
    ...calls,
  };
}

export const EAGAIN = 11;
export const EINVAL = 22;
