/**
 * The thread of the native data plane. It sleeps in one wait for everything: packets of the device,
 * datagrams, commands of the node, and the next thing that is due.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assert, messageOf } from '../../overlay/base/errors.js';
import { addSocket, carryOut, refuseSocket, type CommandHost } from './command-handler.js';
import type { Command, Report } from './commands.js';
import { Engine, ENGINE_BYTES } from './engine/engine.js';
import { EngineCounters } from './engine/engine-counters.js';
import { NativeIo } from './native/native-io.js';
import { Poller, READABLE } from './native/poller.js';
import type { TunQueue } from './native/tun-queue.js';
import type { WorkerStart } from './worker-start.js';

/** Poller tags below are no sockets. */
const COMMANDS_TAG = 0;
const DEVICE_TAG = 1;
const SOCKET_TAGS_FROM = 16;
/** A process that ends waits for its threads, which notice only between two waits. */
const WAIT_US_MAX = 250_000;
const EVENT_BYTES = 8;

const start = workerData as WorkerStart;
assert(parentPort !== null, 'this file runs as a worker thread');
const port = parentPort;

const io = new NativeIo(ENGINE_BYTES + (4 << 20));
const poller = new Poller(io.calls, io.arena);
const eventAt = io.region(EVENT_BYTES);
const outstanding = new Int32Array(start.forwarded);
const descriptors = new Map<number, number>();
let reports: Report[] = [];
let isStopping = false;

const tun: TunQueue | null =
  start.tun === null ? null : io.tunQueue(start.tun.fd, start.tun.offloads);
const engine = new Engine({
  io,
  device: tun,
  counters: new EngineCounters(start.counters),
  deviceMtuBytes: start.deviceMtuBytes,
  salt: start.salt,
  nowUs: () => performance.now() * 1000,
  emit: (event) => {
    if (event.kind === 'socket-failed') host.closing(event.socket);
    reports.push(event);
  },
  mayForward: (bytes) => {
    if (Atomics.load(outstanding, 0) + bytes > start.forwardBytesMax) return false;
    Atomics.add(outstanding, 0, bytes);
    return true;
  },
});

const host: CommandHost = {
  engine,
  closing: (id) => {
    const fd = descriptors.get(id);
    if (fd === undefined) return;
    descriptors.delete(id);
    poller.remove(fd);
  },
  report: (report) => {
    reports.push(report);
  },
  stop: () => {
    isStopping = true;
  },
};

function takeCommands(): void {
  io.calls.read(start.eventFd, io.arena.address + eventAt, EVENT_BYTES);
  for (;;) {
    const found = receiveMessageOnPort(port) as { readonly message: Command } | undefined;
    if (found === undefined) return;
    const { message } = found;
    if (message.kind === 'open-socket') openSocket(message);
    else carryOut(host, message);
  }
}

function openSocket({ socket: id, options }: Extract<Command, { kind: 'open-socket' }>): void {
  try {
    const socket = io.openSocket(options);
    descriptors.set(id, socket.fd);
    poller.add(socket.fd, SOCKET_TAGS_FROM + id);
    addSocket(host, id, options, socket);
  } catch (error) {
    refuseSocket(host, id, error);
  }
}

function tell(): void {
  for (const report of reports) port.postMessage(report);
  if (reports.length > 0) reports = [];
}

/** Runs until the node says stop; nothing else of this thread's event loop ever runs. */
function run(): void {
  poller.add(start.eventFd, COMMANDS_TAG);
  if (start.tun !== null) poller.add(start.tun.fd, DEVICE_TAG);
  while (!isStopping) {
    tell();
    const lookedUs = performance.now() * 1000;
    const dueInUs = engine.nextDueUs - lookedUs;
    const ready = poller.wait(Math.min(Math.max(dueInUs, 0), WAIT_US_MAX));
    for (let index = 0; index < ready.count; index++) {
      if (((ready.what[index] ?? 0) & READABLE) === 0) continue;
      const tag = ready.tags[index] ?? 0;
      if (tag >= SOCKET_TAGS_FROM) engine.receive(tag - SOCKET_TAGS_FROM);
      else if (tag === COMMANDS_TAG) takeCommands();
      else {
        engine.readDevice();
        if (tun?.failure != null) {
          host.report({ kind: 'broken', reason: `the network device is gone (${tun.failure})` });
          poller.remove(start.tun?.fd ?? -1);
        }
      }
    }
    engine.attend(lookedUs);
  }
  engine.close();
  poller.close();
  tell();
}

try {
  run();
} catch (error) {
  port.postMessage({
    kind: 'broken',
    reason: error instanceof Error ? (error.stack ?? messageOf(error)) : messageOf(error),
  } satisfies Report);
}
