/** A network card whose operating system is the test. */
import type { DeviceAddress, Packet, TunDevice } from '../../overlay/ports.js';

export class TestDevice implements TunDevice {
  readonly name = 'test0';
  readonly mtu = 1_420;
  readonly offloads: boolean;
  /** What the operating system got, copied. */
  readonly written: Packet[] = [];
  readonly configurations: (readonly DeviceAddress[])[] = [];
  /** Packets that are still taken. */
  room = Number.POSITIVE_INFINITY;
  /** What `configure` fails with, if anything. */
  failure: Error | null = null;
  #listener: ((batch: readonly Packet[]) => void) | null = null;

  constructor(options: { readonly offloads: boolean }) {
    this.offloads = options.offloads;
  }

  configure(addresses: readonly DeviceAddress[]): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    this.configurations.push(addresses);
    return Promise.resolve();
  }

  listen(listener: (batch: readonly Packet[]) => void): void {
    this.#listener = listener;
  }

  write(batch: readonly Packet[]): number {
    const taken = batch.slice(0, this.room);
    this.room -= taken.length;
    for (const { bytes, offload } of taken) this.written.push({ bytes: bytes.slice(), offload });
    return taken.length;
  }

  /** The operating system sends; as with a real device the memory is reused after the call. */
  send(...packets: readonly Packet[]): void {
    const batch = packets.map(({ bytes, offload }) => ({ bytes: bytes.slice(), offload }));
    this.#listener?.(batch);
    for (const { bytes } of batch) bytes.fill(0xa5);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
