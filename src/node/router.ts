/**
 * Moves packets between the device and the peers: finds who holds a destination, lets packets wait
 * a little for that, and lets in only what a peer may send: from its own address to ours.
 */
import type { PeerId } from '../../overlay/base/peer-id.js';
import {
  formatAddress4,
  formatAddress6,
  parseSubnet4,
  subnet4Contains,
  type Subnet4,
} from '../../overlay/identity/addresses.js';
import { echoReply } from '../../overlay/ip/echo.js';
import {
  destination4,
  destination6,
  ipVersion,
  source4,
  source6,
} from '../../overlay/ip/packet.js';
import { offloadFits, segment } from '../../overlay/ip/segment.js';
import type { Clock, Gate, Packet, TunDevice } from '../../overlay/ports.js';
import type { Cards } from './cards.js';
import type { Drops } from './drops.js';
import type { NodeIdentity } from './identity.js';
import type { Links } from './links.js';
import type { Multipath } from './multipath/multipath.js';

/** Destinations that packets wait for, packets for each, and how long. */
const WAITING_DESTINATIONS_MAX = 256;
const WAITING_PACKETS_MAX = 32;
/** Bytes of all packets that wait: super-packets are a thousand times as large as the smallest. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
const WAITING_MS = 5_000;
/** Routes kept in the fast table; they are forgotten whenever any member changes its address. */
const ROUTES_MAX = 8_192;
/** A peer that sends from an unknown address is asked for its card again, at most this often. */
const REGREET_PAUSE_MS = 1_000;

export interface RouterParts {
  readonly identity: NodeIdentity;
  readonly cards: Cards;
  readonly links: Links;
  /** Makes a link to a peer that packets are for; null: there are only tcp paths. */
  readonly multipath: Pick<Multipath, 'wanted' | 'send'> | null;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly drops: Drops;
  readonly device: TunDevice | null;
  /** Finds who holds an IPv4 or IPv6 address; null if nobody does. */
  readonly resolve: (address: string) => Promise<PeerId | null>;
  /** Asks a peer for its card again. */
  readonly regreet: (peer: PeerId) => void;
  /** Own IPv4 address at present. */
  readonly address4: () => string | null;
}

interface Waiting {
  readonly packets: Packet[];
  readonly sinceMs: number;
}

export class Router {
  readonly #parts: RouterParts;
  readonly #subnet: Subnet4;
  /** First six bytes of the network's IPv6 addresses, as hexadecimal digits. */
  readonly #prefix6: string;
  readonly #own6: string;
  readonly #routes4 = new Map<number, PeerId>();
  readonly #routes6 = new Map<string, PeerId>();
  readonly #waiting = new Map<string, Waiting>();
  #waitingBytes = 0;
  readonly #regreeted = new Map<PeerId, number>();

  constructor(parts: RouterParts) {
    this.#parts = parts;
    const subnet = parseSubnet4(parts.identity.genesis.subnet4);
    if (!subnet.ok) throw new Error(subnet.detail);
    this.#subnet = subnet.value;
    this.#own6 = key6(parts.identity.address6);
    this.#prefix6 = this.#own6.slice(0, 12);
  }

