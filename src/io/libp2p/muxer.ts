/**
 * Yamux, made safe against connections that close under it. It announces a new stream in a microtask
 * of its own and answers frames that arrive during a close; both write to a connection that may no
 * longer take anything, and the error of the first is nobody's to catch and would end the process.
 */
import { StreamStateError, type StreamMuxer, type StreamMuxerFactory } from '@libp2p/interface';
import { yamux } from '@libp2p/yamux';

type MuxerOptions = Parameters<typeof yamux>[0];

/** What every muxer of libp2p has, though the interface does not name it. */
interface SendingMuxer {
  send(data: Uint8Array): boolean;
}

/**
 * Nothing is lost by not sending: the close of the connection, which is under way, ends every stream
 * with an error of its own. `false` tells a writer to wait, and the close wakes it.
 */
function dropWhenClosed(muxer: StreamMuxer): void {
  const sending = muxer as unknown as SendingMuxer;
  const send = sending.send.bind(muxer);
  sending.send = (data): boolean => {
    try {
      return send(data);
    } catch (error) {
      if (error instanceof StreamStateError) return false;
      throw error;
    }
  };
}

/** A factory for libp2p's `streamMuxers`. */
export function safeYamux(options: MuxerOptions): () => StreamMuxerFactory {
  const create = yamux(options);
  return () => {
    const factory = create();
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection): StreamMuxer => {
        const muxer = factory.createStreamMuxer(connection);
        dropWhenClosed(muxer);
        return muxer;
      },
    };
  };
}
