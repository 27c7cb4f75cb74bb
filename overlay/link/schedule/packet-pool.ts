/**
 * Linked lists of queued packets without an object for each: columns of numbers and a list of free
 * places. Grows by doubling up to its limit and never shrinks, since a peer that was busy once is
 * likely to be again.
 */
const PLACES_AT_FIRST = 64;
/** End of a list. */
export const NONE = -1;

export class PacketPool {
  readonly #placesMax: number;
  #free = NONE;
  handles = new Float64Array(0);
  bytes = new Uint32Array(0);
  enqueuedUs = new Float64Array(0);
  sparse = new Uint8Array(0);
  /** The place after this one in its list. */
  next = new Int32Array(0);

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
  }

  /** A place for one packet, or NONE if all are taken. */
  take(): number {
    if (this.#free === NONE) this.#grow();
    const place = this.#free;
    if (place !== NONE) this.#free = this.next[place] ?? NONE;
    return place;
  }

  give(place: number): void {
    this.next[place] = this.#free;
    this.#free = place;
  }

  #grow(): void {
    const before = this.handles.length;
    const places = Math.min(this.#placesMax, Math.max(PLACES_AT_FIRST, before * 2));
    const old = [this.handles, this.bytes, this.enqueuedUs, this.sparse, this.next] as const;
    this.handles = new Float64Array(places);
    this.bytes = new Uint32Array(places);
    this.enqueuedUs = new Float64Array(places);
    this.sparse = new Uint8Array(places);
    this.next = new Int32Array(places);
    this.handles.set(old[0]);
    this.bytes.set(old[1]);
    this.enqueuedUs.set(old[2]);
    this.sparse.set(old[3]);
    this.next.set(old[4]);
    for (let place = places - 1; place >= before; place--) this.give(place);
  }
}
