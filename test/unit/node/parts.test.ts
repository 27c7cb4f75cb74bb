/** The small parts of a node that need no others. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import { Canceller } from '../../../overlay/base/signal.js';
import { Roster } from '../../../overlay/peers/roster.js';
import type { Crypto, Packet, Streams, Swarm } from '../../../overlay/ports.js';
import { ManualClock } from '../../../sim/memory/manual-clock.js';
import { Addressing } from '../../../src/node/addressing.js';
import { cachingCrypto } from '../../../src/node/caching-crypto.js';
import { DROP_REASONS, Drops } from '../../../src/node/drops.js';
import { helloAnswerCodec, helloCodec } from '../../../src/node/hello.js';
import { Links, LINKS_MAX } from '../../../src/node/links.js';
import { TrustGate } from '../../../src/node/trust.js';
import { FakeStream } from '../../support/fake-stream.js';
import { seed } from '../../support/identity.js';
import { nodeCrypto } from '../../support/node-crypto.js';
import { payloadOf, plain } from '../../support/packets.js';
import { helloOf } from '../../support/rogue.js';
import { SILENT } from '../../support/silent.js';
import { TestDevice } from '../../support/test-device.js';
import { TestNetwork } from '../../support/test-network.js';

describe('cachingCrypto', () => {
  function counted(): { readonly crypto: Crypto; readonly counts: { verified: number } } {
    const counts = { verified: 0 };
    const crypto = cachingCrypto({
      ...nodeCrypto,
      verify: (publicKey, message, signature) => {
        counts.verified += 1;
        return nodeCrypto.verify(publicKey, message, signature);
      },
    });
    return { crypto, counts };
  }
  const { publicKey, secretKey } = nodeCrypto.keyPair(seed(1));
  const message = payloadOf(100);
  const signature = nodeCrypto.sign(secretKey, message);

  it('judges a good signature once, and a bad one each time', () => {
    const { crypto, counts } = counted();
    for (let time = 0; time < 5; time++) {
      expect(crypto.verify(publicKey, message, signature)).to.equal(true);
    }
    expect(counts.verified).to.equal(1);
    for (let time = 0; time < 5; time++) {
      expect(crypto.verify(publicKey, payloadOf(99), signature)).to.equal(false);
    }
    expect(counts.verified).to.equal(6);
  });

  it('says of anything what the crypto behind it says, also of shifted boundaries', () => {
    const { crypto } = counted();
    crypto.verify(publicKey, message, signature);
    const joined = new Uint8Array(Buffer.concat([publicKey, signature, message]));
    fc.assert(
      fc.property(fc.nat(joined.length), fc.nat(joined.length), (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const parts = [joined.slice(0, from), joined.slice(to), joined.slice(from, to)] as const;
        expect(crypto.verify(...parts)).to.equal(nodeCrypto.verify(...parts));
      }),
      { examples: [[32, 96]] },
    );
  });

  it('forgets the oldest of very many', () => {
    const yes: Crypto = { ...nodeCrypto, verify: () => true };
    let asked = 0;
    const crypto = cachingCrypto({
      ...yes,
      verify: () => {
        asked += 1;
        return true;
      },
    });
    const nth = (number: number): boolean => crypto.verify(publicKey, seed(number), signature);
    for (let number = 0; number < 8_193; number++) nth(number);
    expect(asked).to.equal(8_193);
    nth(8_192);
    expect(asked).to.equal(8_193);
    nth(0);
    expect(asked).to.equal(8_194);
  });
});

describe('Drops', () => {
  it('counts by reason, and shows what is above zero', () => {
    const drops = new Drops();
    expect(drops.facts()).to.deep.equal({});
    drops.count('malformed');
    drops.count('malformed', 4);
    drops.count('device-full', 2);
    expect(drops.facts()).to.deep.equal({ malformed: 5, 'device-full': 2 });
    expect(new Set(DROP_REASONS).size).to.equal(DROP_REASONS.length);
  });
});

describe('hello codecs', () => {
  const valid = helloOf(new TestNetwork().founder());

  it('never throw, whatever arrives', () => {
    const change = fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255) });
    const damaged = fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
      const copy = valid.slice();
      for (const { at, to } of changes) copy[at] = to;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), damaged), (bytes) => {
        for (const codec of [helloCodec, helloAnswerCodec]) {
          const decoded = codec.decode(bytes);
          if (decoded.ok) expect(codec.encode(decoded.value)).to.deep.equal(bytes);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('take every refusal for an answer, and for nothing else', () => {
    const refusal = helloAnswerCodec.encode(['refused', 'revoked', [payloadOf(300)]]);
    expect(helloAnswerCodec.decode(refusal).ok).to.equal(true);
    expect(helloCodec.decode(refusal).ok).to.equal(false);
  });
});

describe('Addressing', () => {
  const identity = new TestNetwork().founder();

  function addressing(device: TestDevice | null): {
    addressing: Addressing;
    configure: (address: string | null) => void;
    hold: (address: string | null) => void;
    clock: ManualClock;
    /** Ends the announcement that is under way. */
    heard: () => void;
    changes: () => number;
  } {
    let changes = 0;
    let held: string | null = null;
    const clock = new ManualClock();
    let heard: () => void = () => undefined;
    const announced = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const made = new Addressing({
      ...{ identity, device, clock, logger: SILENT, signal: new Canceller().signal },
      address4: () => held,
      announce: () => announced,
      changed: () => {
        changes += 1;
      },
    });
    const hold = (address: string | null): void => {
      held = address;
    };
    const configure = (address: string | null): void => {
      hold(address);
      made.configure();
    };
    return { addressing: made, configure, hold, clock, heard, changes: () => changes };
  }

  it('uses a new address when the others know it', async () => {
    const { addressing: made, hold, heard } = addressing(null);
    hold('10.77.0.1');
    const using = made.showThenUse();
    await made.settled();
    expect(made.configured).to.equal(null);
    heard();
    await using;
    await made.settled();
    expect(made.configured).to.equal('10.77.0.1');
  });

  it('does not wait for ever for a peer that does not listen', async () => {
    const { addressing: made, hold, clock } = addressing(null);
    hold('10.77.0.1');
    await clock.until(made.showThenUse(), 1_500);
    await made.settled();
    expect(made.configured).to.equal('10.77.0.1');
  });

  it('leaves the device alone when nothing changes', async () => {
    const device = new TestDevice({ offloads: false });
    const { addressing: made, configure } = addressing(device);
    for (const address of [null, null, '10.77.0.1', '10.77.0.1', null, '10.77.0.2']) {
      configure(address);
    }
    await made.settled();
    expect(device.configurations.map(([first]) => first?.address)).to.deep.equal([
      identity.address6,
      '10.77.0.1',
      identity.address6,
      '10.77.0.2',
    ]);
    expect(made.configured).to.equal('10.77.0.2');
  });

  it('tries again when the device refused before', async () => {
    const device = new TestDevice({ offloads: false });
    const { addressing: made, configure, changes } = addressing(device);
    device.failure = new Error('busy');
    configure('10.77.0.1');
    await made.settled();
    expect([made.configured, made.hindrance]).to.deep.equal([
      null,
      'the device does not take its address: busy',
    ]);
    device.failure = null;
    configure('10.77.0.1');
    await made.settled();
    expect([made.configured, made.hindrance, changes()]).to.deep.equal(['10.77.0.1', null, 2]);
  });

  it('needs no device', async () => {
    const { addressing: made, configure } = addressing(null);
    configure('10.77.0.1');
    await made.settled();
    expect(made.configured).to.equal('10.77.0.1');
    expect(made.addressedAtMs).to.equal(0);
  });
});

