/** What the thread of a data plane is started with. */
export interface WorkerStart {
  /** The device's descriptor, which stays the property of the node; null: no device. */
  readonly tun: { readonly fd: number; readonly offloads: boolean } | null;
  /** Largest packet of the device, or of the node itself. */
  readonly deviceMtuBytes: number;
  /** Written to by the node whenever there are commands (eventfd(2)). */
  readonly eventFd: number;
  readonly counters: SharedArrayBuffer;
  /** One 32-bit number: bytes of packets that the node was handed and has not taken yet. */
  readonly forwarded: SharedArrayBuffer;
  readonly forwardBytesMax: number;
  readonly salt: number;
}
