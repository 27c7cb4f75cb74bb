/**
 * The packets a receiver holds because an earlier one of their bucket is missing. Found by bucket and
 * sequence in constant time (open addressing, linear probing, deletion by shifting back: D. Knuth, The
 * Art of Computer Programming 3, 6.4 R), and kept in the order of arrival as well.
 */

/** 130 ms of 1.5 Gb/s in full packets. What does not fit forces the oldest out. */
export const HELD_PACKETS_MAX = 16_384;
const PLACES_AT_FIRST = 64;
const NONE = -1;

export class HeldPackets {
  count = 0;
  bytesTotal = 0;
  /** The one that arrived first, or -1. */
  oldest = NONE;
  #newest = NONE;
  #free = NONE;
  #capacity = 0;
  #table = new Int32Array(0);
  handles = new Float64Array(0);
  bytes = new Uint32Array(0);
  buckets = new Uint16Array(0);
  sequences = new Float64Array(0);
  ticks = new Float64Array(0);
  paths = new Uint16Array(0);
  /** Bit n: the packet, or a copy of it, has come by path n. */
  via = new Uint16Array(0);
  arrivedUs = new Float64Array(0);
  /** How long to wait for what is missing before it, as it is sent again; 0: it is not. */
  repairUs = new Float64Array(0);
  #older = new Int32Array(0);
  #newer = new Int32Array(0);

  /** The place of a packet, or -1. */
  find(bucket: number, sequence: number): number {
    if (this.count === 0) return NONE;
    const mask = this.#table.length - 1;
    for (let at = slotOf(bucket, sequence) & mask; ; at = (at + 1) & mask) {
      const place = this.#table[at] ?? NONE;
      if (place === NONE) return NONE;
      if (this.sequences[place] === sequence && this.buckets[place] === bucket) return place;
    }
  }

  /** A place for a packet that is not held yet; the caller keeps to HELD_PACKETS_MAX and fills it. */
  add(bucket: number, sequence: number, bytes: number): number {
    if (this.#free === NONE) this.#grow();
    const place = this.#free;
    this.#free = this.#newer[place] ?? NONE;
    this.buckets[place] = bucket;
    this.sequences[place] = sequence;
    this.bytes[place] = bytes;
    this.#older[place] = this.#newest;
    this.#newer[place] = NONE;
    if (this.#newest === NONE) this.oldest = place;
    else this.#newer[this.#newest] = place;
    this.#newest = place;
    this.#enter(place);
    this.count += 1;
    this.bytesTotal += bytes;
    return place;
  }

  remove(place: number): void {
    this.#leave(place);
    const older = this.#older[place] ?? NONE;
    const newer = this.#newer[place] ?? NONE;
    if (older === NONE) this.oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    this.#newer[place] = this.#free;
    this.#free = place;
    this.count -= 1;
    this.bytesTotal -= this.bytes[place] ?? 0;
  }

  #enter(place: number): void {
    const mask = this.#table.length - 1;
    let at = this.#home(place) & mask;
    while (this.#table[at] !== NONE) at = (at + 1) & mask;
    this.#table[at] = place;
  }

  #leave(place: number): void {
    const mask = this.#table.length - 1;
    let hole = this.#home(place) & mask;
    while (this.#table[hole] !== place) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const other = this.#table[at] ?? NONE;
      if (other === NONE) break;
      // It may move into the hole if its home is not between the hole and where it is.
      const fromHome = (at - this.#home(other)) & mask;
      if (fromHome < ((at - hole) & mask)) continue;
      this.#table[hole] = other;
      hole = at;
    }
    this.#table[hole] = NONE;
  }

  #home(place: number): number {
    return slotOf(this.buckets[place] ?? 0, this.sequences[place] ?? 0);
  }

  #grow(): void {
    const before = this.#capacity;
    const places = Math.max(PLACES_AT_FIRST, before * 2);
    this.#capacity = places;
    this.handles = grown(this.handles, new Float64Array(places));
    this.bytes = grown(this.bytes, new Uint32Array(places));
    this.buckets = grown(this.buckets, new Uint16Array(places));
    this.sequences = grown(this.sequences, new Float64Array(places));
    this.ticks = grown(this.ticks, new Float64Array(places));
    this.paths = grown(this.paths, new Uint16Array(places));
    this.via = grown(this.via, new Uint16Array(places));
    this.arrivedUs = grown(this.arrivedUs, new Float64Array(places));
    this.repairUs = grown(this.repairUs, new Float64Array(places));
    this.#older = grown(this.#older, new Int32Array(places));
    this.#newer = grown(this.#newer, new Int32Array(places));
    for (let place = places - 1; place >= before; place--) {
      this.#newer[place] = this.#free;
      this.#free = place;
    }
    this.#table = new Int32Array(places * 2).fill(NONE);
    for (let place = 0; place < before; place++) this.#enter(place);
  }
}

/** Sequences of a bucket are neighbours, and stay so: a run of them is one run of memory. */
function slotOf(bucket: number, sequence: number): number {
  return (sequence + Math.imul(bucket, 0x9e37_79b1)) | 0;
}

function grown<Column extends Float64Array | Int32Array | Uint32Array | Uint16Array>(
  from: Column,
  to: Column,
): Column {
  to.set(from);
  return to;
}
