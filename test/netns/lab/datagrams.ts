/**
 * One socket of the batch back end and nothing else: sends what it is told to, or says what arrives.
 *
 *   node datagrams.js <json of DatagramsOptions>
 *
 * Prints `ready`, then a {@link SentFacts} for each send or an {@link ArrivedFacts} for each datagram, as
 * JSON, one a line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSocketOptions, Endpoint } from '../../../overlay/link/data-plane.js';
import { NativeIo } from '../../../src/dataplane/native/native-io.js';
import { Received } from '../../../src/dataplane/received.js';
import { SLAB_BYTES, Slabs } from '../../../src/dataplane/slabs.js';

export interface DatagramsOptions {
  readonly socket: DataSocketOptions;
  /** Where all of `sizes` is sent to in each round; empty: only receives. */
  readonly to: readonly Endpoint[];
  /** Bytes of each datagram. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly pauseMs: number;
}

export interface SentFacts {
  readonly to: string;
  readonly taken: number;
  readonly tooBig: number;
  readonly failure: string | null;
}

export interface ArrivedFacts {
  readonly from: Endpoint;
  readonly bytes: number;
}

const ARENA_BYTES = 16 << 20;
const SLABS = 64;
const POLL_MS = 5;

const { socket: socketOptions, ...options } = JSON.parse(
  process.argv[2] ?? '{}',
) as DatagramsOptions;
const io = new NativeIo(ARENA_BYTES);
const socket = await io.socket(socketOptions);
const print = (facts: SentFacts | ArrivedFacts): void => {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
};

async function send(): Promise<void> {
  const lengths = Uint32Array.from(options.sizes);
  const bytes = lengths.reduce((sum, length) => sum + length, 0);
  let next = io.region(bytes);
  const offsets = lengths.map((length) => (next += length) - length);
  const datagrams = { memory: io.memory, offsets, lengths };
  for (let round = 0; round < options.rounds; round++) {
    for (const to of options.to) {
      const taken = socket.send(datagrams, 0, lengths.length, to);
      const { tooBig, failure } = socket;
      print({ to: to.address, taken, tooBig, failure });
    }
    await sleep(options.pauseMs);
  }
}

async function receive(): Promise<never> {
  const slabs = new Slabs(io.region(SLABS * SLAB_BYTES), SLABS);
  const received = new Received();
  for (;;) {
    socket.receive(slabs, received);
    for (let index = 0; index < received.count; index++) {
      const message = received.messages[index] ?? 0;
      print({ from: socket.sourceOf(message), bytes: received.lengths[index] ?? 0 });
      const next = index + 1 < received.count ? received.messages[index + 1] : -1;
      if (message !== next) slabs.release(received.offsets[index] ?? 0);
    }
    if (received.count === 0) await sleep(POLL_MS);
  }
}

process.stdout.write('ready\n');
if (options.to.length > 0) await send();
else await receive();
