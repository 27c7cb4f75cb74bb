/** Records and provider records held by one virtual host, in memory: a restart loses them. */
import { compareBytes, toHex } from '../../overlay/base/bytes.js';
import type { PeerId } from '../../overlay/base/peer-id.js';
import { RECORD_BYTES_MAX } from '../../overlay/host-limits.js';
import type { Clock, RecordRules } from '../../overlay/ports.js';
import type { RecordKeeper } from '../memory/parts.js';
import { RECORD_AGE_MS_MAX } from './parameters.js';

/** Records and provider records of one host; a new one is refused when no old one has expired. */
const RECORDS_MAX = 1 << 16;

interface HeldRecord {
  readonly value: Uint8Array;
  readonly storedMs: number;
}

export class VirtualRecords implements RecordKeeper {
  readonly #clock: Clock;
  readonly #rules = new Map<string, RecordRules>();
  /** By `<kind>/<key in hex>`. */
  readonly #records = new Map<string, HeldRecord>();
  /** By key in hex: when each provider was last heard of. */
  readonly #providers = new Map<string, Map<PeerId, number>>();
  #providerCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  register(kind: string, rules: RecordRules): void {
    this.#rules.set(kind, rules);
  }

  rulesOf(kind: string): RecordRules | null {
    return this.#rules.get(kind) ?? null;
  }

  /** The host stops, and what it held is gone; the rules stay. */
  clear(): void {
    this.#records.clear();
    this.#providers.clear();
    this.#providerCount = 0;
  }

  /** As the real host's store: a better record is not replaced, unlike in kad-dht itself. */
  store(kind: string, key: Uint8Array, value: Uint8Array): boolean {
    const rules = this.#rules.get(kind);
    if (rules === undefined || value.length > RECORD_BYTES_MAX) return false;
    if (!rules.validate(key, value)) return false;
    const held = this.held(kind, key);
    if (held !== null && compareBytes(held, value) !== 0) {
      if (rules.validate(key, held) && rules.select(key, [held, value]) === 0) return false;
    }
    if (held === null && !this.#makeRoom()) return false;
    const record = { value: value.slice(), storedMs: this.#clock.now() };
    this.#records.set(`${kind}/${toHex(key)}`, record);
    return true;
  }

  held(kind: string, key: Uint8Array): Uint8Array | null {
    const name = `${kind}/${toHex(key)}`;
    const record = this.#records.get(name);
    if (record === undefined) return null;
    if (!this.#isExpired(record.storedMs)) return record.value.slice();
    this.#records.delete(name);
    return null;
  }

  addProvider(key: Uint8Array, provider: PeerId): void {
    const name = toHex(key);
    const known = this.#providers.get(name) ?? new Map<PeerId, number>();
    if (!known.has(provider)) {
      if (this.#providerCount >= RECORDS_MAX) return;
      this.#providerCount++;
    }
    this.#providers.set(name, known.set(provider, this.#clock.now()));
  }

  /** Those not swept yet: kad-dht does not look at the age when it is asked. */
  providersHeld(key: Uint8Array): readonly PeerId[] {
    return [...(this.#providers.get(toHex(key))?.keys() ?? [])];
  }

  /** When a provider was last heard of under a key, or null. */
  providedAtMs(key: Uint8Array, provider: PeerId): number | null {
    return this.#providers.get(toHex(key))?.get(provider) ?? null;
  }

  /** Forgets providers not heard of for too long, all but the host itself. */
  sweepProviders(self: PeerId): void {
    for (const [name, providers] of this.#providers) {
      for (const [provider, heardMs] of providers) {
        if (provider === self || !this.#isExpired(heardMs)) continue;
        providers.delete(provider);
        this.#providerCount--;
      }
      if (providers.size === 0) this.#providers.delete(name);
    }
  }

  #isExpired(sinceMs: number): boolean {
    return this.#clock.now() - sinceMs > RECORD_AGE_MS_MAX;
  }

  #makeRoom(): boolean {
    if (this.#records.size < RECORDS_MAX) return true;
    for (const [name, { storedMs }] of this.#records) {
      if (this.#isExpired(storedMs)) this.#records.delete(name);
    }
    return this.#records.size < RECORDS_MAX;
  }
}
