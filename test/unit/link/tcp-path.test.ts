/**
 * Goal: a path carries packets both ways, keeps its memory bounded whatever the stream does, counts
 * what it drops, and comes back after failures. Method: streams that the test opens, stalls and ends,
 * under a clock that it moves.
 */
import { expect } from 'chai';
import { CodedError, hasCode } from '../../../overlay/base/errors.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { QUEUED_BYTES_MAX } from '../../../overlay/link/send-queue.js';
import { PACKET_STREAM_PROTOCOL, TcpPath } from '../../../overlay/link/tcp-path.js';
import type { ByteStream, Packet, Streams } from '../../../overlay/ports.js';
import {
  FrameReader,
  packetFrameBytes,
  probeFrame,
  writePacketFrame,
} from '../../../overlay/wire/frame.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { FakeStream } from '../../support/fake-stream.js';
import { CollectingSink } from '../../support/frames.js';
import { peer } from '../../support/identity.js';
import { payloadOf, plain } from '../../support/packets.js';
import { SILENT } from '../../support/silent.js';

const OTHER = peer(2);
const RELAY = peer(3);

function streamBy(relay: typeof RELAY | null = null): FakeStream {
  return new FakeStream({
    peer: OTHER,
    local: '/ip4/192.0.2.1/tcp/1',
    remote: '/ip4/192.0.2.2/tcp/2',
    relay,
    direction: 'outbound',
  });
}

/** Opens what the test offers, in order; an error is thrown, and nothing offered hangs. */
class Offered implements Streams {
  readonly asked: string[] = [];
  readonly #offers: (FakeStream | Error)[];

  constructor(...offers: (FakeStream | Error)[]) {
    this.#offers = offers;
  }

  open(to: string, protocol: string): Promise<ByteStream> {
    this.asked.push(`${to} ${protocol}`);
    const offer = this.#offers.shift();
    if (offer instanceof Error) return Promise.reject(offer);
    return offer === undefined ? new Promise(() => undefined) : Promise.resolve(offer);
  }

  accept(): void {
    throw new Error('a path accepts nothing by itself');
  }
}

interface PathUnderTest {
  readonly path: TcpPath;
  readonly clock: ManualClock;
  readonly streams: Offered;
  readonly received: Packet[][];
  readonly misdeeds: string[];
}

function setUp(...offers: (FakeStream | Error)[]): PathUnderTest {
  const clock = new ManualClock();
  const streams = new Offered(...offers);
  const received: Packet[][] = [];
  const misdeeds: string[] = [];
  const path = new TcpPath(7, OTHER, {
    streams,
    clock,
    logger: SILENT,
    events: {
      packets: (from, batch) => {
        expect(from).to.equal(OTHER);
        received.push(batch.map(({ bytes, offload }) => ({ bytes: bytes.slice(), offload })));
      },
      dropped: () => undefined,
      misbehaved: (from, what) => misdeeds.push(`${from} ${what}`),
    },
  });
  return { path, clock, streams, received, misdeeds };
}

const unreachable = (): Error => new CodedError('unreachable', 'nobody there');

function frameOf(packet: Packet): Uint8Array {
  const frame = new Uint8Array(packetFrameBytes(packet));
  writePacketFrame(frame, 0, packet);
  return frame;
}

/** What the other side would make of everything sent. */
function read(stream: FakeStream): CollectingSink {
  const reader = new FrameReader();
  const sink = new CollectingSink();
  for (const chunk of stream.sent) expect(reader.push(chunk, sink)).to.equal(null);
  return sink;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (hasCode(error)) return error.code;
    throw error;
  }
  return 'none';
}

const some = [plain(payloadOf(100)), plain(payloadOf(1_400)), plain(payloadOf(65_535))];
const someBytes = 100 + 1_400 + 65_535;

