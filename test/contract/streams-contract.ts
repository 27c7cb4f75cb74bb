/** Contract of the `Streams` port. */
import { expect } from 'chai';
import { Canceller } from '../../overlay/base/signal.js';
import { STREAM_BUFFER_BYTES_MAX, STREAM_HIGH_WATER_BYTES } from '../../overlay/host-limits.js';
import type { ByteStream } from '../../overlay/ports.js';
import {
  PATIENT,
  at,
  codeOf,
  eventually,
  pattern,
  sleep,
  star,
  type World,
  type WorldHost,
} from './world.js';

const CHUNK_BYTES = 64 << 10;

/** Reads everything that arrives on a stream. */
class Reader {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  drains = 0;
  ends = 0;
  #wake: () => void = () => undefined;

  constructor(stream: ByteStream) {
    stream.listen({
      data: (chunk) => {
        this.chunks.push(chunk.slice());
        this.bytes += chunk.length;
      },
      drained: () => {
        this.drains++;
        this.#wake();
      },
      closed: () => {
        this.ends++;
        this.#wake();
      },
    });
  }

  async drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  all(): Uint8Array {
    return Buffer.concat(this.chunks);
  }
}

/** Sends a pattern and keeps to backpressure; returns the most that was ever buffered. */
async function sendPattern(stream: ByteStream, reader: Reader, length: number): Promise<number> {
  let most = 0;
  for (let offset = 0; offset < length; offset += CHUNK_BYTES) {
    const chunk = pattern(Math.min(CHUNK_BYTES, length - offset), offset);
    const more = stream.send(chunk);
    most = Math.max(most, stream.bufferedBytes());
    if (!more) await reader.drained();
  }
  return most;
}

