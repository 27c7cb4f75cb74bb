/**
 * Durations (`500ms 20s 10m 24h 7d`) and sizes (`1000MB`, `2GiB`) as people write them on a command
 * line or in a file. A unit is always required: a bare `30` is the classic way to wait 30 ms for 30 s.
 */
import { ok, reject, type Result } from '../../overlay/base/result.js';

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** SI and IEC units; `MB` is 10^6 as disks are sold, `MiB` is 2^20. */
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Longest number worth reading; more digits are a paste accident. */
const QUANTITY = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]{1,3})$/i;

function quantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = QUANTITY.exec(text.trim());
  const factor = Object.entries(units).find(([unit]) => unit === match?.[2]?.toLowerCase())?.[1];
  if (match?.[1] === undefined || factor === undefined) return null;
  const value = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(value) ? value : null;
}

/** Whole milliseconds of a duration such as `20s`; the detail of a rejection can follow a field's name. */
export function parseDuration(text: string): Result<number, 'bad-duration'> {
  const ms = quantity(text, MS_PER_UNIT);
  if (ms === null)
    return reject('bad-duration', `'${text}' is no duration like 500ms, 20s, 10m, 24h or 7d`);
  return ok(ms);
}

/** Whole bytes of a size such as `1000MB`. */
export function parseSize(text: string): Result<number, 'bad-size'> {
  const bytes = quantity(text, BYTES_PER_UNIT);
  if (bytes === null) return reject('bad-size', `'${text}' is no size like 500kB, 1000MB or 2GiB`);
  return ok(bytes);
}