describe('TcpPath sending', () => {
  it('opens a stream with the first packets and sends what came meanwhile, in order', async () => {
    const stream = streamBy();
    const { path, clock, streams } = setUp(stream);
    expect(path.snapshot()).to.include({ id: 7, transport: 'tcp', state: 'standby', local: '' });
    path.send(some.slice(0, 1));
    path.send(some.slice(1));
    expect(path.snapshot().state).to.equal('probing');
    await clock.advance(0);
    expect(streams.asked).to.deep.equal([`${OTHER} ${PACKET_STREAM_PROTOCOL}`]);
    expect(read(stream).packets).to.deep.equal(some);
    expect(path.snapshot()).to.deep.include({
      state: 'active',
      local: '/ip4/192.0.2.1/tcp/1',
      remote: '/ip4/192.0.2.2/tcp/2',
      relay: null,
      tx: { packets: 3, bytes: someBytes },
      dropped: { packets: 0, bytes: 0 },
    });
  });

  it('stops at a full stream, goes on when it has drained, and loses nothing of that', async () => {
    const stream = streamBy();
    const { path, clock } = setUp(stream);
    path.send(some.slice(0, 1));
    await clock.advance(0);
    stream.takes = false;
    path.send(some.slice(1, 2));
    expect(read(stream).packets).to.have.length(2);
    path.send(some.slice(2));
    path.send(some);
    expect(read(stream).packets).to.have.length(2);
    stream.drain();
    expect(read(stream).packets).to.deep.equal([...some, ...some]);
  });

  it('stops again when the stream fills while it drains', async () => {
    const stream = streamBy();
    const { path, clock } = setUp(stream);
    await path.open();
    stream.takes = false;
    for (let count = 0; count < 10; count++) path.send(some.slice(2));
    expect(stream.sent).to.have.length(1);
    stream.drain();
    expect(stream.sent.length).to.equal(10);
    await clock.advance(0);
    expect(read(stream).packets).to.have.length(10);
  });

  it('keeps at most its limit for a stalled stream, and counts each packet that found no room', async () => {
    const stream = streamBy();
    const { path } = setUp(stream);
    await path.open();
    stream.takes = false;
    const packet = plain(payloadOf(60_000));
    const offered = 200;
    for (let count = 0; count < offered; count++) path.send([packet]);
    const { tx, dropped } = path.snapshot();
    expect(tx.packets + dropped.packets).to.equal(offered);
    expect(tx.bytes).to.equal(tx.packets * 60_000);
    expect(dropped.bytes).to.equal(dropped.packets * 60_000);
    // One chunk went to the stream before it said that it is full.
    expect(tx.bytes).to.be.at.most(QUEUED_BYTES_MAX + 128 * 1_024);
    stream.drain();
    expect(read(stream).packets).to.have.length(tx.packets);
  });

  it('counts what was queued for a lost stream as dropped rather than sent', async () => {
    const stream = streamBy();
    const { path } = setUp(stream);
    await path.open();
    stream.takes = false;
    path.send(some.slice(0, 1));
    path.send(some.slice(1));
    stream.lose();
    const { tx, dropped, state } = path.snapshot();
    expect(tx).to.deep.equal({ packets: 1, bytes: 100 });
    expect(dropped).to.deep.equal({ packets: 2, bytes: someBytes - 100 });
    expect(state).to.equal('standby');
  });

  it('opens a new stream after a loss', async () => {
    const [first, second] = [streamBy(), streamBy()];
    const { path, clock, streams } = setUp(first, second);
    path.send(some);
    await clock.advance(0);
    first.lose();
    path.send(some);
    await clock.advance(0);
    expect(streams.asked).to.have.length(2);
    expect(read(second).packets).to.deep.equal(some);
  });

  it('drops for a second after a failed attempt rather than dialling for each packet', async () => {
    const stream = streamBy();
    const { path, clock, streams } = setUp(unreachable(), stream);
    path.send(some);
    await clock.advance(0);
    expect(path.snapshot()).to.deep.include({
      state: 'dead',
      tx: { packets: 0, bytes: 0 },
      dropped: { packets: 3, bytes: someBytes },
    });
    for (let count = 0; count < 50; count++) path.send(some);
    await clock.advance(999);
    expect(streams.asked).to.have.length(1);
    expect(path.snapshot().dropped.packets).to.equal(3 * 51);
    await clock.advance(1);
    expect(path.snapshot().state).to.equal('standby');
    path.send(some);
    await clock.advance(0);
    expect(read(stream).packets).to.deep.equal(some);
  });
});

