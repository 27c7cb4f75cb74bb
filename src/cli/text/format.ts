/** Values as people read them. Nothing here knows what they mean. */

/** The last characters of a peer id tell peers apart; the first are the same for all of them. */
const PEER_ID_TAIL_CHARS = 8;

/**
 * Text without control characters. Names and messages come from other machines, and a terminal
 * obeys escape sequences whoever sent them; bidirectional overrides could make one name look
 * like another.
 */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

export function shortPeerId(peerId: string): string {
  return `…${clean(peerId).slice(-PEER_ID_TAIL_CHARS)}`;
}

/** A name if there is one, else the recognisable part of the peer id. */
export function peerLabel(peer: { readonly name: string | null; readonly peerId: string }): string {
  return peer.name === null ? shortPeerId(peer.peerId) : clean(peer.name);
}

/** `0.31 ms`, `12.1 ms`, `1250 ms`; `-` if unknown. */
export function formatMs(ms: number | null): string {
  if (ms === null) return '-';
  return `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** `0.4 s` below a minute, then `5 m 12 s`, `3 h 5 m`, `2 d 4 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${String(Number(seconds.toFixed(1)))} s`;
  const whole = Math.round(seconds);
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  let rest = whole;
  const parts: string[] = [];
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${String(count)} ${unit}`);
  }
  return parts.join(' ');
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** At most three digits before the point, and two that matter. */
function siText(amount: number, unit: string): string {
  let value = amount;
  let power = 0;
  while (value >= 999.5 && power < PREFIXES.length - 1) {
    value /= 1000;
    power++;
  }
  const digits = power > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${PREFIXES[power] ?? ''}${unit}`;
}

/** SI: `950 B`, `1.5 kB`, `20 MB`. */
export function formatBytes(bytes: number): string {
  return siText(bytes, 'B');
}

/** Bits per second: `950 b/s`, `1.5 kb/s`, `20 Mb/s`; `-` if unknown. */
export function formatRate(bps: number | null): string {
  return bps === null ? '-' : siText(bps, 'b/s');
}

/** A share of one as `0.5 %`. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/**
 * Where a path ends, as people write it: `192.168.1.5:4242` or `[fd00::1]:4242` for a multiaddr, which
 * names the peer over again; the relay's address for one through a relay. Other text stays as it is.
 */
export function formatEndpoint(text: string): string {
  const parts = /^\/ip([46])\/([^/]+)\/(?:tcp|udp)\/(\d+)(\/.*)?$/.exec(text);
  if (parts === null) return text === '' ? '-' : clean(text);
  const [, family, address = '', port = '', rest = ''] = parts;
  const endpoint = `${family === '6' ? `[${address}]` : address}:${port}`;
  return clean(rest.includes('/p2p-circuit') ? `relay ${endpoint}` : endpoint);
}

/** `1 peer`, `2 peers`. */
export function count(amount: number, noun: string): string {
  return `${String(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

/** How far off an instant is: `in 23 h 59 m`, `2 m ago`; `never` for null. */
export function formatExpiry(iso: string | null, nowMs: number): string {
  if (iso === null) return 'never';
  const seconds = (Date.parse(iso) - nowMs) / 1000;
  if (Number.isNaN(seconds)) return clean(iso);
  return seconds >= 0 ? `in ${formatSeconds(seconds)}` : `${formatSeconds(-seconds)} ago`;
}
