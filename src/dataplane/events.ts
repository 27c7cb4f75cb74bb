/** Hands what an engine reports to the node. */
import { packetMemory } from '../../overlay/batch/packet-memory.js';
import { VNET_HEADER_BYTES } from '../../overlay/batch/split.js';
import { decodeVnetHeader } from '../io/linux/virtio.js';
import {
  isTcp,
  TCP_CHECKSUM_OFFSET,
  transportOffset,
  UDP_CHECKSUM_OFFSET,
} from '../../overlay/batch/transport.js';
import type { DataPlaneEvents } from '../../overlay/link/data-plane.js';
import type { Offload, Packet } from '../../overlay/ports.js';
import type { EngineEvent } from './engine/engine-parts.js';

export const SILENT_EVENTS: DataPlaneEvents = {
  unrouted: () => undefined,
  received: () => undefined,
  control: () => undefined,
  pathChanged: () => undefined,
  rebound: () => undefined,
  keysFreed: () => undefined,
  rekeyDue: () => undefined,
  echoed: () => undefined,
  socketFailed: () => undefined,
  failed: () => undefined,
};

export function handUp(event: EngineEvent, events: DataPlaneEvents): void {
  switch (event.kind) {
    case 'unrouted':
      events.unrouted(event.packets.flatMap(toPacket));
      return;
    case 'received':
      events.received(event.link, [
        { bytes: event.packet, offload: event.checksumOpen ? openChecksum(event.packet) : null },
      ]);
      return;
    case 'control':
      events.control(event.link, event.message);
      return;
    case 'path-changed':
      events.pathChanged(event.link, event.path, event.state);
      return;
    case 'rebound':
      events.rebound(event.link, event.path, event.remote);
      return;
    case 'keys-freed':
      events.keysFreed(event.link, event.localIndexes);
      return;
    case 'rekey-due':
      events.rekeyDue(event.link);
      return;
    case 'echoed':
      events.echoed(event.link, event.token, event.path, event.rttUs);
      return;
    case 'socket-failed':
      events.socketFailed(event.socket, event.reason);
  }
}

/** A packet after its `virtio_net_hdr`; none if the header is impossible. */
function toPacket(raw: Uint8Array): Packet[] {
  const bytes = raw.subarray(VNET_HEADER_BYTES);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const offload = decodeVnetHeader(view, VNET_HEADER_BYTES, bytes.length);
  return offload.ok ? [{ bytes, offload: offload.value }] : [];
}

/** TCP and UDP alone have checksums that stay open. */
function openChecksum(packet: Uint8Array): Offload {
  const memory = packetMemory(packet);
  return {
    gsoType: 0,
    needsChecksum: true,
    headerBytes: 0,
    segmentBytes: 0,
    checksumStart: transportOffset(memory, 0, packet.length),
    checksumOffset: isTcp(memory, 0) ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET,
  };
}
