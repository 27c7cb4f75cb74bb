/**
 * Canonical CBOR (RFC 8949, section 4.2: shortest heads, definite lengths, sorted keys) judged by a
 * zod schema. A value has exactly one encoding, so bytes may be signed, hashed and compared; whatever
 * would encode differently from how it arrived is refused.
 *
 * Supported: safe integers, finite floats, text, byte strings, booleans, null, arrays and maps with
 * text keys. Not supported: tags, `undefined`, NaN, integers beyond 2^53.
 */
import { decode, encode } from 'cborg';
import * as z from 'zod';
import { assert, messageOf } from '../base/errors.js';
import { equalBytes } from '../base/bytes.js';
import { ok, reject, type Result } from '../base/result.js';

/**
 * `too-large`: longer than the codec allows; `malformed`: no supported CBOR item, or bytes after it;
 * `not-canonical`: a valid item in another form than the only one accepted; `wrong-shape`: not what
 * the schema asks for.
 */
export type DecodeErrorCode = 'too-large' | 'malformed' | 'not-canonical' | 'wrong-shape';

export interface Codec<Value> {
  /** Fails an assertion when `value` does not fit the schema or the limit: a bug of the caller. */
  encode(value: Value): Uint8Array;
  /** Never throws. The value shares no memory with `bytes`. */
  decode(bytes: Uint8Array): Result<Value, DecodeErrorCode>;
}

/** Deepest nesting of arrays and maps; our messages use 5, and recursion below must stay bounded. */
const DEPTH_MAX = 16;
/** Longest text of a schema complaint that is passed on: it may quote keys a peer chose. */
const DETAIL_CHARS_MAX = 120;

const MAJOR_NEGATIVE = 1;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const MAJOR_MAP = 5;
const MAJOR_TAG = 6;
const MAJOR_SIMPLE = 7;

/** Least argument that needs a head of 1, 2, 4 and 8 extra bytes. */
const LEAST_ARGUMENTS = [24, 0x100, 0x1_0000, 0x1_0000_0000] as const;

/** `__proto__` in ASCII, the one key that is no plain data to JavaScript. */
const PROTO_KEY = Uint8Array.of(0x5f, 0x5f, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x5f, 0x5f);

const ENCODE_OPTIONS = { ignoreUndefinedProperties: true } as const;
const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
} as const;

/**
 * A codec for `schema`, which must not transform what it accepts (input and output type are one).
 *
 * @param limits `bytesMax`: longest encoding, checked before anything is parsed.
 */
export function codec<Value>(
  schema: z.ZodType<Value, Value>,
  limits: { readonly bytesMax: number },
): Codec<Value> {
  return {
    encode(value) {
      const parsed = schema.safeParse(value);
      assert(parsed.success, `the value to encode has the wrong shape: ${complaint(parsed.error)}`);
      // The parsed value is sent rather than the given one: it holds no fields the schema ignores.
      const bytes = encode(parsed.data, ENCODE_OPTIONS);
      assert(bytes.length <= limits.bytesMax, `the encoding exceeds ${String(limits.bytesMax)} B`);
      return bytes;
    },
    decode(bytes) {
      if (bytes.length > limits.bytesMax) {
        return reject('too-large', `more than ${String(limits.bytesMax)} bytes`);
      }
      const item = decodeItem(bytes);
      if (!item.ok) return item;
      const parsed = schema.safeParse(item.value);
      if (!parsed.success) return reject('wrong-shape', complaint(parsed.error));
      // A schema that drops unknown fields would let one value have many encodings.
      if (!equalBytes(encode(parsed.data, ENCODE_OPTIONS), bytes)) {
        return reject('wrong-shape', 'fields that do not belong there');
      }
      return ok(parsed.data);
    },
  };
}

/** Schema of a byte string of exactly `length` bytes, or of at most `max`. */
export function bytes(size: number | { readonly max: number }): z.ZodType<Uint8Array, Uint8Array> {
  return z.custom<Uint8Array>(
    (value) =>
      value instanceof Uint8Array &&
      (typeof size === 'number' ? value.length === size : value.length <= size.max),
    typeof size === 'number'
      ? `expected ${String(size)} bytes`
      : `expected at most ${String(size.max)} bytes`,
  );
}

/**
 * Schema of a text of at most `max` UTF-16 units that survives UTF-8: a lone surrogate or a leading
 * byte order mark would come back as another text.
 */
export function text(max: number): z.ZodType<string, string> {
  return z
    .string()
    .max(max)
    .regex(/^(?!\uFEFF)\P{Surrogate}*$/u);
}

