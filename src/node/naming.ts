/** The host names a node tries to claim. */
import type { PeerId } from '../../overlay/base/peer-id.js';
import { HOST_NAME_CHARS_MAX, normalizeHostName } from '../../overlay/identity/names.js';

/** Tries `nas`, `nas-2` ... `nas-99`; then one that the peer id makes unique. */
const NUMBERED_MAX = 99;
const FALLBACK_NAME = 'node';

/** @param fixed name that the invite prescribes: then there is no other */
export function* nameCandidates(
  fixed: string | null,
  wanted: string,
  self: PeerId,
): Generator<string> {
  if (fixed !== null) {
    yield fixed;
    return;
  }
  const base = normalizeHostName(wanted) ?? FALLBACK_NAME;
  yield base;
  for (let number = 2; number <= NUMBERED_MAX; number++) yield withSuffix(base, String(number));
  yield withSuffix(base, self.slice(-8).toLowerCase());
}

function withSuffix(base: string, suffix: string): string {
  return `${base.slice(0, HOST_NAME_CHARS_MAX - suffix.length - 1).replace(/-+$/, '')}-${suffix}`;
}
