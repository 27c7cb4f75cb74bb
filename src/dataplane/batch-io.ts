/**
 * What the data plane asks of a back end. There are two: `native` makes one system call for a run of
 * datagrams and seals with OpenSSL where they lie; `plain` does the same with what Node has everywhere,
 * one datagram at a time. One contract suite runs against both.
 */
import type { PacketMemory } from '../../overlay/batch/packet-memory.js';
import type { SendBatch } from '../../overlay/batch/send-batch.js';
import type { CipherName } from '../../overlay/link/session/key-exchange.js';
import type { Received } from './received.js';
import type { Slabs } from './slabs.js';

/** Where a datagram goes or comes from. */
export interface Endpoint {
  /** IPv4 or IPv6 address as text, in its one short form (RFC 5952). */
  readonly address: string;
  readonly port: number;
}

/** Seals for one direction of one session. */
export interface DatagramSealer {
  /**
   * Writes the headers of `count` datagrams from `first` on and seals them. Packet numbers count up from
   * `packetNumber`; none may be used twice on a path under one key.
   */
  seal(
    batch: SendBatch,
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

export interface DatagramSocketOptions {
  readonly family: 4 | 6;
  /** 0: any free one. */
  readonly port: number;
  /** Interface that everything leaves and arrives by; null: whatever the routes say. */
  readonly device: string | null;
}

export interface DatagramSocket {
  readonly port: number;
  /**
   * Sends `count` datagrams of the batch from `first` on, in order.
   * @returns how many were taken; the others did not leave, and may be tried again unless
   *   {@link failure} names what is wrong
   */
  send(batch: SendBatch, first: number, count: number, to: Endpoint): number;
  /** Takes what has arrived, as far as there are slabs. Each slab that holds something has one use. */
  receive(slabs: Slabs, received: Received): void;
  /** Where message `message` of the last {@link receive} came from. */
  sourceOf(message: number): Endpoint;
  /** Errno of the last send or receive, such as `ENETUNREACH`; null after one that went well or found no room. */
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
  socket(options: DatagramSocketOptions): Promise<DatagramSocket>;
}
