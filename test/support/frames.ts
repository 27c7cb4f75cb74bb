/** Collects what a frame reader hands up, copied, since its memory may be reused. */
import type { Packet } from '../../overlay/ports.js';
import type { FrameSink } from '../../overlay/wire/frame.js';

export class CollectingSink implements FrameSink {
  readonly packets: Packet[] = [];
  readonly probes: Uint8Array[] = [];
  readonly echoes: Uint8Array[] = [];

  packet({ bytes, offload }: Packet): void {
    this.packets.push({ bytes: bytes.slice(), offload });
  }

  probe(token: Uint8Array): void {
    this.probes.push(token.slice());
  }

  echo(token: Uint8Array): void {
    this.echoes.push(token.slice());
  }
}
