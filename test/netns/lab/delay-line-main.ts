/**
 * The program of a delay line: a process of its own that does nothing but wait for the next frame, the
 * next departure or the next request, whichever comes first. Node's event loop never runs: its timers
 * have steps of a millisecond.
 *
 *   node delay-line-main.js <named pipe of requests> <seed>
 *
 * Runs until it is ended. Speaks `delay-line-control.ts`.
 */
import { openSync, constants, readSync, writeSync } from 'node:fs';
import { SeededRng } from '../../../sim/memory/seeded-rng.js';
import { libc } from '../../../src/io/linux/libc.js';
import {
  TAP_NAMES,
  type LineReady,
  type LineReply,
  type LineRequest,
} from './delay-line-control.js';
import { DelayLineEngine, HELD_BYTES } from './delay-line-engine.js';
import { LinkModel } from './delay-line-model.js';
import { CABLE } from './delay-line-settings.js';
import { takePrecedence, Tap, Waiter } from './delay-line-system.js';

const STDOUT = 1;
/** A pipe takes no longer line in one piece. */
const REQUEST_BYTES_MAX = 4096;

function nowUs(): number {
  return performance.now() * 1000;
}

function say(facts: LineReply | LineReady): void {
  writeSync(STDOUT, `${JSON.stringify(facts)}\n`);
}

const [pipePath = '', seed = ''] = process.argv.slice(2);
const memory = libc().allocate(HELD_BYTES);
const taps = [new Tap(TAP_NAMES[0], memory), new Tap(TAP_NAMES[1], memory)] as const;
const rng = new SeededRng(Number(seed));
const models = { aToB: new LinkModel(CABLE, rng.fork()), bToA: new LinkModel(CABLE, rng.fork()) };
const engine = new DelayLineEngine(
  new Uint8Array(memory.view.buffer, memory.view.byteOffset, HELD_BYTES),
  taps,
  [models.aToB, models.bToA],
);
// Open for writing too, so that it does not count as ended while nobody asks.
const pipe = openSync(pipePath, constants.O_RDWR | constants.O_NONBLOCK);
const requestBytes = Buffer.alloc(REQUEST_BYTES_MAX);
let unread = '';

function answer(line: string): void {
  const { id, changes, isReading } = JSON.parse(line) as LineRequest;
  models.aToB.set(changes.aToB ?? {});
  models.bToA.set(changes.bToA ?? {});
  say({ id, counters: isReading ? { aToB: engine.counters(0), bToA: engine.counters(1) } : null });
}

function answerRequests(): void {
  unread += requestBytes.toString('utf8', 0, readSync(pipe, requestBytes));
  const lines = unread.split('\n');
  unread = lines.pop() ?? '';
  for (const line of lines) answer(line);
}

const waiter = new Waiter([taps[0].fd, taps[1].fd, pipe]);
say({ ready: true, hasPrecedence: takePrecedence() });
for (;;) {
  waiter.wait(engine.nextUs - nowUs());
  // What is due goes first: a frame that comes in now has been late for nobody yet.
  engine.letOut(nowUs());
  if (waiter.isReady(0)) engine.takeIn(0, nowUs);
  if (waiter.isReady(1)) engine.takeIn(1, nowUs);
  engine.letOut(nowUs());
  if (waiter.isReady(2)) answerRequests();
}
