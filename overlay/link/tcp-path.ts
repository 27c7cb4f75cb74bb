/**
 * The path of transport `tcp`: byte streams of the host, encrypted between the two ends, direct or
 * relayed. Each side sends on a stream it opened itself and receives on those the other opened, so
 * two sides that start at once need no agreement.
 */
import { CodedError, messageOf } from '../base/errors.js';
import type { PeerId } from '../base/peer-id.js';
import { sleep } from '../base/sleep.js';
import { Canceller, type Signal } from '../base/signal.js';
import type { ByteStream, Clock, Logger, Packet, Streams } from '../ports.js';
import { FrameReader, probeFrame, PROBE_BYTES } from '../wire/frame.js';
import type { Path, PathEvents, PathSnapshot, PathState, Tally } from './path.js';
import { SendQueue } from './send-queue.js';

export const PACKET_STREAM_PROTOCOL = 'packets/1';

const OPEN_TIMEOUT_MS = 10_000;
/** After a failed attempt packets are dropped for this long rather than dialled for again. */
const REOPEN_PAUSE_MS = 1_000;
/** Streams accepted from one peer; more than one only while it moves to a better connection. */
const INBOUND_STREAMS_MAX = 3;
/** Probes that wait for their echo. */
const PROBES_MAX = 64;
/** Packets handed up at once at the most, so that one chunk cannot hold up the others for long. */
const BATCH_PACKETS_MAX = 256;
/** Weight of a new sample in the smoothed round-trip time. RFC 6298 section 2. */
const RTT_GAIN = 1 / 8;

interface Probe {
  readonly sentMs: number;
  readonly answered: (rttMs: number) => void;
}

export interface TcpPathParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: PathEvents;
}

export class TcpPath implements Path {
  readonly id: number;
  readonly peer: PeerId;
  readonly transport = 'tcp';
  readonly #parts: TcpPathParts;
  readonly #queue = new SendQueue();
  readonly #inbound = new Set<ByteStream>();
  readonly #probes = new Map<string, Probe>();
  readonly #life = new Canceller();
  readonly #tx: Tally = { packets: 0, bytes: 0 };
  readonly #rx: Tally = { packets: 0, bytes: 0 };
  readonly #dropped: Tally = { packets: 0, bytes: 0 };
  #outbound: ByteStream | null = null;
  #writable = false;
  #opening: Promise<void> | null = null;
  #reopenAtMs = 0;
  #probeCount = 0;
  #rttMs: number | null = null;

  constructor(id: number, peer: PeerId, parts: TcpPathParts) {
    this.id = id;
    this.peer = peer;
    this.#parts = parts;
  }