describe('TcpPath receiving', () => {
  it('hands up packets of a chunk together, and those of other streams too', async () => {
    const outbound = streamBy();
    const inbound = streamBy();
    const { path, received } = setUp(outbound);
    await path.open();
    path.accept(inbound);
    inbound.receive(Buffer.concat(some.map(frameOf)));
    outbound.receive(frameOf(plain(payloadOf(5))));
    expect(received).to.deep.equal([some, [plain(payloadOf(5))]]);
    expect(path.snapshot().rx).to.deep.equal({ packets: 4, bytes: someBytes + 5 });
  });

  it('hands up no more than 256 packets at once', () => {
    const inbound = streamBy();
    const { path, received } = setUp();
    path.accept(inbound);
    inbound.receive(Buffer.concat(Array.from({ length: 600 }, () => frameOf(plain(payloadOf(3))))));
    expect(received.map((batch) => batch.length)).to.deep.equal([256, 256, 88]);
  });

  it('reports a fault once, ends that stream alone and hands up what came before', () => {
    const [bad, good] = [streamBy(), streamBy()];
    const { path, received, misdeeds } = setUp();
    path.accept(bad);
    path.accept(good);
    bad.receive(Buffer.concat([frameOf(plain(payloadOf(3))), Uint8Array.of(9, 0, 0, 0)]));
    bad.receive(Uint8Array.of(9, 0, 0, 0));
    bad.receive(frameOf(plain(payloadOf(3))));
    expect(misdeeds).to.deep.equal([`${OTHER} packet stream: unknown-type`]);
    expect(bad.ended).to.equal('aborted');
    good.receive(frameOf(plain(payloadOf(4))));
    expect(received).to.deep.equal([[plain(payloadOf(3))], [plain(payloadOf(4))]]);
  });

  it('keeps three inbound streams and ends the oldest for a fourth', () => {
    const inbound = Array.from({ length: 5 }, () => streamBy());
    const { path, received } = setUp();
    for (const stream of inbound) path.accept(stream);
    expect(inbound.map((stream) => stream.ended)).to.deep.equal([
      'aborted',
      'aborted',
      null,
      null,
      null,
    ]);
    inbound[2]?.lose();
    const another = streamBy();
    path.accept(another);
    expect(inbound.map((stream) => stream.ended)).to.deep.equal([
      'aborted',
      'aborted',
      'aborted',
      null,
      null,
    ]);
    another.receive(frameOf(plain(payloadOf(4))));
    expect(received).to.have.length(1);
  });

  it('answers a probe, and opens its own stream for that', async () => {
    const [inbound, outbound] = [streamBy(), streamBy()];
    const { path, clock } = setUp(outbound);
    path.accept(inbound);
    inbound.receive(probeFrame('probe', payloadOf(8)));
    await clock.advance(0);
    expect(read(outbound).echoes).to.deep.equal([payloadOf(8)]);
    expect(inbound.sent).to.have.length(0);
  });

  it('keeps echoes bounded when a peer probes faster than it reads', async () => {
    const [inbound, outbound] = [streamBy(), streamBy()];
    const { path } = setUp(outbound);
    await path.open();
    outbound.takes = false;
    path.accept(inbound);
    const flood = Buffer.concat(
      Array.from({ length: 1_000 }, () => probeFrame('probe', payloadOf(8))),
    );
    for (let count = 0; count < 200; count++) inbound.receive(flood);
    outbound.drain();
    const bytes = outbound.sent.reduce((sum, chunk) => sum + chunk.length, 0);
    expect(bytes).to.be.at.most(QUEUED_BYTES_MAX + 128 * 1_024);
    // Their loss is nobody's packet.
    expect(path.snapshot().dropped).to.deep.equal({ packets: 0, bytes: 0 });
  });
});

describe('TcpPath probes', () => {
  it('measures the time until the echo, on whatever stream that comes', async () => {
    const [outbound, inbound] = [streamBy(), streamBy()];
    const { path, clock } = setUp(outbound);
    path.accept(inbound);
    const first = path.probe(1_000);
    await clock.advance(40);
    inbound.receive(probeFrame('echo', read(outbound).probes[0] ?? new Uint8Array(8)));
    expect(await first).to.equal(40);
    expect(path.snapshot().rttMs).to.equal(40);
    const second = path.probe(1_000);
    await clock.advance(80);
    outbound.receive(probeFrame('echo', read(outbound).probes[1] ?? new Uint8Array(8)));
    expect(await second).to.equal(80);
    // RFC 6298: seven parts of the old value, one of the new.
    expect(path.snapshot().rttMs).to.equal(45);
  });

  it('times out, and an echo that comes later counts for nothing', async () => {
    const stream = streamBy();
    const { path, clock } = setUp(stream);
    const probe = codeOf(path.probe(500));
    await clock.advance(500);
    expect(await probe).to.equal('timeout');
    stream.receive(probeFrame('echo', read(stream).probes[0] ?? new Uint8Array(8)));
    expect(path.snapshot().rttMs).to.equal(null);
  });

  it('takes no echo of a probe that was never sent', async () => {
    const stream = streamBy();
    const { path, clock } = setUp(stream);
    const probe = codeOf(path.probe(500));
    await clock.advance(1);
    for (const token of [new Uint8Array(8), new Uint8Array(8).fill(0xff), payloadOf(8)]) {
      stream.receive(probeFrame('echo', token));
    }
    await clock.advance(499);
    expect(await probe).to.equal('timeout');
  });

  it('ends early when it is cancelled', async () => {
    const { path, clock } = setUp(streamBy());
    const cancel = new Canceller();
    const probe = codeOf(path.probe(60_000, cancel.signal));
    await clock.advance(10);
    cancel.abort('enough');
    expect(await clock.until(probe, 0)).to.equal('timeout');
  });

  it('is refused at once while the path is dead or closed', async () => {
    const { path, clock } = setUp(unreachable());
    path.send(some);
    await clock.advance(0);
    expect(await codeOf(path.probe(500))).to.equal('unreachable');
    await clock.advance(1_000);
    const probe = codeOf(path.probe(500));
    await clock.advance(500);
    expect(await probe).to.equal('timeout');
    path.close();
    expect(await codeOf(path.probe(500))).to.equal('unreachable');
  });

  it('allows 64 at a time', async () => {
    const { path, clock } = setUp(streamBy());
    const probes = Array.from({ length: 66 }, () => codeOf(path.probe(500)));
    await clock.advance(500);
    const codes = await Promise.all(probes);
    expect(codes.filter((code) => code === 'timeout')).to.have.length(64);
    expect(codes.slice(64)).to.deep.equal(['unreachable', 'unreachable']);
    const next = codeOf(path.probe(500));
    await clock.advance(500);
    expect(await next).to.equal('timeout');
  });
});

