/**
 * Yamux with two changes at the place where it writes.
 *
 * Frames of one turn of the event loop leave as one message: one encryption and one system call
 * instead of one each. Opening and closing streams makes many frames of a few bytes, and the calls
 * took a sixth of the time of a join.
 *
 * A connection that closes under it does no harm: Yamux announces a new stream in a microtask of its
 * own and answers frames that arrive during a close; both write to a connection that may no longer
 * take anything, and the error of the first is nobody's to catch and would end the process.
 */
import './polyfill.js';
import {
  StreamStateError,
  type MessageStream,
  type StreamMuxer,
  type StreamMuxerFactory,
} from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';
import { Uint8ArrayList } from 'uint8arraylist';

type MuxerOptions = Parameters<typeof yamux>[0];

/** What every muxer of libp2p has, though the interface does not name it. */
interface SendingMuxer {
  send(data: Uint8Array | Uint8ArrayList): boolean;
}

/** One Noise message carries this much (Noise, section 3), so that waiting for more saves nothing. */
const GATHERED_BYTES_MAX = 65_535 - 16;

/** Gathers the frames of one muxer. */
class Gatherer {
  readonly #connection: MessageStream;
  readonly #send: SendingMuxer['send'];
  #frames: Uint8ArrayList | null = null;

  constructor(connection: MessageStream, send: SendingMuxer['send']) {
    this.#connection = connection;
    this.#send = send;
  }

  /** False: the connection takes no more for now. The muxer tells its streams when that changes. */
  send(data: Uint8Array | Uint8ArrayList): boolean {
    if (this.#frames === null) {
      this.#frames = new Uint8ArrayList();
      setImmediate(() => {
        this.flush();
      });
    }
    this.#frames.append(data);
    if (this.#frames.byteLength >= GATHERED_BYTES_MAX) this.flush();
    return !this.#connection.writableNeedsDrain;
  }

  flush(): void {
    const frames = this.#frames;
    if (frames === null) return;
    this.#frames = null;
    try {
      this.#send(frames);
    } catch (error) {
      // Nothing is lost: the close that is under way ends every stream with an error of its own.
      if (!(error instanceof StreamStateError)) throw error;
    }
  }
}

function gatherFrames(muxer: StreamMuxer, connection: MessageStream): StreamMuxer {
  const sending = muxer as unknown as SendingMuxer;
  const gatherer = new Gatherer(connection, sending.send.bind(muxer));
  sending.send = (data): boolean => gatherer.send(data);
  // The connection closes right after its muxer: the last frames must be gone by then.
  const close = muxer.close.bind(muxer);
  muxer.close = async (options): Promise<void> => {
    try {
      await close(options);
    } finally {
      gatherer.flush();
    }
  };
  const abort = muxer.abort.bind(muxer);
  muxer.abort = (error): void => {
    try {
      abort(error);
    } finally {
      gatherer.flush();
    }
  };
  return muxer;
}

/** A factory for libp2p's `streamMuxers`. */
export function gatheringYamux(options: MuxerOptions): () => StreamMuxerFactory {
  const create = yamux(options);
  return () => {
    const factory = create();
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection): StreamMuxer =>
        gatherFrames(factory.createStreamMuxer(connection), connection),
    };
  };
}