  snapshot(): PathSnapshot {
    const facts = this.#outbound?.facts ?? [...this.#inbound][0]?.facts;
    return {
      id: this.id,
      transport: this.transport,
      state: this.#state(),
      local: facts?.local ?? '',
      remote: facts?.remote ?? '',
      relay: facts?.relay ?? null,
      rttMs: this.#rttMs,
      tx: { ...this.#tx },
      rx: { ...this.#rx },
      dropped: { ...this.#dropped },
    };
  }

  send(batch: readonly Packet[]): void {
    if (!this.#mayOpen()) {
      for (const packet of batch) this.#drop(1, packet.bytes.length);
      return;
    }
    for (const packet of batch) {
      if (this.#queue.push(packet)) {
        this.#tx.packets += 1;
        this.#tx.bytes += packet.bytes.length;
      } else this.#drop(1, packet.bytes.length);
    }
    this.#flush();
  }

  async probe(timeoutMs: number, signal?: Signal): Promise<number> {
    const stop = new Canceller(signal);
    const token = new Uint8Array(PROBE_BYTES);
    new DataView(token.buffer).setFloat64(0, ++this.#probeCount);
    const key = String(this.#probeCount);
    try {
      return await new Promise<number>((resolve, reject) => {
        if (this.#probes.size >= PROBES_MAX || !this.#mayOpen()) {
          reject(new CodedError('unreachable', 'the path cannot carry a probe now'));
          return;
        }
        this.#probes.set(key, { sentMs: this.#parts.clock.now(), answered: resolve });
        this.#queue.pushFrame(probeFrame('probe', token));
        this.#flush();
        void sleep(this.#parts.clock, timeoutMs, stop.signal).then(() => {
          reject(new CodedError('timeout', `no echo within ${String(timeoutMs)} ms`));
        });
      });
    } finally {
      this.#probes.delete(key);
      stop.abort('done');
      stop.dispose();
    }
  }

  /** Takes a stream that the peer opened. */
  accept(stream: ByteStream): void {
    if (this.#life.signal.aborted) {
      stream.abort();
      return;
    }
    if (this.#inbound.size >= INBOUND_STREAMS_MAX) {
      const [oldest] = this.#inbound;
      oldest?.abort();
    }
    this.#inbound.add(stream);
    this.#receive(stream, () => {
      this.#inbound.delete(stream);
    });
    this.moveIfBetter(stream);
  }

  /** A direct connection appeared: a relayed stream is replaced, and the peer sees no gap. */
  moveIfBetter(candidate: { readonly facts: { readonly relay: PeerId | null } }): void {
    const current = this.#outbound;
    if (current?.facts.relay == null || candidate.facts.relay !== null) return;
    if (this.#opening !== null) return;
    this.#outbound = null;
    this.#writable = false;
    void current.close();
    this.#flush();
  }

  /** Opens the sending stream if there is none. */
  async open(): Promise<void> {
    if (this.#outbound !== null) return;
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = null;
    });
    await this.#opening;
  }

  close(): void {
    this.#life.abort('closed');
    this.#outbound?.abort();
    for (const stream of [...this.#inbound]) stream.abort();
    this.#lose();
  }

  #state(): PathState {
    if (this.#outbound !== null) return 'active';
    if (this.#opening !== null) return 'probing';
    if (this.#life.signal.aborted || this.#parts.clock.now() < this.#reopenAtMs) return 'dead';
    return 'standby';
  }

  #mayOpen(): boolean {
    if (this.#life.signal.aborted) return false;
    return this.#outbound !== null || this.#parts.clock.now() >= this.#reopenAtMs;
  }

  async #connect(): Promise<void> {
    const { streams, clock, logger } = this.#parts;
    try {
      const stream = await streams.open(this.peer, PACKET_STREAM_PROTOCOL, {
        timeoutMs: OPEN_TIMEOUT_MS,
        signal: this.#life.signal,
      });
      if (this.#life.signal.aborted) {
        stream.abort();
        return;
      }
      this.#outbound = stream;
      this.#writable = true;
      this.#receive(stream, () => {
        if (this.#outbound !== stream) return;
        this.#outbound = null;
        this.#writable = false;
        this.#lose();
      });
      this.#flush();
    } catch (error) {
      logger.debug('path not opened', { peer: this.peer, reason: messageOf(error) });
      this.#reopenAtMs = clock.now() + REOPEN_PAUSE_MS;
      this.#lose();
    }
  }

  /** Both directions are read on every stream: an echo may come back on the one the probe took. */
  #receive(stream: ByteStream, closed: () => void): void {
    const reader = new FrameReader();
    let faulty = false;
    let batch: Packet[] = [];
    const handUp = (): void => {
      if (batch.length === 0) return;
      const full = batch;
      batch = [];
      this.#parts.events.packets(this.peer, full);
    };
    const sink = {
      packet: (packet: Packet): void => {
        this.#rx.packets += 1;
        this.#rx.bytes += packet.bytes.length;
        batch.push(packet);
        if (batch.length >= BATCH_PACKETS_MAX) handUp();
      },
      probe: (token: Uint8Array): void => {
        if (!this.#mayOpen()) return;
        this.#queue.pushFrame(probeFrame('echo', token));
        this.#flush();
      },
      echo: (token: Uint8Array): void => {
        this.#answered(token);
      },
    };
    stream.listen({
      data: (chunk) => {
        // What was on its way when the fault was seen is no second misdeed.
        if (faulty) return;
        const fault = reader.push(chunk, sink);
        handUp();
        if (fault === null) return;
        faulty = true;
        this.#parts.events.misbehaved(this.peer, `packet stream: ${fault}`);
        stream.abort();
      },
      drained: () => {
        if (stream !== this.#outbound) return;
        this.#writable = true;
        this.#flush();
      },
      closed,
    });
  }

  #answered(token: Uint8Array): void {
    const key = String(new DataView(token.buffer, token.byteOffset, PROBE_BYTES).getFloat64(0));
    const probe = this.#probes.get(key);
    if (probe === undefined) return;
    const rttMs = this.#parts.clock.now() - probe.sentMs;
    this.#rttMs = this.#rttMs === null ? rttMs : this.#rttMs + RTT_GAIN * (rttMs - this.#rttMs);
    probe.answered(rttMs);
  }

  #flush(): void {
    const stream = this.#outbound;
    if (stream === null) {
      if (this.#queue.bytes > 0) void this.open();
      return;
    }
    while (this.#writable) {
      const chunk = this.#queue.shift();
      if (chunk === null) return;
      this.#writable = stream.send(chunk);
    }
  }

  /** What was queued for a stream that is gone will not arrive; the sender's own protocol repeats it. */
  #lose(): void {
    const lost = this.#queue.clear();
    this.#drop(lost.packets, lost.bytes);
    this.#tx.packets -= lost.packets;
    this.#tx.bytes -= lost.bytes;
  }

  #drop(packets: number, bytes: number): void {
    if (packets > 0) this.#parts.events.dropped(packets);
    this.#dropped.packets += packets;
    this.#dropped.bytes += bytes;
  }
}
