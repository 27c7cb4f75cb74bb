/**
 * Sends UDP datagrams over IPv4 as fast as the system takes them, a run of them in one call.
 *
 *   node flood-main.js <json of FloodOrder>
 *
 * Prints `{"sent":<datagrams>}` at its end. Source: sendmmsg(2), ip(7), udp(7).
 */
import { readFileSync } from 'node:fs';
import { packetMemory } from '../../../overlay/batch/packet-memory.js';
import { loadBatchCalls } from '../../../src/dataplane/native/calls.js';
import type { FloodOrder } from './flood.js';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_IP = 0;
/** Any source may be claimed. */
const IP_TRANSPARENT = 19;

/** `struct mmsghdr`, `struct iovec` and `struct sockaddr_in` of a 64-bit system. */
const MESSAGE_BYTES = 64;
const VECTOR_BYTES = 16;
const NAME_BYTES = 16;
const MESSAGES_PER_CALL = 64;

const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** Datagrams in one message that the system cuts up. */
const SEGMENTS = 40;

function messagesOf(order: FloodOrder): Buffer[] {
  const datagrams = order.payloads.map((hex) => Buffer.from(hex, 'hex'));
  if (order.runsOfBytes === undefined) return datagrams;
  const runs: Buffer[] = [];
  for (let first = 0; first + SEGMENTS <= datagrams.length; first += SEGMENTS) {
    runs.push(Buffer.concat(datagrams.slice(first, first + SEGMENTS)));
  }
  return runs;
}

function main(order: FloodOrder): void {
  const calls = loadBatchCalls();
  const datagrams = messagesOf(order);
  const headerBytes = datagrams.length * (MESSAGE_BYTES + VECTOR_BYTES) + NAME_BYTES;
  const payloadBytes = datagrams.reduce((sum, { length }) => sum + length, 0);
  const { bytes, view } = packetMemory(new Uint8Array(headerBytes + payloadBytes));
  const base = calls.addressOf(bytes);
  const vectorsAt = datagrams.length * MESSAGE_BYTES;
  const nameAt = vectorsAt + datagrams.length * VECTOR_BYTES;
  const putName = (address: string, port: number): void => {
    view.setUint16(nameAt, AF_INET, true);
    view.setUint16(nameAt + 2, port);
    bytes.set(address.split('.').map(Number), nameAt + 4);
  };
  const put64 = (at: number, value: number): void => {
    view.setBigUint64(at, BigInt(value), true);
  };
  let at = headerBytes;
  for (const [index, datagram] of datagrams.entries()) {
    bytes.set(datagram, at);
    const message = index * MESSAGE_BYTES;
    const vector = vectorsAt + index * VECTOR_BYTES;
    put64(message, base + nameAt);
    view.setUint32(message + 8, NAME_BYTES, true);
    put64(message + 16, base + vector);
    put64(message + 24, 1);
    put64(vector, base + at);
    put64(vector + 8, datagram.length);
    at += datagram.length;
  }
  const fd = calls.socket(AF_INET, SOCK_DGRAM, 0);
  const option = (level: number, name: number, value: number): void => {
    const memory = new Uint8Array(Uint32Array.of(value).buffer);
    if (calls.setsockopt(fd, level, name, calls.addressOf(memory), memory.length) < 0) {
      throw new Error(`socket option ${String(name)}: errno ${String(calls.errno())}`);
    }
  };
  if (order.spoofed !== undefined) {
    option(SOL_IP, IP_TRANSPARENT, 1);
    putName(order.spoofed.source, order.spoofed.port);
    if (calls.bind(fd, base + nameAt, NAME_BYTES) < 0) throw new Error('the source is not free');
  }
  if (order.runsOfBytes !== undefined) option(SOL_UDP, UDP_SEGMENT, order.runsOfBytes);
  putName(order.target, order.port);
  const deadlineMs = performance.now() + order.seconds * 1000;
  let sent = 0;
  for (let first = 0; performance.now() < deadlineMs;) {
    const count = Math.min(MESSAGES_PER_CALL, datagrams.length - first);
    const taken = calls.sendmmsg(fd, base + first * MESSAGE_BYTES, count, 0);
    // One that the system does not take is left out.
    first = (first + (taken > 0 ? taken : 1)) % datagrams.length;
    sent += Math.max(0, taken);
  }
  // Keeps the memory that the calls know by its address.
  sent *= order.runsOfBytes === undefined ? 1 : SEGMENTS;
  process.stdout.write(`${JSON.stringify({ sent, bytes: bytes.length })}\n`);
}

main(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as FloodOrder);