export function streamsContract(world: () => World): void {
  let opener: WorldHost;
  let acceptor: WorldHost;
  let accepted: ByteStream[];

  beforeEach(async () => {
    accepted = [];
    const hosts = await star(world(), 2, (host) => {
      host.streams.accept('link/1', (stream) => accepted.push(stream));
    });
    acceptor = at(hosts, 0);
    opener = at(hosts, 1);
  });

  async function open(): Promise<readonly [ByteStream, ByteStream]> {
    const stream = await opener.streams.open(acceptor.self, 'link/1', PATIENT);
    await eventually(() => {
      expect(accepted).to.have.length(1);
    });
    return [stream, at(accepted, 0)];
  }

  it('carries bytes both ways in order', async () => {
    const [near, far] = await open();
    const [nearReader, farReader] = [new Reader(near), new Reader(far)];
    expect(near.facts.peer).to.equal(acceptor.self);
    expect(far.facts.peer).to.equal(opener.self);
    for (let index = 0; index < 10; index++) {
      near.send(Uint8Array.of(index));
      far.send(Uint8Array.of(100 + index));
    }
    await eventually(() => {
      expect([...farReader.all()]).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(nearReader.bytes).to.equal(10);
    });
    expect(nearReader.all()[9]).to.equal(109);
  });

  it('does not alias the memory of the sender', async () => {
    const [near, far] = await open();
    const reader = new Reader(far);
    const chunk = Uint8Array.of(1, 2, 3);
    near.send(chunk.slice());
    await eventually(() => {
      expect([...reader.all()]).to.deep.equal([1, 2, 3]);
    });
  });

  it('holds the sender back, so that 10 MB each way at once need little memory', async () => {
    const [near, far] = await open();
    const [nearReader, farReader] = [new Reader(near), new Reader(far)];
    const length = 10_000_000;
    const most = await Promise.all([
      sendPattern(near, nearReader, length),
      sendPattern(far, farReader, length),
    ]);
    await eventually(() => {
      expect(nearReader.bytes).to.equal(length);
      expect(farReader.bytes).to.equal(length);
    });
    const whole = pattern(length);
    expect(Buffer.compare(nearReader.all(), whole)).to.equal(0);
    expect(Buffer.compare(farReader.all(), whole)).to.equal(0);
    for (const bytes of most) expect(bytes).to.be.at.most(STREAM_HIGH_WATER_BYTES + CHUNK_BYTES);
  });

  it('keeps what is sent before the other side listens, and no more than a window of it', async () => {
    const [near, far] = await open();
    const sender = new Reader(near);
    const length = 5_000_000;
    const sending = sendPattern(near, sender, length);
    await sleep(300);
    expect(near.bufferedBytes()).to.be.within(1, STREAM_HIGH_WATER_BYTES + CHUNK_BYTES);
    const reader = new Reader(far);
    await sending;
    await eventually(() => {
      expect(reader.bytes).to.equal(length);
    });
    expect(sender.drains).to.be.greaterThan(0);
    expect(Buffer.compare(reader.all(), pattern(length))).to.equal(0);
  });

  it('cuts off a sender that ignores backpressure', async () => {
    const [near] = await open();
    const sender = new Reader(near);
    const chunk = new Uint8Array(1 << 20);
    for (let sent = 0; sent <= STREAM_BUFFER_BYTES_MAX + (8 << 20); sent += chunk.length) {
      near.send(chunk);
    }
    await eventually(() => {
      expect(sender.ends).to.equal(1);
    });
    expect(near.send(chunk)).to.equal(false);
  });

  it('closes after everything has arrived, once on each side', async () => {
    const [near, far] = await open();
    const [nearReader, farReader] = [new Reader(near), new Reader(far)];
    const length = 700_000;
    void sendPattern(near, nearReader, length);
    await near.close();
    await eventually(() => {
      expect(farReader.ends).to.equal(1);
      expect(nearReader.ends).to.equal(1);
    });
    expect(farReader.bytes).to.equal(length);
    await near.close();
    far.abort();
    await sleep(50);
    expect([nearReader.ends, farReader.ends]).to.deep.equal([1, 1]);
  });

  it('ends on both sides when one aborts', async () => {
    const [near, far] = await open();
    const [nearReader, farReader] = [new Reader(near), new Reader(far)];
    near.abort();
    await eventually(() => {
      expect([nearReader.ends, farReader.ends]).to.deep.equal([1, 1]);
    });
  });

  it('tells a late listener that the stream has ended', async () => {
    const [near, far] = await open();
    far.abort();
    await sleep(100);
    const reader = new Reader(near);
    await eventually(() => {
      expect(reader.ends).to.equal(1);
    });
  });

  it('ends with its connection', async () => {
    const [near, far] = await open();
    const [nearReader, farReader] = [new Reader(near), new Reader(far)];
    await acceptor.swarm.hangUp(opener.self);
    await eventually(() => {
      expect([nearReader.ends, farReader.ends]).to.deep.equal([1, 1]);
    });
  });

  it('is refused for a protocol that nobody accepts', async () => {
    const stream = opener.streams.open(acceptor.self, 'other/1', PATIENT);
    expect(await codeOf(stream)).to.equal('refused');
  });

  it('gets through to members only, in either direction', async () => {
    acceptor.gate.set(opener.self, 'guest');
    expect(await codeOf(opener.streams.open(acceptor.self, 'link/1', PATIENT))).to.equal('refused');
    acceptor.gate.set(opener.self, 'member');
    opener.gate.set(acceptor.self, 'guest');
    expect(await codeOf(opener.streams.open(acceptor.self, 'link/1', PATIENT))).to.equal(
      'untrusted',
    );
    expect(accepted).to.deep.equal([]);
  });

  it('waits for a membership exchange that is under way', async () => {
    acceptor.gate.set(opener.self, 'unknown');
    const finish = acceptor.gate.exchange(opener.self);
    const stream = opener.streams.open(acceptor.self, 'link/1', PATIENT);
    await sleep(100);
    finish('member');
    expect((await stream).facts.peer).to.equal(acceptor.self);
  });

  it('cannot be opened to nobody, nor when cancelled', async () => {
    const stranger = await world().create();
    expect(await codeOf(opener.streams.open(stranger.self, 'link/1', PATIENT))).to.equal(
      'unreachable',
    );
    const canceller = new Canceller();
    canceller.abort('enough');
    const options = { ...PATIENT, signal: canceller.signal };
    const cancelled = opener.streams.open(acceptor.self, 'link/1', options);
    expect(await codeOf(cancelled)).to.equal('aborted');
  });
}
