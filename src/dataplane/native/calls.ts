/**
 * System calls and OpenSSL's EVP functions for whole batches, reached through koffi: the running binary
 * has both. Pointers are plain numbers (user space ends at 2^48), so that no call makes an object. A
 * call costs 40 to 80 ns; what each returns is the C result, with `errno` asked for only after a failure.
 *
 * Source: recvmmsg(2), sendmmsg(2), epoll_pwait2(2), EVP_EncryptInit(3ssl).
 */
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';

export type CipherInit = (
  context: number,
  cipher: number,
  engine: number,
  key: number,
  nonce: number,
) => number;

export interface BatchCalls {
  /** Of the last failed call on this thread. */
  errno(): number;
  /** Address of the first byte. The memory of an ArrayBuffer does not move while it is referenced. */
  addressOf(bytes: Uint8Array): number;
  close(fd: number): number;
  eventFd(value: number, flags: number): number;
  clockGetTime(clock: number, address: number): number;
  read(fd: number, address: number, bytes: number): number;
  writev(fd: number, vectors: number, count: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, bytes: number): number;
  getsockname(fd: number, address: number, bytesAddress: number): number;
  /** `bytesAddress`: address of the u32 length, which the kernel replaces. */
  getsockopt(fd: number, level: number, name: number, value: number, bytesAddress: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, bytes: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: number): number;
  epollWait(epoll: number, events: number, count: number, timeoutMs: number): number;
  /** `timeout`: address of a `timespec`, or 0 to wait for ever. */
  epollWait2(
    epoll: number,
    events: number,
    count: number,
    timeout: number,
    signals: number,
    signalBytes: number,
  ): number;
  /** Null where the binary does not have it. */
  cipherByName(name: string): number;
  cipherNew(): number;
  cipherFree(context: number): void;
  readonly encryptInit: CipherInit;
  encryptUpdate(
    context: number,
    out: number,
    outBytes: number,
    input: number,
    bytes: number,
  ): number;
  encryptFinal(context: number, out: number, outBytes: number): number;
  readonly decryptInit: CipherInit;
  decryptUpdate(
    context: number,
    out: number,
    outBytes: number,
    input: number,
    bytes: number,
  ): number;
  decryptFinal(context: number, out: number, outBytes: number): number;
  cipherControl(context: number, control: number, argument: number, pointer: number): number;
  /** A whole record of TLS at once, where it lies. Below 0: it cannot be, or is not authentic. */
  cipher(context: number, out: number, input: number, bytes: number): number;
}

type Native = (...args: (number | string)[]) => number;
/** koffi gives 64-bit results as a number where they fit, else as a bigint. */
type Wide = (...args: (number | string)[]) => number | bigint;

/** @throws Error when koffi is missing, or the binary lacks a symbol */
export function loadBatchCalls(): BatchCalls {
  const koffi = createRequire(import.meta.url)('koffi') as typeof koffiModule;
  const self = koffi.load(null);
  const bind = (prototype: string): Native => self.func(prototype.replaceAll('ptr', 'uint64_t'));
  const wide = (prototype: string): Native => {
    const native: Wide = self.func(prototype.replaceAll('ptr', 'uint64_t'));
    return (...args) => Number(native(...args));
  };
  return {
    errno: () => koffi.errno(),
    addressOf: (bytes) => Number(koffi.address(bytes)),
    close: bind('int close(int)'),
    eventFd: bind('int eventfd(unsigned int, int)'),
    clockGetTime: bind('int clock_gettime(int, ptr)'),
    read: wide('int64_t read(int, ptr, size_t)'),
    writev: wide('int64_t writev(int, ptr, int)'),
    socket: bind('int socket(int, int, int)'),
    bind: bind('int bind(int, ptr, unsigned int)'),
    getsockname: bind('int getsockname(int, ptr, ptr)'),
    getsockopt: bind('int getsockopt(int, int, int, ptr, ptr)'),
    setsockopt: bind('int setsockopt(int, int, int, ptr, unsigned int)'),
    sendmmsg: bind('int sendmmsg(int, ptr, unsigned int, int)'),
    recvmmsg: bind('int recvmmsg(int, ptr, unsigned int, int, ptr)'),
    epollCreate: bind('int epoll_create1(int)'),
    epollControl: bind('int epoll_ctl(int, int, int, ptr)'),
    epollWait: bind('int epoll_wait(int, ptr, int, int)'),
    epollWait2: bind('int epoll_pwait2(int, ptr, int, ptr, ptr, size_t)'),
    cipherByName: wide('ptr EVP_get_cipherbyname(const char *)'),
    cipherNew: wide('ptr EVP_CIPHER_CTX_new()'),
    cipherFree: self.func('void EVP_CIPHER_CTX_free(uint64_t)'),
    encryptInit: bind('int EVP_EncryptInit_ex(ptr, ptr, ptr, ptr, ptr)'),
    encryptUpdate: bind('int EVP_EncryptUpdate(ptr, ptr, ptr, ptr, int)'),
    encryptFinal: bind('int EVP_EncryptFinal_ex(ptr, ptr, ptr)'),
    decryptInit: bind('int EVP_DecryptInit_ex(ptr, ptr, ptr, ptr, ptr)'),
    decryptUpdate: bind('int EVP_DecryptUpdate(ptr, ptr, ptr, ptr, int)'),
    decryptFinal: bind('int EVP_DecryptFinal_ex(ptr, ptr, ptr)'),
    cipherControl: bind('int EVP_CIPHER_CTX_ctrl(ptr, int, int, ptr)'),
    cipher: bind('int EVP_Cipher(ptr, ptr, ptr, unsigned int)'),
  };
}
