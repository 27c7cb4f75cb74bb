/**
 * Goal: few writes, none of them lost, and a connection that closes at a bad moment harms nothing but
 * its own streams. Method: two muxers over a pair of connections in memory, closed between two tasks
 * of the muxer.
 */
import { expect } from 'chai';
import type { MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { gatheringYamux } from '../../../../src/io/libp2p/muxer.js';

interface Side {
  readonly connection: MultiaddrConnection;
  readonly muxer: StreamMuxer;
}

function pair(): [Side, Side] {
  const factory = gatheringYamux({})();
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
    stream.send(new Uint8Array(10));
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

  it('writes the frames of one turn of the event loop as one message', async () => {
    const [local, remote] = pair();
    let messages = 0;
    remote.connection.addEventListener('message', () => messages++);
    // Streams that nobody takes are limited to a few.
    remote.muxer.addEventListener('stream', () => undefined);
    const streams = await Promise.all(Array.from({ length: 20 }, () => local.muxer.createStream()));
    for (const stream of streams) stream.send(new Uint8Array(10));
    await until(() => remote.muxer.streams.length === streams.length);
    expect(remote.muxer.streams).to.have.length(streams.length);
    expect(messages).to.be.lessThan(4);
    await local.connection.close();
  });

  it('has written everything when it is closed', async () => {
    const [local, remote] = pair();
    let bytes = 0;
    remote.muxer.addEventListener('stream', (event) => {
      event.detail.addEventListener('message', (message) => {
        bytes += message.data.byteLength;
      });
    });
    const stream = await local.muxer.createStream();
    stream.send(new Uint8Array(10));
    await stream.close();
    await local.muxer.close();
    await local.connection.close();
    await until(() => bytes === 10);
    expect(bytes).to.equal(10);
  });

  it('carries more than a buffer without loss', async () => {
    const [local, remote] = pair();
    const sizes = [1, 65_000, 200_000, 3, 1 << 20];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    let bytes = 0;
    remote.muxer.addEventListener('stream', (event) => {
      event.detail.addEventListener('message', (message) => {
        bytes += message.data.byteLength;
      });
    });
    const stream = await local.muxer.createStream();
    for (const size of sizes) {
      if (stream.send(new Uint8Array(size))) continue;
      await new Promise((resolve) => {
        stream.addEventListener('drain', resolve, { once: true });
      });
    }
    await until(() => bytes === total);
    expect(bytes).to.equal(total);
    await local.connection.close();
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; round < 1_000 && !holds(); round++)
    await new Promise((resolve) => setTimeout(resolve, 1));
}
