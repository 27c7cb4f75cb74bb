/** Ledgers, disks and journals that are broken on purpose, to show that tests of the witness notice it. */
import { Journal } from '../../../dhcp/journal.js';
import {
  Ledger,
  witnessTermMs,
  type ClaimDecision,
  type CommitDecision,
} from '../../../dhcp/ledger.js';
import { MemoryStore } from '../../../sim/memory/memory-store.js';

/** Term of the leases that are tried. */
export const TERM_S = 600;
export const TERM_MS = TERM_S * 1_000;
/** As long as a witness keeps one. */
export const KEPT_MS = witnessTermMs(TERM_S);

/** Forgets what went before as soon as it is over. */
export class WithoutPast extends Ledger {
  override commit(...args: Parameters<Ledger['commit']>): CommitDecision {
    const [{ subject }, nowMs] = args;
    const entry = this.at(subject, nowMs);
    if (entry?.phase === 'tombstone') this.restore({ ...entry, epoch: 0 });
    return super.commit(...args);
  }
}

/** Grants to the next one what is only granted to somebody. */
export class Generous extends Ledger {
  override claim(...args: Parameters<Ledger['claim']>): ClaimDecision {
    const decision = super.claim(...args);
    return decision.kind === 'held' && decision.entry.phase === 'granted'
      ? { kind: 'grant' }
      : decision;
  }
}

/** Takes the latest certificate, whoever has the lease. */
export class Fickle extends Ledger {
  override commit(...args: Parameters<Ledger['commit']>): CommitDecision {
    const [certificate, nowMs] = args;
    const decision = super.commit(...args);
    if (decision.kind !== 'held' || decision.entry.phase !== 'committed') return decision;
    const { subject, owner: other, claimId: id, epoch, renewal } = certificate;
    this.restore({
      ...{ subject, phase: 'committed', owner: other, claimId: id, epoch, renewal, certificate },
      expiresAtMs: nowMs + KEPT_MS,
    });
    return { kind: 'committed', changed: true };
  }
}

/** Keeps a lease for half of its term. */
export class Hasty extends Ledger {
  override commit(...args: Parameters<Ledger['commit']>): CommitDecision {
    const [certificate, nowMs, leftMs] = args;
    return super.commit(certificate, nowMs, Math.min(leftMs ?? TERM_MS / 2, TERM_MS / 2));
  }
}

/** Says that it freed what it keeps. */
export class Clinging extends Ledger {
  override release(): boolean {
    return true;
  }
}

/** Frees for anybody that asks. */
export class Gullible extends Ledger {
  override release(...args: Parameters<Ledger['release']>): boolean {
    const [subject, , , nowMs] = args;
    const entry = this.at(subject, nowMs);
    return entry !== null && super.release(subject, entry.owner, entry.claimId, nowMs);
  }
}

/** Says that it wrote what it still has in memory: a crash loses the latest write. */
export class WriteBehind extends MemoryStore {
  #latest: readonly [string, Uint8Array] | null = null;

  override async put(key: string, value: Uint8Array): Promise<void> {
    if (this.#latest !== null) await super.put(...this.#latest);
    this.#latest = [key, value.slice()];
  }

  crashed(): void {
    this.#latest = null;
  }
}

/** Begins every run with empty hands. */
export class Amnesiac extends Journal {
  override async load(): Promise<{ loaded: number; unreadable: number }> {
    return { loaded: 0, unreadable: 0 };
  }
}
