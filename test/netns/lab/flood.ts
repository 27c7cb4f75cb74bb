/** Datagrams as somebody on the wire sends them who would like to do harm, and the sending of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Rng } from '../../../overlay/ports.js';
import { DATAGRAM_TYPE, HEADER_BYTES } from '../../../overlay/wire/datagram.js';
import type { CapturedDatagram } from './datagram-capture.js';
import type { Host } from './host.js';
import type { Program } from './program.js';
import { scriptArgs } from './scripts.js';

export interface FloodOrder {
  readonly target: string;
  readonly port: number;
  readonly seconds: number;
  /** In hex; sent in this order, over and over. */
  readonly payloads: readonly string[];
  /** All are of this length, and the system gets and takes them by runs: many more a second. */
  readonly runsOfBytes?: number;
  /** Whom they seem to come from. */
  readonly spoofed?: { readonly source: string; readonly port: number };
}

/** Different ones in a flood: far more than any run of them that arrives together. */
const DIFFERENT = 1_024;
const SESSIONS = 2 ** 20;
/** The longest that UDP over IPv4 has room for. */
const LONGEST_BYTES = 65_507;
const LONG_DIFFERENT = 32;

export type FloodKind =
  | 'garbage'
  | 'truncated'
  | 'unknown session'
  | 'forged'
  | 'replayed'
  | 'oversized'
  | 'oversized and forged';

/**
 * @param captured real datagrams on their way to the target
 * @param bytes of those whose length does not matter; null: any
 */
export function floodPayloads(
  kind: FloodKind,
  captured: readonly CapturedDatagram[],
  bytes: number | null,
  rng: Rng,
): readonly string[] {
  const pick = (limit: number): number => Math.floor(rng.float() * limit);
  const real = captured.map(({ payload }) => Buffer.from(payload, 'hex'));
  const random = (count: number): Buffer => Buffer.from(rng.bytes(count));
  const make = (count: number, one: () => Buffer): string[] =>
    Array.from({ length: count }, () => one().toString('hex'));
  /** The header of a real one, with a number that is still to come, and after it anything. */
  const forged = (count: number): Buffer => {
    const datagram = random(count);
    const header = real[pick(real.length)]?.subarray(0, HEADER_BYTES) ?? random(HEADER_BYTES);
    datagram.set(header);
    datagram.writeUInt32BE(header.readUInt32BE(8) + 1_000_000 + pick(1_000_000), 8);
    return datagram;
  };
  switch (kind) {
    case 'garbage':
      return make(DIFFERENT, () => random(bytes ?? 1 + pick(1_400)));
    case 'truncated':
      return make(DIFFERENT, () => forged(HEADER_BYTES + 28).subarray(0, pick(41)));
    case 'unknown session':
      return make(DIFFERENT, () => {
        const datagram = forged(bytes ?? 40 + pick(1_300));
        const known = new Set(real.map((one) => one.readUInt32LE(0) >>> 12));
        let session = pick(SESSIONS);
        while (known.has(session)) session = pick(SESSIONS);
        datagram.writeUInt32LE((DATAGRAM_TYPE | (pick(10) << 4) | (session << 12)) >>> 0, 0);
        return datagram;
      });
    case 'forged':
      return make(DIFFERENT, () => forged(bytes ?? 40 + pick(1_300)));
    case 'replayed':
      // Drawn, so that they come in another order than they did.
      return make(DIFFERENT, () => real[pick(real.length)] ?? random(1));
    case 'oversized':
      return make(LONG_DIFFERENT, () => random(LONGEST_BYTES));
    case 'oversized and forged':
      return make(LONG_DIFFERENT, () => forged(LONGEST_BYTES));
  }
}

/** Starts it; it ends by itself. */
export function startFlood(from: Host, order: FloodOrder): Program {
  // Too long for an argument.
  const file = join(from.folder, `flood-${String(from.programs.length)}.json`);
  writeFileSync(file, JSON.stringify(order));
  return from.spawn(process.execPath, scriptArgs('flood-main', [file]));
}

/** Copies datagrams that arrive at a port of a host. @throws LabError `timed-out` */
export async function captureDatagrams(
  at: Host,
  port: number,
  count: number,
  during: () => Promise<unknown>,
): Promise<readonly CapturedDatagram[]> {
  const args = scriptArgs('datagram-capture', [String(port), String(count)]);
  const program = at.spawn(process.execPath, args);
  await program.match(/^ready$/m, 10_000);
  await during();
  const [line] = await program.match(/^\[.*\]$/m, 10_000);
  return JSON.parse(line) as CapturedDatagram[];
}
