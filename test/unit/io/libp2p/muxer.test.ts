/**
 * Goal: a connection that closes at a bad moment harms nothing but its own streams. Method: two
 * muxers over a pair of connections in memory, and a close between two tasks of the muxer.
 */
import { expect } from 'chai';
import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { safeYamux } from '../../../../src/io/libp2p/muxer.js';

interface Side {
  readonly connection: MultiaddrConnection;
  readonly muxer: StreamMuxer;
}

function pair(): [Side, Side] {
  const factory = safeYamux({})();
  const sides = multiaddrConnectionPair().map((connection) => ({
    connection,
    muxer: factory.createStreamMuxer(connection),
  }));
  return sides as [Side, Side];
}

const closed = (stream: Stream): Promise<unknown> =>
  new Promise((resolve) => {
    stream.addEventListener('close', resolve, { once: true });
  });

describe('the multiplexer', () => {
  it('survives a connection that closes before a new stream was announced', async () => {
    const [local] = pair();
    // Announced in a microtask whose error nobody can catch: it would reach mocha as uncaught.
    const creating = local.muxer.createStream();
    const closing = local.connection.close();
    const stream = await creating;
    await closing;
    expect(stream.status).to.not.equal('open');
  });

  it('ends the streams of a connection that is closing, and takes their writes until then', async () => {
    const [local] = pair();
    const stream = await local.muxer.createStream();
    const ended = closed(stream);
    const closing = local.connection.close();
    expect(stream.send(new Uint8Array(10))).to.equal(false);
    await Promise.all([closing, ended]);
    expect(stream.status).to.not.equal('open');
  });

  it('carries data while the connection is open', async () => {
    const [local, remote] = pair();
    const arriving = new Promise<number>((resolve) => {
      remote.muxer.addEventListener('stream', (event) => {
        event.detail.addEventListener('message', (message) => {
          resolve(message.data.byteLength);
        });
      });
    });
    const stream = await local.muxer.createStream();
    stream.send(new Uint8Array(10));
    expect(await arriving).to.equal(10);
    await local.connection.close();
  });
});
