/**
 * What the data plane asks of a back end. There are two: `native` makes one system call for a run of
 * datagrams and seals with OpenSSL where they lie; `plain` does the same with what Node has everywhere,
 * one datagram at a time. One contract suite runs against both.
 */
import type { Datagrams } from '../../overlay/batch/datagrams.js';
import type { PacketMemory } from '../../overlay/batch/packet-memory.js';
import type { DataSocketOptions, Endpoint } from '../../overlay/link/data-plane.js';
import type { CipherName } from '../../overlay/link/session/key-exchange.js';
import type { Received } from './received.js';
import type { Slabs } from './slabs.js';

/** Seals for one direction of one session. */
export interface DatagramSealer {
  /**
   * Writes the headers of `count` datagrams from `first` on and seals them. Packet numbers count up from
   * `packetNumber`; none may be used twice on a path under one key.
   */
  seal(
    datagrams: Datagrams,
    first: number,
    count: number,
    headerWord: number,
    packetNumber: number,
  ): void;
  close(): void;
}

/** Opens for one direction of one session. */
export interface DatagramOpener {
  /**
   * Opens the datagram of `bytes` at `at` of the memory, where it lies. False: it was not sealed with
   * this key, or was changed on its way; its content means nothing then.
   */
  open(at: number, bytes: number): boolean;
  close(): void;
}

export interface DatagramSocket {
  /** 0 for `raw`. */
  readonly port: number;
  /**
   * Sends `count` datagrams from `first` on, in order. One that the system refuses does not hold up
   * those after it: it counts as taken, as if it had been lost on its way.
   * @param to of the socket's family; sending is faster when it is the same object each time
   * @returns how many were taken. The others found no room: try them again when there is some. What of
   *   those taken did not leave is told by {@link failure} and {@link tooBig}
   */
  send(datagrams: Datagrams, first: number, count: number, to: Endpoint): number;
  /** Datagrams that the last send took and that did not leave, because they are longer than the MTU. */
  readonly tooBig: number;
  /** Takes what has arrived, as far as there are slabs. Each slab that holds something has one use. */
  receive(slabs: Slabs, received: Received): void;
  /** Where message `message` of the last {@link receive} came from; good until any socket receives again. */
  sourceOf(message: number): Endpoint;
  /** Whether it came from there, without making anything. */
  isFrom(message: number, endpoint: Endpoint): boolean;
  /**
   * Errno of the last send or receive; null after one that went well or found no room. `EMSGSIZE`: some
   * were too big, and nothing else was wrong. `ENODEV`, `EBADF`: the socket will never work again, close it.
   * Others, such as `ENETUNREACH` or `EPERM` of a firewall, concern this destination and may pass.
   */
  readonly failure: string | null;
  close(): void;
}

/** `no-cipher`: this system does not have it, or the key is none. `cannot-open`: no such socket here. */
export type BatchIoErrorCode = 'no-cipher' | 'cannot-open';

export interface BatchIo {
  readonly name: 'native' | 'plain';
  /** All packets lie here. */
  readonly memory: PacketMemory;
  /** Sets memory aside for good. @returns where it begins */
  region(bytes: number): number;
  /** @throws CodedError<'no-cipher'> */
  sealer(cipher: CipherName, key: Uint8Array): DatagramSealer;
  /** @throws CodedError<'no-cipher'> */
  opener(cipher: CipherName, key: Uint8Array): DatagramOpener;
  /** @throws CodedError<'cannot-open'> with the errno in its fields */
  socket(options: DataSocketOptions): Promise<DatagramSocket>;
}
