/** The data plane without threads and native calls: wherever Node runs. */
import { randomBytes } from 'node:crypto';
import type { CipherName } from '../../overlay/link/session/key-exchange.js';
import { addSocket, carryOut, refuseSocket, type CommandHost } from './command-handler.js';
import { CommandedDataPlane } from './commanded.js';
import type { Command } from './commands.js';
import { Engine, ENGINE_BYTES } from './engine/engine.js';
import { fastestFirst } from './fastest-cipher.js';
import { PlainIo } from './plain/plain-io.js';

export class PlainDataPlane extends CommandedDataPlane {
  readonly backEnd = 'plain';
  readonly ciphers: readonly CipherName[] = fastestFirst();
  readonly #io: PlainIo;
  readonly #engine: Engine;
  readonly #host: CommandHost;
  readonly #sockets = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #timerUs = Infinity;
  #isTurnDue = false;
  #isClosed = false;

  constructor(packetBytesMax: number) {
    super();
    this.#io = new PlainIo(ENGINE_BYTES, () => {
      this.#turnSoon();
    });
    this.#engine = new Engine({
      io: this.#io,
      device: null,
      counters: this.counters,
      deviceMtuBytes: packetBytesMax,
      salt: randomBytes(4).readUInt32LE(),
      nowUs: () => performance.now() * 1000,
      emit: (event) => {
        if (event.kind === 'socket-failed') this.#sockets.delete(event.socket);
        this.take(event);
      },
      mayForward: () => false,
    });
    this.#host = {
      engine: this.#engine,
      closing: (id) => {
        this.#sockets.delete(id);
      },
      report: (report) => {
        this.take(report);
      },
      stop: () => undefined,
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#engine.close();
    this.ended();
    return Promise.resolve();
  }

  protected command(command: Command): void {
    if (this.#isClosed) return;
    if (command.kind === 'open-socket') void this.#open(command);
    else carryOut(this.#host, command);
    this.#turnSoon();
  }

  async #open({ socket, options }: Extract<Command, { kind: 'open-socket' }>): Promise<void> {
    try {
      const opened = await this.#io.socket(options);
      if (this.#isClosed) opened.close();
      else {
        this.#sockets.add(socket);
        addSocket(this.#host, socket, options, opened);
      }
    } catch (error) {
      refuseSocket(this.#host, socket, error);
    }
  }

  #turnSoon(): void {
    if (this.#isTurnDue || this.#isClosed) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#isClosed) return;
    let isMore = false;
    const lookedUs = performance.now() * 1000;
    for (const id of this.#sockets) if (this.#engine.receive(id)) isMore = true;
    this.#engine.attend(lookedUs);
    if (isMore) this.#turnSoon();
    const dueUs = this.#engine.nextDueUs;
    if (dueUs >= this.#timerUs && this.#timer !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (dueUs === Infinity) return;
    this.#timerUs = dueUs;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#turn();
      },
      Math.max(0, dueUs / 1000 - performance.now()),
    );
  }
}