describe('Links', () => {
  function linksOf(): {
    readonly links: Links;
    readonly accept: (stream: FakeStream) => void;
    readonly received: Packet[];
    readonly roster: Roster;
  } {
    const clock = new ManualClock();
    const roster = new Roster({ graceMs: 1_000 });
    const gate = new TrustGate({ self: 'self' as PeerId, roster, clock, logger: SILENT });
    const received: Packet[] = [];
    let handler: (stream: FakeStream) => void = () => undefined;
    const streams: Streams = {
      open: () => new Promise(() => undefined),
      accept: (_protocol, accepts) => {
        handler = accepts;
      },
    };
    const links = new Links({
      ...{ streams, clock, gate, logger: SILENT },
      swarm: { watch: () => undefined } as unknown as Swarm,
      events: {
        packets: (_peer, batch) => received.push(...batch),
        dropped: () => undefined,
        misbehaved: () => undefined,
      },
    });
    links.start();
    const accept = (stream: FakeStream): void => {
      handler(stream);
    };
    return { links, accept, received, roster };
  }

  function streamOf(number: number): FakeStream {
    const other = `peer-${String(number)}` as PeerId;
    return new FakeStream({
      peer: other,
      local: '',
      remote: '',
      relay: null,
      direction: 'inbound',
    });
  }

  function meet(roster: Roster, peer: PeerId, trust: 'guest' | 'member'): void {
    roster.put({
      ...{ peer, trust, membership: new Uint8Array(), roles: [], connected: true },
      ...{ lastHeardMs: 0, settled: false, recalled: false },
    });
  }

  it('takes streams of members alone', () => {
    const { accept, received, roster } = linksOf();
    const [stranger, guest, member] = [streamOf(1), streamOf(2), streamOf(3)];
    meet(roster, guest.facts.peer, 'guest');
    meet(roster, member.facts.peer, 'member');
    for (const stream of [stranger, guest, member]) {
      accept(stream);
      stream.receive(Uint8Array.of(0, 0, 0, 1, 9));
    }
    expect([stranger.ended, guest.ended, member.ended]).to.deep.equal(['aborted', 'aborted', null]);
    expect(received).to.deep.equal([plain(Uint8Array.of(9))]);
  });

  it('lets nothing pass for who was cut off', () => {
    const { links, accept, roster } = linksOf();
    const stream = streamOf(1);
    meet(roster, stream.facts.peer, 'member');
    accept(stream);
    links.cut(stream.facts.peer);
    expect(stream.ended).to.equal('aborted');
    expect(links.find(stream.facts.peer)).to.equal(null);
  });

  it('keeps one path a peer and no more than its limit', () => {
    const { links } = linksOf();
    const first = 'peer-0' as PeerId;
    const path = links.to(first);
    expect(links.to(first)).to.equal(path);
    for (let number = 1; number <= LINKS_MAX; number++)
      links.to(`peer-${String(number)}` as PeerId);
    expect(links.find(first)).to.equal(null);
    expect(links.find(`peer-${String(LINKS_MAX)}` as PeerId)).not.to.equal(null);
    expect(path.snapshot().state).to.equal('dead');
  });

  it('ends all at the end', () => {
    const { links, accept, roster } = linksOf();
    const stream = streamOf(1);
    meet(roster, stream.facts.peer, 'member');
    accept(stream);
    links.close();
    expect(stream.ended).to.equal('aborted');
  });
});