  start(): void {
    this.#parts.device?.listen((batch) => {
      this.fromDevice(batch);
    });
  }

  /** Some member's addresses changed: routes are looked up anew. */
  forgetRoutes(): void {
    this.#routes4.clear();
    this.#routes6.clear();
  }

  fromDevice(batch: readonly Packet[]): void {
    // Runs of packets to one peer stay together, so that they leave in one write.
    let runPeer: PeerId | null = null;
    let run: Packet[] = [];
    const flush = (): void => {
      if (runPeer !== null && run.length > 0) this.#toPeer(runPeer, run);
      run = [];
    };
    for (const packet of batch) {
      const peer = this.#routeOf(packet);
      if (peer === null) continue;
      if (peer !== runPeer) {
        flush();
        runPeer = peer;
      }
      run.push(packet);
    }
    flush();
  }

  fromPeer(peer: PeerId, batch: readonly Packet[]): void {
    const { gate, drops, device } = this.#parts;
    if (gate.trust(peer) !== 'member') {
      drops.count('untrusted', batch.length);
      return;
    }
    const accepted = batch.filter((packet) => this.#admits(peer, packet));
    if (accepted.length === 0) return;
    if (device === null) {
      for (const packet of accepted) this.#answerEcho(peer, packet);
      return;
    }
    const packets = device.offloads ? accepted : accepted.flatMap((packet) => segment(packet));
    const taken = device.write(packets);
    if (taken < packets.length) drops.count('device-full', packets.length - taken);
  }

  /** The peer to send a packet to; null if it was dropped or waits. */
  #routeOf(packet: Packet): PeerId | null {
    const { drops } = this.#parts;
    const { bytes } = packet;
    switch (ipVersion(bytes)) {
      case 4: {
        const destination = destination4(bytes);
        const known = this.#routes4.get(destination);
        if (known !== undefined) return known;
        return this.#lookup4(destination, packet);
      }
      case 6: {
        const destination = destination6(bytes);
        const known = this.#routes6.get(destination);
        if (known !== undefined) return known;
        return this.#lookup6(destination, packet);
      }
      default:
        drops.count('malformed');
        return null;
    }
  }

  #lookup4(destination: number, packet: Packet): PeerId | null {
    const { cards, drops } = this.#parts;
    if (destination >>> 28 === 14 || destination === 0xffff_ffff) {
      drops.count('multicast');
      return null;
    }
    if (!subnet4Contains(this.#subnet, destination)) {
      drops.count('not-overlay');
      return null;
    }
    const address = formatAddress4(destination);
    if (!this.#parts.identity.pool.contains(address)) {
      drops.count('multicast');
      return null;
    }
    const holder = cards.holderOfAddress4(address);
    if (holder === null) return this.#wait(address, packet);
    if (this.#routes4.size >= ROUTES_MAX) this.#routes4.clear();
    this.#routes4.set(destination, holder);
    return holder;
  }

  #lookup6(destination: string, packet: Packet): PeerId | null {
    const { cards, drops } = this.#parts;
    if (destination.startsWith('ff')) {
      drops.count('multicast');
      return null;
    }
    if (!destination.startsWith(this.#prefix6)) {
      drops.count('not-overlay');
      return null;
    }
    const address = textOf6(destination);
    const holder = cards.holderOfAddress6(address);
    if (holder === null) return this.#wait(address, packet);
    if (this.#routes6.size >= ROUTES_MAX) this.#routes6.clear();
    this.#routes6.set(destination, holder);
    return holder;
  }

  /** Keeps the packet while its destination is looked up. */
  #wait(address: string, packet: Packet): null {
    const { clock, drops } = this.#parts;
    const waiting = this.#waiting.get(address);
    const isFull =
      this.#waitingBytes + packet.bytes.length > WAITING_BYTES_MAX ||
      (waiting === undefined
        ? this.#waiting.size >= WAITING_DESTINATIONS_MAX
        : waiting.packets.length >= WAITING_PACKETS_MAX);
    if (isFull) {
      drops.count('waiting-full');
      return null;
    }
    this.#waitingBytes += packet.bytes.length;
    if (waiting !== undefined) {
      waiting.packets.push(copyOf(packet));
      return null;
    }
    const fresh: Waiting = { packets: [copyOf(packet)], sinceMs: clock.now() };
    this.#waiting.set(address, fresh);
    void this.#resolve(address, fresh);
    return null;
  }

  async #resolve(address: string, waiting: Waiting): Promise<void> {
    const { clock, drops, resolve } = this.#parts;
    let peer: PeerId | null = null;
    try {
      peer = await resolve(address);
    } catch {
      // Cancelled, as at the end of a run: the same as not found.
    }
    this.#waiting.delete(address);
    for (const packet of waiting.packets) this.#waitingBytes -= packet.bytes.length;
    const late = clock.now() - waiting.sinceMs > WAITING_MS;
    if (peer === null || late) drops.count('unresolved', waiting.packets.length);
    else this.#toPeer(peer, waiting.packets);
  }

  #toPeer(peer: PeerId, batch: readonly Packet[]): void {
    const { cards, links, gate, drops, identity } = this.#parts;
    if (peer === identity.self) return;
    if (gate.trust(peer) === 'denied') {
      drops.count('untrusted', batch.length);
      return;
    }
    const { multipath, device } = this.#parts;
    // With a device, what may go by a link never comes here.
    if (device === null && multipath?.send(peer, batch) === true) return;
    multipath?.wanted(peer);
    const takesOffloads = cards.get(peer)?.offloads === true;
    const packets = takesOffloads ? batch : this.#segmented(batch);
    if (packets.length > 0) links.to(peer).send(packets);
  }

  #segmented(batch: readonly Packet[]): Packet[] {
    return batch.flatMap((packet) => {
      if (offloadFits(packet)) return segment(packet);
      this.#parts.drops.count('malformed');
      return [];
    });
  }

  /** Whether `peer` may send this: a sound packet, from an address of its own, to one of ours. */
  #admits(peer: PeerId, packet: Packet): boolean {
    const { drops } = this.#parts;
    const version = ipVersion(packet.bytes);
    if (version === 0 || !offloadFits(packet)) {
      drops.count('malformed');
      return false;
    }
    const { cards } = this.#parts;
    const card = cards.get(peer);
    // An address that two members show is the one's alone.
    const isOwn =
      version === 4
        ? cards.holderOfAddress4(formatAddress4(source4(packet.bytes))) === peer
        : card !== null && key6(card.address6) === source6(packet.bytes);
    if (!isOwn) {
      drops.count('spoofed-source');
      this.#regreet(peer);
      return false;
    }
    const isOurs =
      version === 4
        ? formatAddress4(destination4(packet.bytes)) === this.#parts.address4()
        : destination6(packet.bytes) === this.#own6;
    if (!isOurs) drops.count('not-for-us');
    return isOurs;
  }

  /** Its address may have changed a moment ago; asking costs little and is bounded. */
  #regreet(peer: PeerId): void {
    const { clock, regreet } = this.#parts;
    const nowMs = clock.now();
    const lastMs = this.#regreeted.get(peer) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - lastMs < REGREET_PAUSE_MS) return;
    if (this.#regreeted.size >= ROUTES_MAX) this.#regreeted.clear();
    this.#regreeted.set(peer, nowMs);
    regreet(peer);
  }

  #answerEcho(peer: PeerId, packet: Packet): void {
    const reply = echoReply(packet.bytes);
    if (reply === null) this.#parts.drops.count('no-device');
    else this.#toPeer(peer, [{ bytes: reply, offload: null }]);
  }
}

/** The device reuses its memory, so what has to wait is copied. */
function copyOf(packet: Packet): Packet {
  return { bytes: packet.bytes.slice(), offload: packet.offload };
}

/** 32 hexadecimal digits of an IPv6 address in text form. */
function key6(address: string): string {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join('');
}

function textOf6(key: string): string {
  const bytes = new Uint8Array(16);
  for (let index = 0; index < 16; index++) {
    bytes[index] = Number.parseInt(key.slice(index * 2, index * 2 + 2), 16);
  }
  return formatAddress6(bytes);
}