describe('TcpPath moving and closing', () => {
  it('replaces a relayed stream when a direct connection appears, without losing a packet', async () => {
    const [relayed, direct] = [streamBy(RELAY), streamBy()];
    const { path, clock } = setUp(relayed, direct);
    path.send(some.slice(0, 1));
    await clock.advance(0);
    expect(path.snapshot().relay).to.equal(RELAY);
    relayed.takes = false;
    path.send(some.slice(1, 2));
    path.send(some.slice(2));
    path.moveIfBetter(direct);
    expect(relayed.ended).to.equal('closed');
    await clock.advance(0);
    expect(read(relayed).packets).to.deep.equal(some.slice(0, 2));
    expect(read(direct).packets).to.deep.equal(some.slice(2));
    expect(path.snapshot()).to.deep.include({ relay: null, dropped: { packets: 0, bytes: 0 } });
  });

  it('moves when the peer comes by a direct stream', async () => {
    const [relayed, direct, inbound] = [streamBy(RELAY), streamBy(), streamBy()];
    const { path, clock } = setUp(relayed, direct);
    path.send(some);
    await clock.advance(0);
    path.accept(inbound);
    expect(relayed.ended).to.equal('closed');
    path.send(some);
    await clock.advance(0);
    expect(read(direct).packets).to.deep.equal(some);
  });

  it('stays where it is when the candidate is no better', async () => {
    for (const [current, candidate] of [
      [streamBy(), streamBy()],
      [streamBy(), streamBy(RELAY)],
      [streamBy(RELAY), streamBy(RELAY)],
    ] as const) {
      const { path, clock } = setUp(current);
      path.send(some);
      await clock.advance(0);
      path.moveIfBetter(candidate);
      expect(current.ended).to.equal(null);
    }
  });

  it('ends all streams when it is closed, drops what waits and opens nothing more', async () => {
    const [outbound, inbound] = [streamBy(), streamBy()];
    const { path, clock, streams } = setUp(outbound);
    path.accept(inbound);
    await path.open();
    outbound.takes = false;
    path.send(some.slice(0, 1));
    path.send(some.slice(1, 2));
    path.close();
    expect([outbound.ended, inbound.ended]).to.deep.equal(['aborted', 'aborted']);
    expect(path.snapshot()).to.deep.include({
      state: 'dead',
      tx: { packets: 1, bytes: 100 },
      dropped: { packets: 1, bytes: 1_400 },
    });
    path.send(some);
    const late = streamBy();
    path.accept(late);
    expect(late.ended).to.equal('aborted');
    expect(await codeOf(path.probe(100))).to.equal('unreachable');
    await clock.advance(5_000);
    expect(streams.asked).to.have.length(1);
    expect(path.snapshot().dropped).to.deep.equal({ packets: 4, bytes: 1_400 + someBytes });
  });

  it('ends a stream that opens after the path was closed', async () => {
    const stream = streamBy();
    const { path } = setUp(stream);
    const opening = path.open();
    path.close();
    await opening;
    expect(stream.ended).to.equal('aborted');
    expect(path.snapshot().state).to.equal('dead');
  });
});
