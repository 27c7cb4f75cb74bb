/**
 * Raw handling of one-message streams. libp2p gives bytes without borders, silence instead of an
 * error when a stream was reset before it is read, and waits for ever without a signal; all of that
 * ends here. The rest of the host sees whole messages or a coded error.
 *
 * A message on the wire:
 *
 *     0               4
 *     +---------------+----------------
 *     | length (u32)  | body ...
 *     +---------------+----------------
 *
 * The body of a response begins with one status byte. Either side sends exactly one message.
 */
import './polyfill.js';
import type { Stream } from '@libp2p/interface';
import { pipe } from 'it-pipe';
import { CodedError } from '../../../overlay/base/errors.js';
import { concatBytes } from '../../../overlay/base/bytes.js';
import { STREAM_CLOSE_MS } from './limits.js';

export type FrameErrorCode =
  | 'frame-too-large' // announced more bytes than allowed
  | 'frame-cut-off' // the stream ended inside the message
  | 'frame-trailing'; // bytes after the message

/** First byte of every response. */
export const STATUS = { ok: 0, refused: 1, busy: 2, tooLarge: 3, untrusted: 4 } as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

const HEADER_BYTES = 4;
const FIRST_CAPACITY_BYTES = 1024;

type Chunk = Uint8Array | { subarray(): Uint8Array };

function encodeFrame(...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = new Uint8Array(HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, length);
  return concatBytes(header, ...parts);
}

/** Grows by doubling, so that neither a large announcement nor tiny chunks cost more than they carry. */
class Accumulator {
  #bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  length = 0;

  append(chunk: Uint8Array): void {
    const needed = this.length + chunk.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.length);
    this.length = needed;
  }

  u32(offset: number): number {
    return new DataView(this.#bytes.buffer).getUint32(offset);
  }

  from(offset: number): Uint8Array {
    return this.#bytes.slice(offset, this.length);
  }
}

/** Cuts one message out of a byte source and stops there, or at the first byte too many. */
async function takeFrame(source: AsyncIterable<Chunk>, bytesMax: number): Promise<Uint8Array> {
  const held = new Accumulator();
  for await (const chunk of source) {
    held.append(chunk.subarray());
    if (held.length < HEADER_BYTES) continue;
    const length = held.u32(0);
    if (length > bytesMax) {
      throw new CodedError<FrameErrorCode>(
        'frame-too-large',
        `a message of ${String(length)} bytes exceeds the limit of ${String(bytesMax)}`,
      );
    }
    if (held.length < HEADER_BYTES + length) continue;
    if (held.length > HEADER_BYTES + length) {
      throw new CodedError<FrameErrorCode>('frame-trailing', 'bytes after the end of the message');
    }
    return held.from(HEADER_BYTES);
  }
  throw new CodedError<FrameErrorCode>('frame-cut-off', 'the stream ended before the message did');
}

/**
 * Reads the only message of the other side.
 * @throws CodedError<FrameErrorCode>, or what the stream was reset with
 */
export async function readFrame(
  stream: Stream,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const onAbort = (): void => {
    // Ends the iteration below with an error: the iterator itself knows no signal.
    stream.abort(new Error('the operation was cancelled'));
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await pipe(stream, async (source) => await takeFrame(source, bytesMax));
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Sends the only message of this side and closes for writing. Resolves when it has left; rejects if
 * the other side resets the stream first.
 */
export async function writeFrame(
  stream: Stream,
  signal: AbortSignal,
  ...parts: readonly Uint8Array[]
): Promise<void> {
  stream.send(encodeFrame(...parts));
  await stream.close({ signal });
}

/** Drops whatever the other side still sends, so that it cannot pile up while a handler works. */
export async function stopReading(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.readStatus === 'readable' || stream.readStatus === 'paused') {
    await stream.closeRead({ signal });
  }
}

/** Cuts a stream that is over on this side if the other side does not end it in time. */
export function expectClose(stream: Stream): void {
  if (stream.status !== 'open' && stream.status !== 'closing') return;
  const timer = setTimeout(() => {
    stream.abort(new Error('the other side did not close the stream'));
  }, STREAM_CLOSE_MS);
  timer.unref();
  stream.addEventListener('close', () => {
    clearTimeout(timer);
  });
}
