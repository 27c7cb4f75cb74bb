/** The Internet checksum (RFC 1071). */
import { read16 } from './packet.js';

/** Sum of the 16-bit words of `length` bytes, an odd last byte padded with zero; not folded. */
export function sum16(bytes: Uint8Array, offset: number, length: number): number {
  let sum = 0;
  const even = offset + (length & ~1);
  for (let index = offset; index < even; index += 2) sum += read16(bytes, index);
  if ((length & 1) === 1) sum += (bytes[even] ?? 0) << 8;
  return sum;
}

/** Folds a sum into 16 bits, end-around carry included. */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 65_536);
  return folded;
}

/** The value for the checksum field over `sum`. */
export function checksumOf(sum: number): number {
  return ~fold(sum) & 0xffff;
}
