/**
 * Goal: pacing, path size and liveness keep their promises. Method: hand-computed times; the path size against
 * all limits that a path can have.
 */
import { expect } from 'chai';
import { Liveness } from '../../../../overlay/link/datagram/liveness.js';
import { Pacer } from '../../../../overlay/link/datagram/pacer.js';
import { BASE_MTU_BYTES, PathMtu } from '../../../../overlay/link/datagram/path-mtu.js';

describe('Pacer', () => {
  it('holds a millisecond when fast, 64 KiB at most when slow, and two packets at least', () => {
    for (const [rateBps, rttUs, burstBytes] of [
      [5e9, 1_000, 625_000],
      [1e9, 1_000, 125_000],
      [1e9, 20_000, 125_000],
      [200e6, 20_000, 65_536],
      [40e6, 20_000, 20_000],
      [40e6, 1_000, 5_000],
      [1e6, 20_000, 3_000],
    ] as const) {
      const pacer = new Pacer(1_500);
      pacer.setRate(rateBps, rttUs, 1_500, 0);
      expect(pacer.bytesAllowed(1e9)).to.equal(burstBytes);
    }
  });

  it('lets through what the rate says, over any time', () => {
    const pacer = new Pacer(1_500);
    pacer.setRate(8e6, 40_000, 1_500, 0);
    pacer.sent(pacer.bytesAllowed(0));
    let sent = 0;
    for (let nowUs = 0; nowUs <= 1e6; nowUs += 700) {
      while (pacer.bytesAllowed(nowUs) >= 1_500) {
        pacer.sent(1_500);
        sent += 1_500;
      }
    }
    expect(sent).to.be.within(1e6 - 1_500, 1e6);
  });

  it('says when it is worth to come again', () => {
    const pacer = new Pacer(1_500);
    // 1 byte a microsecond; a millisecond of it is less than a packet.
    pacer.setRate(8e6, 40_000, 1_500, 0);
    pacer.sent(pacer.bytesAllowed(0));
    expect(pacer.nextUs(0)).to.equal(1_500);
    expect(pacer.bytesAllowed(2_500)).to.equal(2_500);
    expect(pacer.nextUs(2_500)).to.equal(2_500);
    pacer.sent(4_000);
    expect(pacer.bytesAllowed(2_500)).to.equal(0);
    expect(pacer.nextUs(2_500)).to.equal(5_500);
  });
});

/** Searches against a path that carries `limit`; returns the number of probes. */
function search(mtu: PathMtu, limit: number): number {
  let probes = 0;
  for (let bytes = mtu.probeBytes(0); bytes > 0; bytes = mtu.probeBytes(0)) {
    expect(bytes).to.be.greaterThan(mtu.mtuBytes);
    probes += 1;
    mtu.onProbeSent();
    expect(mtu.probeBytes(0)).to.equal(0);
    if (bytes <= limit) mtu.onProbeAcked(bytes, 0);
    else mtu.onProbeLost(bytes, 0);
  }
  expect(mtu.state).to.equal('complete');
  return probes;
}

describe('PathMtu', () => {
  it('starts at 1280 and takes the interface at once where it passes', () => {
    const mtu = new PathMtu(1_500);
    expect(mtu.mtuBytes).to.equal(BASE_MTU_BYTES);
    expect(search(mtu, 1_500)).to.equal(1);
    expect(mtu.mtuBytes).to.equal(1_500);
  });

  it('finds any limit within 16 bytes, in few probes', () => {
    for (const interfaceBytes of [1_280, 1_500, 9_000, 65_535]) {
      for (let limit = 1_280; limit <= interfaceBytes; limit += 97) {
        const mtu = new PathMtu(interfaceBytes);
        expect(search(mtu, limit)).to.be.at.most(60);
        expect(mtu.mtuBytes).to.be.within(Math.max(limit - 16, BASE_MTU_BYTES), limit);
      }
    }
  });

  it('finds common limits exactly', () => {
    for (const limit of [1_492, 1_420, 1_400]) {
      const mtu = new PathMtu(1_500);
      search(mtu, limit);
      expect(mtu.mtuBytes).to.equal(limit);
    }
  });

  it('notices a black hole, but takes overflowing queues for what they are', () => {
    const mtu = new PathMtu(1_500);
    search(mtu, 1_500);
    for (let number = 0; number < 7; number++) expect(mtu.onLost(number, 1_500, 0)).to.equal(false);
    mtu.onAcked(30, 1_500);
    // All sent before one that arrived.
    for (let number = 7; number < 30; number++) {
      expect(mtu.onLost(number, 1_500, 0)).to.equal(false);
    }
    for (let number = 31; number < 38; number++) mtu.onLost(number, 1_500, 0);
    mtu.onAcked(38, 1_000);
    expect(mtu.onLost(39, 1_500, 1_000)).to.equal(true);
    expect([mtu.state, mtu.mtuBytes, mtu.blackHoles]).to.deep.equal(['base', 1_280, 1]);
    expect(mtu.probeBytes(10_000_999)).to.equal(0);
    expect(mtu.nextUs).to.equal(10_001_000);
    expect(mtu.probeBytes(10_001_000)).to.equal(1_500);
  });

  it('tries again after ten minutes, and believes a router within reason', () => {
    const mtu = new PathMtu(1_500);
    search(mtu, 1_400);
    expect(mtu.probeBytes(599_999_999)).to.equal(0);
    expect(mtu.probeBytes(600_000_000)).to.equal(1_500);
    mtu.onTooBig(600, 0);
    expect(mtu.mtuBytes).to.equal(1_400);
    mtu.onTooBig(1_350, 0);
    expect(mtu.mtuBytes).to.equal(1_350);
    expect(mtu.probeBytes(0)).to.equal(0);
  });
});