/** Schema of an integer from 0 to `max`. */
export function uint(max: number): z.ZodType<number, number> {
  return z.int().min(0).max(max);
}

function decodeItem(bytes: Uint8Array): Result<unknown, DecodeErrorCode> {
  const fault = scan(bytes);
  if (fault !== null) return reject(fault.code, fault.detail);
  let value: unknown;
  try {
    value = decode(bytes, DECODE_OPTIONS);
  } catch (error) {
    return reject('malformed', messageOf(error).slice(0, DETAIL_CHARS_MAX));
  }
  // Catches what the scan leaves: key order, invalid UTF-8, floats that are integers or too wide.
  if (!equalBytes(encode(value), bytes)) {
    return reject('not-canonical', 'encodes to other bytes than it came as');
  }
  return ok(value);
}

interface Fault {
  readonly code: 'malformed' | 'not-canonical';
  readonly detail: string;
}

interface Head {
  readonly major: number;
  /** Value, length or count, by major type; rounded beyond 2^53. */
  readonly argument: number;
  readonly next: number;
}

/** An array or map whose items are still being read. */
interface Open {
  remaining: number;
  readonly isMap: boolean;
}

/**
 * Walks the heads without recursion or allocation by declared sizes, so that the decoder behind it
 * never meets deep nesting or a count larger than the input. Null when nothing is wrong.
 */
function scan(bytes: Uint8Array): Fault | null {
  const open: Open[] = [];
  let offset = 0;
  do {
    const head = readHead(bytes, offset);
    if ('code' in head) return head;
    const parent = open.at(-1);
    if (parent !== undefined) {
      const fault = parent.isMap && parent.remaining % 2 === 0 ? keyFault(bytes, head) : null;
      if (fault !== null) return fault;
      parent.remaining -= 1;
    }
    offset = head.next;
    if (head.major === MAJOR_BYTES || head.major === MAJOR_TEXT) {
      if (head.argument > bytes.length - offset) return malformed('cut off');
      offset += head.argument;
    } else if (head.major === MAJOR_ARRAY || head.major === MAJOR_MAP) {
      const isMap = head.major === MAJOR_MAP;
      if (open.length === DEPTH_MAX) return malformed('nested too deep');
      // Counts need no check: every item takes a byte at least, so a false one is cut off soon.
      open.push({ remaining: isMap ? head.argument * 2 : head.argument, isMap });
    } else if (head.major === MAJOR_TAG) {
      return malformed('tags are not supported');
    }
    while (open.at(-1)?.remaining === 0) open.pop();
  } while (open.length > 0);
  return offset === bytes.length ? null : malformed('bytes after the end');
}

function readHead(bytes: Uint8Array, offset: number): Head | Fault {
  const first = bytes[offset];
  if (first === undefined) return malformed('cut off');
  const major = first >> 5;
  const info = first & 0x1f;
  if (info < 24) return { major, argument: info, next: offset + 1 };
  if (info === 31 && major > MAJOR_NEGATIVE && major < MAJOR_TAG) {
    return { code: 'not-canonical', detail: 'indefinite length' };
  }
  const sizeClass = info - 24;
  const least = LEAST_ARGUMENTS[sizeClass];
  if (least === undefined) return malformed('reserved head');
  const next = offset + 1 + (1 << sizeClass);
  if (next > bytes.length) return malformed('cut off');
  let argument = 0;
  for (const byte of bytes.subarray(offset + 1, next)) argument = argument * 256 + byte;
  // For major type 7 these bytes are a float, whose width is checked by encoding it again.
  if (argument < least && major !== MAJOR_SIMPLE) {
    return { code: 'not-canonical', detail: 'longer than necessary' };
  }
  return { major, argument, next };
}

/** Keys that are no text have no place in a plain object; `__proto__` must never become one. */
function keyFault(bytes: Uint8Array, head: Head): Fault | null {
  if (head.major !== MAJOR_TEXT) return malformed('a map key that is no text');
  const key = bytes.subarray(head.next, head.next + head.argument);
  return equalBytes(key, PROTO_KEY) ? malformed('a forbidden map key') : null;
}

function malformed(detail: string): Fault {
  return { code: 'malformed', detail };
}

/** The first thing a schema dislikes: where and what kind, without quoting values. */
function complaint(error: z.ZodError | undefined): string {
  const issue = error?.issues[0];
  if (issue === undefined) return 'unknown';
  const where = issue.path.map(String).join('.');
  return `${issue.code}${where === '' ? '' : ` at ${where}`}`.slice(0, DETAIL_CHARS_MAX);
}
