/** Counts the replies of a ping and says them the way ping(8) does. */
import { FACTS_SCHEMA, type PingReply } from '../../node/control.js';

export interface PingSummary {
  readonly schema: typeof FACTS_SCHEMA;
  readonly sent: number;
  readonly received: number;
  /** Null if nothing came back. */
  readonly rttMs: { readonly min: number; readonly avg: number; readonly max: number } | null;
  /** How the last answered probe went; null if none was. */
  readonly via: PingReply['via'] | null;
}

/** Microseconds are what the clock gives; more digits are noise. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

export class PingTally {
  #sent = 0;
  #received = 0;
  #sumMs = 0;
  #minMs = Infinity;
  #maxMs = 0;
  #via: PingReply['via'] | null = null;

  add(reply: PingReply): void {
    this.#sent++;
    if (reply.rttMs === null) return;
    this.#received++;
    this.#sumMs += reply.rttMs;
    this.#minMs = Math.min(this.#minMs, reply.rttMs);
    this.#maxMs = Math.max(this.#maxMs, reply.rttMs);
    this.#via = reply.via;
  }

  summary(): PingSummary {
    const received = this.#received;
    return {
      schema: FACTS_SCHEMA,
      sent: this.#sent,
      received,
      rttMs:
        received === 0
          ? null
          : {
              min: rounded(this.#minMs),
              avg: rounded(this.#sumMs / received),
              max: rounded(this.#maxMs),
            },
      via: this.#via,
    };
  }
}

/** `5 sent, 4 received, 20 % lost, time min/avg/max 0.21/0.3/0.48 ms`. */
export function summaryLine({ sent, received, rttMs }: PingSummary): string {
  const lost = sent === 0 ? 0 : Math.round(((sent - received) / sent) * 100);
  const counts = `${String(sent)} sent, ${String(received)} received, ${String(lost)} % lost`;
  if (rttMs === null) return counts;
  return `${counts}, time min/avg/max ${[rttMs.min, rttMs.avg, rttMs.max].join('/')} ms`;
}

/** Whom the replies come from, as far as it could be found out. */
export interface PingTarget {
  readonly label: string;
  readonly address: string | null;
}

/** `reply from nas (10.77.8.1): seq=1 time=0.31 ms direct path 1 tcp`. */
export function replyLine(reply: PingReply, target: PingTarget, relayLabel: string | null): string {
  if (reply.rttMs === null) return `no answer from ${target.label}: seq=${String(reply.sequence)}`;
  const from = target.address === null ? target.label : `${target.label} (${target.address})`;
  const how = reply.via === 'relay' ? `relay via ${relayLabel ?? 'unknown'}` : reply.via;
  const path = [
    reply.pathId === null ? '' : ` path ${String(reply.pathId)}`,
    reply.transport === null ? '' : ` ${reply.transport}`,
  ].join('');
  const time = reply.rttMs < 10 ? reply.rttMs.toFixed(2) : reply.rttMs.toFixed(1);
  return `reply from ${from}: seq=${String(reply.sequence)} time=${time} ms ${how}${path}`;
}