describe('Liveness', () => {
  function alive(): Liveness {
    const liveness = new Liveness(0);
    liveness.setProbeTimeout(200_000);
    liveness.onAnswered(0, true);
    return liveness;
  }

  it('is dead three probe times after the first thing that was not answered', () => {
    const liveness = alive();
    liveness.onAsked(1_000_000);
    liveness.onAsked(1_100_000);
    expect(liveness.nextUs).to.equal(1_200_000);
    expect(liveness.onTimer(1_199_999)).to.equal(false);
    expect(liveness.onTimer(1_200_000)).to.equal(true);
    expect(liveness.state).to.equal('suspect');
    expect(liveness.onTimer(1_400_000)).to.equal(true);
    expect(liveness.onTimer(1_600_000)).to.equal(false);
    expect(liveness.state).to.equal('dead');
  });

  it('is within a second with a small round trip, and no slower than six at the worst', () => {
    for (const [timeoutUs, deadUs] of [
      [2_000, 265_000],
      [9_000_000, 6_000_000],
    ] as const) {
      const liveness = alive();
      liveness.setProbeTimeout(timeoutUs);
      liveness.onAsked(0);
      while (liveness.state !== 'dead') liveness.onTimer(liveness.nextUs);
      expect(liveness.nextUs).to.equal(deadUs + 500_000);
    }
  });

  it('asks every five seconds when idle, and soon again when that is not answered', () => {
    const liveness = alive();
    expect(liveness.nextUs).to.equal(5_000_000);
    expect(liveness.onTimer(5_000_000)).to.equal(true);
    expect(liveness.state).to.equal('active');
    liveness.onAsked(5_000_000);
    expect(liveness.nextUs).to.equal(5_200_000);
    liveness.onAnswered(5_050_000, true);
    expect(liveness.nextUs).to.equal(10_050_000);
  });

  it('is alive while answers come, however much is under way', () => {
    const liveness = alive();
    for (let nowUs = 0; nowUs < 5_000_000; nowUs += 150_000) {
      liveness.onAsked(nowUs);
      liveness.onAnswered(nowUs + 100_000, false);
      liveness.onTimer(nowUs + 149_999);
      expect(liveness.state).to.equal('active');
    }
  });

  it('asks a dead path ever more rarely, and takes it back at its first answer', () => {
    const liveness = new Liveness(0);
    const asked: number[] = [];
    while (liveness.nextUs < 100_000_000) {
      const nowUs = liveness.nextUs;
      if (liveness.onTimer(nowUs)) asked.push(nowUs / 1e6);
      liveness.onAsked(nowUs);
    }
    expect(asked).to.deep.equal([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5]);
    expect(liveness.state).to.equal('probing');
    liveness.onAnswered(99_000_000, true);
    expect(liveness.state).to.equal('active');
  });

  it('asks one that worked twice a second for half a minute, then more rarely', () => {
    const liveness = alive();
    liveness.onAsked(0);
    while (liveness.state !== 'dead') liveness.onTimer(liveness.nextUs);
    const diedUs = liveness.nextUs - 500_000;
    const asked: number[] = [];
    while (liveness.nextUs < diedUs + 60_000_000) {
      const nowUs = liveness.nextUs;
      if (liveness.onTimer(nowUs)) asked.push((nowUs - diedUs) / 1e6);
    }
    expect(asked.slice(0, 3)).to.deep.equal([0.5, 1, 1.5]);
    expect(asked.filter((atS) => atS < 30)).to.have.length(59);
    expect(asked.slice(-5)).to.deep.equal([30, 30.5, 31.5, 33.5, 37.5, 45.5].slice(-5));
  });
});
