/**
 * A run of packets on its way from the queue over the scheduler to the paths: parallel columns that
 * are allocated once and filled again and again. Packets are numbers that mean something only to
 * whoever owns their memory.
 */

/** As many equal datagrams as one send call of Linux takes (UDP_SEGMENT). */
const RUN_PACKETS_MAX = 64;

export class PacketRun {
  readonly capacity: number;
  count = 0;
  /** What is still queued behind this run; 0 tells that the senders do not fill the link. */
  backlogBytes = 0;
  /** Filled by the scheduler: paths that get copies only to become known, so that none counts on them. */
  learning = 0;
  readonly handles: Float64Array;
  readonly bytes: Uint32Array;
  readonly buckets: Uint16Array;
  /** 1: the flow is sparse, see sparse-meter.ts. */
  readonly sparse: Uint8Array;
  /** Filled by the scheduler, 0 at first: 1 where the packet is not to wait for others at the other end. */
  readonly unordered: Uint8Array;
  /** Filled by the scheduler: bit n is the path with id n; several bits mean copies. */
  readonly masks: Uint16Array;

  constructor(capacity = RUN_PACKETS_MAX) {
    this.capacity = capacity;
    this.handles = new Float64Array(capacity);
    this.bytes = new Uint32Array(capacity);
    this.buckets = new Uint16Array(capacity);
    this.sparse = new Uint8Array(capacity);
    this.unordered = new Uint8Array(capacity);
    this.masks = new Uint16Array(capacity);
  }

  /** False: full. */
  add(handle: number, bytes: number, bucket: number, isSparse: boolean): boolean {
    const at = this.count;
    if (at === this.capacity) return false;
    this.handles[at] = handle;
    this.bytes[at] = bytes;
    this.buckets[at] = bucket;
    this.sparse[at] = isSparse ? 1 : 0;
    this.unordered[at] = 0;
    this.masks[at] = 0;
    this.count = at + 1;
    return true;
  }
}
