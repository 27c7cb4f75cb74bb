/**
 * Copies UDP datagrams that come to this host, as somebody on the wire could, and prints them.
 *
 *   node datagram-capture.js <port> <count>
 *
 * Prints `ready`, and when it has them one line of JSON: a list of {@link CapturedDatagram}.
 *
 * Source: packet(7).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { checked, libc } from '../../../src/io/linux/libc.js';

export interface CapturedDatagram {
  readonly source: string;
  readonly sourcePort: number;
  /** Payload in hex. */
  readonly payload: string;
}

const AF_PACKET = 17;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
/** ETH_P_IP in network byte order. */
const IPV4_FRAMES = 0x0008;
const MSG_DONTWAIT = 0x40;
const UDP = 17;
const UDP_HEADER_BYTES = 8;
/** Longer ones are several that go through the lab together. */
const SINGLE_BYTES_MAX = 1_500;
const LOOK_MS = 1;

function parse(packet: Buffer, port: number): CapturedDatagram | null {
  const headerBytes = (packet.readUInt8(0) & 15) * 4;
  if (packet.readUInt8(9) !== UDP || packet.length < headerBytes + UDP_HEADER_BYTES) return null;
  if (packet.readUInt16BE(headerBytes + 2) !== port) return null;
  return {
    source: packet.subarray(12, 16).join('.'),
    sourcePort: packet.readUInt16BE(headerBytes),
    payload: packet.subarray(headerBytes + UDP_HEADER_BYTES).toString('hex'),
  };
}

async function main(port: number, count: number): Promise<void> {
  const socket = checked('socket', libc().socket(AF_PACKET, SOCK_DGRAM_NONBLOCK, IPV4_FRAMES));
  const frame = Buffer.alloc(1 << 16);
  const captured: CapturedDatagram[] = [];
  process.stdout.write('ready\n');
  while (captured.length < count) {
    const bytes = libc().recv(socket, frame, frame.length, MSG_DONTWAIT);
    if (bytes <= 0) {
      await sleep(LOOK_MS);
      continue;
    }
    const found = bytes > SINGLE_BYTES_MAX ? null : parse(frame.subarray(0, bytes), port);
    if (found !== null) captured.push(found);
  }
  process.stdout.write(`${JSON.stringify(captured)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(Number(process.argv[2]), Number(process.argv[3]));
}
