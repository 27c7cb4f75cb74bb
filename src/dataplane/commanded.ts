/** What both data planes have in common: everything the node says is a command, in order. */
import { VNET_HEADER_BYTES } from '../../overlay/batch/split.js';
import { encodeVnetHeader } from '../io/linux/virtio.js';
import { CodedError } from '../../overlay/base/errors.js';
import type {
  DataPlane,
  DataPlaneEvents,
  DataSocket,
  DataSocketOptions,
  LinkFacts,
  LinkScheduling,
  PathPlan,
} from '../../overlay/link/data-plane.js';
import type { Role } from '../../overlay/link/session/key-epochs.js';
import type { CipherName, SessionKeys } from '../../overlay/link/session/key-exchange.js';
import type { Packet } from '../../overlay/ports.js';
import type { BatchIoErrorCode } from './batch-io.js';
import type { Command, Report } from './commands.js';
import { EngineCounters } from './engine/engine-counters.js';
import { handUp, SILENT_EVENTS } from './events.js';

interface Waiter<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

export abstract class CommandedDataPlane implements DataPlane {
  abstract readonly backEnd: 'native' | 'plain';
  abstract readonly ciphers: readonly CipherName[];
  protected readonly counters = new EngineCounters();
  protected events: DataPlaneEvents = SILENT_EVENTS;
  readonly #opening = new Map<number, Waiter<DataSocket>>();
  readonly #asking = new Map<number, Waiter<readonly LinkFacts[]>>();
  #socketsOpened = 0;
  #requests = 0;
  #brokenBy: string | null = null;

  protected abstract command(command: Command): void;
  abstract close(): Promise<void>;

  listen(events: DataPlaneEvents): void {
    this.events = events;
    if (this.#brokenBy !== null) events.failed(this.#brokenBy);
  }

  openSocket(options: DataSocketOptions): Promise<DataSocket> {
    const socket = ++this.#socketsOpened;
    return new Promise((resolve, reject) => {
      if (this.#refusesNow(reject)) return;
      this.#opening.set(socket, { resolve, reject });
      this.command({ kind: 'open-socket', socket, options });
    });
  }

  closeSocket(socket: number): void {
    this.command({ kind: 'close-socket', socket });
  }

  setOwnAddresses(address4: string | null, address6: string | null): void {
    this.command({ kind: 'own-addresses', address4, address6 });
  }

  openLink(link: number, scheduling: LinkScheduling): void {
    this.command({ kind: 'open-link', link, scheduling });
  }

  closeLink(link: number): void {
    this.command({ kind: 'close-link', link });
  }

  setScheduling(link: number, scheduling: LinkScheduling): void {
    this.command({ kind: 'scheduling', link, scheduling });
  }

  setPeerAddresses(link: number, address4: string | null, address6: string | null): void {
    this.command({ kind: 'peer-addresses', link, address4, address6 });
  }

  installKeys(link: number, keys: SessionKeys, role: Role, fresh: boolean): void {
    // The chain is the node's alone: it never leaves it.
    const given = { ...keys, chain: NO_CHAIN };
    this.command({ kind: 'keys', link, keys: given, role, fresh });
  }

  setPaths(link: number, paths: readonly PathPlan[]): void {
    this.command({ kind: 'paths', link, paths });
  }

  sendControl(link: number, message: Uint8Array): void {
    this.command({ kind: 'control', link, message });
  }

  echo(link: number, token: number): void {
    this.command({ kind: 'echo', link, token });
  }

  send(link: number, batch: readonly Packet[]): void {
    this.command({ kind: 'send', link, packets: batch.flatMap(toRaw) });
  }

  facts(): Promise<readonly LinkFacts[]> {
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      if (this.#refusesNow(reject)) return;
      this.#asking.set(request, { resolve, reject });
      this.command({ kind: 'facts', request });
    });
  }

  drops(): Readonly<Record<string, number>> {
    return this.counters.read();
  }

  protected take(report: Report): void {
    switch (report.kind) {
      case 'socket-opened':
        this.#opening.get(report.socket)?.resolve({ id: report.socket, port: report.port });
        this.#opening.delete(report.socket);
        return;
      case 'socket-refused': {
        const { errno } = report;
        const error = new CodedError<BatchIoErrorCode>('cannot-open', report.message, { errno });
        this.#opening.get(report.socket)?.reject(error);
        this.#opening.delete(report.socket);
        return;
      }
      case 'facts':
        this.#asking.get(report.request)?.resolve(report.links);
        this.#asking.delete(report.request);
        return;
      case 'broken':
        this.broken(report.reason);
        return;
      default:
        handUp(report, this.events);
    }
  }

  /** Nothing goes any more: whoever waits is told. */
  protected broken(reason: string): void {
    if (this.#brokenBy !== null) return;
    this.#brokenBy = reason;
    this.#endWaiting(reason);
    this.events.failed(reason);
  }

  protected ended(): void {
    this.#brokenBy ??= 'it is closed';
    this.#endWaiting(this.#brokenBy);
  }

  #endWaiting(reason: string): void {
    const error = brokenError(reason);
    for (const waiter of [...this.#opening.values(), ...this.#asking.values()])
      waiter.reject(error);
    this.#opening.clear();
    this.#asking.clear();
  }

  #refusesNow(reject: (error: Error) => void): boolean {
    if (this.#brokenBy === null) return false;
    reject(brokenError(this.#brokenBy));
    return true;
  }
}

const NO_CHAIN = new Uint8Array(0);

function brokenError(reason: string): CodedError {
  return new CodedError<BatchIoErrorCode>('cannot-open', `the data plane does not work: ${reason}`);
}

function toRaw({ bytes, offload }: Packet): Uint8Array[] {
  const raw = new Uint8Array(VNET_HEADER_BYTES + bytes.length);
  if (!encodeVnetHeader(new DataView(raw.buffer), 0, offload, bytes.length)) return [];
  raw.set(bytes, VNET_HEADER_BYTES);
  return [raw];
}
