/** The keys of a link at work: what seals, and what opens by the index that a datagram names. */
import { KeyEpochs, type Role } from '../../../overlay/link/session/key-epochs.js';
import type { SessionKeys } from '../../../overlay/link/session/key-exchange.js';
import { DATAGRAM_TYPE } from '../../../overlay/wire/datagram.js';
import type { BatchIo, DatagramOpener, DatagramSealer } from '../batch-io.js';
import type { DatagramList } from './datagram-list.js';

interface Pair {
  readonly sealer: DatagramSealer;
  readonly opener: DatagramOpener;
}

const INDEX_SHIFT = 12;
const PATH_SHIFT = 4;

export class LinkKeys {
  readonly #io: BatchIo;
  readonly #freed: (localIndexes: readonly number[]) => void;
  readonly #pairs = new Map<number, Pair>();
  #epochs = new KeyEpochs();
  #sealer: DatagramSealer | null = null;
  #word = 0;
  #sealed = 0;

  /** @param freed these local indexes mean nothing any more */
  constructor(io: BatchIo, freed: (localIndexes: readonly number[]) => void) {
    this.#io = io;
    this.#freed = freed;
  }

  get canSend(): boolean {
    return this.#sealer !== null;
  }

  /** @returns what opens datagrams that name the local index of these keys */
  install(keys: SessionKeys, role: Role, fresh: boolean, nowMs: number): DatagramOpener {
    if (fresh) this.clear();
    const sealer = this.#io.sealer(keys.cipher, keys.sendKey);
    const opener = this.#io.opener(keys.cipher, keys.receiveKey);
    this.#pairs.set(keys.localIndex, { sealer, opener });
    this.#drop(this.#epochs.begin(keys, role, nowMs));
    this.#choose();
    return opener;
  }

  /** Something came under the keys with this local index. */
  confirm(localIndex: number, nowMs: number): void {
    if (!this.#epochs.awaits(localIndex)) return;
    this.#drop(this.#epochs.confirm(localIndex, nowMs));
    this.#choose();
  }

  /** Forgets what has had its time. */
  expire(nowMs: number): void {
    const freed = this.#epochs.expire(nowMs);
    if (freed.length === 0) return;
    this.#drop(freed);
    this.#choose();
  }

  isRekeyDue(nowMs: number): boolean {
    return this.#epochs.isRekeyDue(this.#sealed, nowMs);
  }

  /** False: there is no key, and nothing was sealed; it must not leave. */
  seal(list: DatagramList, count: number, pathId: number, number: number): boolean {
    if (this.#sealer === null) return false;
    this.#sealed += count;
    this.#sealer.seal(list, 0, count, (this.#word | (pathId << PATH_SHIFT)) >>> 0, number);
    return true;
  }

  clear(): void {
    this.#drop([...this.#pairs.keys()]);
    this.#epochs = new KeyEpochs();
    this.#choose();
  }

  #choose(): void {
    const keys = this.#epochs.sending;
    const pair = keys === null ? undefined : this.#pairs.get(keys.localIndex);
    const sealer = pair?.sealer ?? null;
    if (sealer === this.#sealer) return;
    this.#sealer = sealer;
    this.#sealed = 0;
    this.#word = DATAGRAM_TYPE | ((keys?.remoteIndex ?? 0) << INDEX_SHIFT);
  }

  #drop(localIndexes: readonly number[]): void {
    if (localIndexes.length === 0) return;
    for (const index of localIndexes) {
      const pair = this.#pairs.get(index);
      this.#pairs.delete(index);
      if (pair === undefined) continue;
      if (this.#sealer === pair.sealer) this.#sealer = null;
      pair.sealer.close();
      pair.opener.close();
    }
    this.#freed(localIndexes);
  }
}
