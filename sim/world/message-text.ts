/** A message in a few words: its protocol, its form, and its size. */
import type { SentMessage } from '../memory/parts.js';

/** CBOR (RFC 8949): an array of up to 23 elements whose first is a text of up to 23 bytes. */
const ARRAY = 0x80;
const TEXT = 0x60;
const SHORT_MAX = 23;

/** The word that names the form of a message of ours, or nothing. */
function formOf(payload: Uint8Array): string {
  const [array = 0, text = 0] = payload;
  if (array < ARRAY || array > ARRAY + SHORT_MAX) return '';
  if (text < TEXT || text > TEXT + SHORT_MAX) return '';
  return ` ${String.fromCharCode(...payload.subarray(2, 2 + text - TEXT))}`;
}

export function messageText({ protocol, kind, payload }: SentMessage): string {
  if (kind === 'dial') return 'dials';
  const arrow = kind === 'request' ? '' : ' answer:';
  return `${protocol}${arrow}${formOf(payload)} (${payload.length} bytes)`;
}
