/**
 * The text form of the identity key: `overlay-identity-1 <64 hex digits of seed> <8 of checksum>`. The
 * checksum matters because every 32 bytes are a valid Ed25519 seed: a flipped bit would otherwise
 * silently make the machine somebody else.
 */
import { createHash } from 'node:crypto';
import { ok, reject, type Result } from '../../../overlay/base/result.js';

export const SEED_BYTES = 32;
const HEADER = 'overlay-identity-1';
const CHECKSUM_DIGITS = 8;
const LINE = /^overlay-identity-1 ([0-9a-f]{64}) ([0-9a-f]{8})\n?$/;

function checksum(seed: Uint8Array): string {
  return createHash('sha256').update(HEADER).update(seed).digest('hex').slice(0, CHECKSUM_DIGITS);
}

/** @param seed 32 bytes. */
export function formatIdentityKey(seed: Uint8Array): string {
  return `${HEADER} ${Buffer.from(seed).toString('hex')} ${checksum(seed)}\n`;
}

/** The 32-byte seed in the text of a key file. */
export function parseIdentityKey(content: string): Result<Uint8Array, 'corrupt'> {
  const match = LINE.exec(content);
  if (match?.[1] === undefined) return reject('corrupt', 'it is not an identity key');
  const seed = new Uint8Array(Buffer.from(match[1], 'hex'));
  if (match[2] !== checksum(seed)) return reject('corrupt', 'its checksum does not match');
  return ok(seed);
}
