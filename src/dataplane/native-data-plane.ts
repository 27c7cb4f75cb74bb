/** The data plane on a thread of its own. */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { randomBytes } from 'node:crypto';
import type { CipherName } from '../../overlay/link/session/key-exchange.js';
import { messageOf } from '../../overlay/base/errors.js';
import type { Command, Report } from './commands.js';
import { CommandedDataPlane } from './commanded.js';
import { fastestFirst } from './fastest-cipher.js';
import { loadBatchCalls, type BatchCalls } from './native/calls.js';
import type { WorkerStart } from './worker-start.js';

/** Bytes of packets on their way to the node's own path, which is slow: more are dropped. */
const FORWARD_BYTES_MAX = 4 << 20;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const ONE = new BigUint64Array([1n]);
/** A thread that does not end by then is ended. */
const STOP_TIMEOUT_MS = 2_000;

export interface NativeDevice {
  /** Of a device with IFF_VNET_HDR, read by the thread from now on. */
  readonly fd: number;
  readonly offloads: boolean;
}

export class NativeDataPlane extends CommandedDataPlane {
  readonly backEnd = 'native';
  readonly ciphers: readonly CipherName[];
  readonly #worker: Worker;
  readonly #calls: BatchCalls;
  readonly #eventFd: number;
  readonly #forwarded = new SharedArrayBuffer(4);
  #isOver = false;
  #isClosing = false;

  /**
   * @param tun null: packets come from the node alone
   * @throws Error when the system lacks what is needed
   */
  constructor(tun: NativeDevice | null, deviceMtuBytes: number) {
    super();
    this.#calls = loadBatchCalls();
    this.ciphers = fastestFirst();
    this.#eventFd = this.#calls.eventFd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (this.#eventFd < 0) throw new Error('no eventfd');
    const workerData: WorkerStart = {
      tun,
      deviceMtuBytes,
      eventFd: this.#eventFd,
      counters: this.counters.shared,
      forwarded: this.#forwarded,
      forwardBytesMax: FORWARD_BYTES_MAX,
      salt: randomBytes(4).readUInt32LE(),
    };
    this.#worker = new Worker(new URL('./native-worker.js', import.meta.url), { workerData });
    this.#worker.on('message', (report: Report) => {
      this.take(report);
    });
    this.#worker.on('error', (error) => {
      this.broken(messageOf(error));
    });
    this.#worker.on('exit', () => {
      this.#isOver = true;
      if (!this.#isClosing) this.broken('its thread ended');
    });
  }

  protected override take(report: Report): void {
    if (report.kind === 'unrouted') {
      let bytes = 0;
      for (const packet of report.packets) bytes += packet.length;
      Atomics.sub(new Int32Array(this.#forwarded), 0, bytes);
    }
    super.take(report);
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (!this.#isOver) {
      const over = new Promise<void>((resolve) => {
        this.#worker.once('exit', () => {
          resolve();
        });
      });
      this.#send({ kind: 'stop' });
      const giveUp = setTimeout(() => void this.#worker.terminate(), STOP_TIMEOUT_MS);
      await over;
      clearTimeout(giveUp);
    }
    this.ended();
    this.#calls.close(this.#eventFd);
  }

  protected command(command: Command): void {
    if (!this.#isOver && !this.#isClosing) this.#send(command);
  }

  #send(command: Command): void {
    this.#worker.postMessage(command);
    try {
      writeSync(this.#eventFd, ONE);
    } catch {
      // Its count is full: the thread has not looked for a while and will.
    }
  }
}
