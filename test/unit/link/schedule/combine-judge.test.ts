/**
 * Goal: bulk ends up where it measures best, trials are rare, and nothing is tried that cannot win.
 * Method: a world that tells the goodput of each set of paths, so that each run of the clock is one
 * epoch's worth of evidence. Sets are masks: 0b01 is path 0, 0b11 both.
 */
import { expect } from 'chai';
import { CombineJudge } from '../../../../overlay/link/schedule/combine-judge.js';
import { pathView, type Writable } from '../../../support/schedule/path-views.js';

const STEP_US = 10_000;
const PACKET_BITS = 12_000;

class World {
  readonly judge = new CombineJudge();
  readonly paths: Writable[];
  nowUs = 0;
  #owedBits = 0;

  constructor(paths: Writable[]) {
    this.paths = paths;
  }

  /** Runs on; returns the share of time that each set was in use. */
  run(seconds: number, goodputBps: (mask: number) => number): Map<number, number> {
    const steps = Math.round((seconds * 1e6) / STEP_US);
    const used = new Map<number, number>();
    for (let step = 0; step < steps; step++) {
      this.nowUs += STEP_US;
      this.judge.update(this.paths, 0, this.nowUs);
      const { choice, learning } = this.judge;
      this.#owedBits += (goodputBps(choice) * STEP_US) / 1e6;
      for (; this.#owedBits > 0; this.#owedBits -= PACKET_BITS) {
        this.judge.sent(PACKET_BITS, choice | learning, 1);
      }
      used.set(choice, (used.get(choice) ?? 0) + 1 / steps);
    }
    return used;
  }
}

const BOTH = 0b11;
const two = (): Writable[] => [pathView(0), pathView(1, { rateBps: 20e6 })];
const sum = (mask: number): number => [0, 50e6, 20e6, 70e6][mask] ?? 0;
/** Both together are worse than the better one. */
const loses = (mask: number): number => [0, 48e6, 20e6, 30e6][mask] ?? 0;

describe('CombineJudge', () => {
  it('begins on the path that promises most, and adds the other when it is known', () => {
    const world = new World(two());
    world.run(0.02, sum);
    expect(world.judge.choice).to.equal(0b01);
    expect(world.judge.learning).to.equal(0b10);
    world.run(0.2, sum);
    expect(world.judge.choice).to.equal(BOTH);
    expect(world.judge.learning).to.equal(0);
  });

  it('never leaves a combination that gives more than any path could', () => {
    const world = new World(two());
    world.run(1, sum);
    expect([...world.run(120, sum).keys()]).to.deep.equal([BOTH]);
  });

  it('does not add what was seen to lose', () => {
    const world = new World(two());
    world.run(0.02, sum);
    world.paths[1]!.lossRate = 0.02;
    expect([...world.run(60, sum).keys()]).to.deep.equal([0b01]);
  });

  it('learns again whether a path that lost has become better', () => {
    const world = new World(two());
    world.run(0.02, sum);
    world.paths[1]!.lossRate = 0.02;
    world.run(5, sum);
    world.paths[1]!.lossRate = 0;
    world.run(90, sum);
    expect(world.judge.choice).to.equal(BOTH);
  });

  it('takes the single path where the set measures worse than that promises', () => {
    const world = new World(two());
    world.run(15, loses);
    expect(world.judge.choice).to.equal(0b01);
  });

  it('spends a few per cent on trials once it has found the best', () => {
    const world = new World(two());
    world.run(15, loses);
    expect(world.run(600, loses).get(0b01)).to.be.greaterThan(0.95);
  });

  it('returns to combining when that has become better', () => {
    const world = new World(two());
    world.run(15, (mask) => (mask === BOTH ? 36e6 : loses(mask)));
    expect(world.judge.choice).to.equal(0b01);
    world.run(900, (mask) => (mask === BOTH ? 68e6 : loses(mask)));
    expect(world.judge.choice).to.equal(BOTH);
  });

  it('leaves within a second a path that becomes slower than another', () => {
    const short = { rateBps: 40e6, minRttUs: 10_000, lossRate: 0.001 };
    const world = new World([pathView(0), pathView(1, short)]);
    const reach = (mask: number): number =>
      Math.max(...world.paths.map((path) => ((mask >> path.id) & 1) * path.rateBps)) * 0.97;
    world.run(20, reach);
    expect(world.judge.choice).to.equal(0b01);
    world.paths[0]!.rateBps = 10e6;
    world.run(1, reach);
    expect(world.judge.choice).to.equal(0b10);
  });

  it('reacts within seconds when what it uses collapses', () => {
    const world = new World(two());
    world.run(30, sum);
    expect(world.judge.choice).to.equal(BOTH);
    world.run(5, (mask) => (mask === BOTH ? 5e6 : sum(mask)));
    expect(world.judge.choice).to.equal(0b01);
  });

  it('does not swing between two that are alike', () => {
    const world = new World([pathView(0), pathView(1)]);
    let noise = 0;
    const used = world.run(300, () => 40e6 + 2e6 * Math.sin(noise++));
    expect(Math.max(...used.values())).to.be.greaterThan(0.9);
  });

  it('spreads over the paths without loss, and leaves the lossy one out', () => {
    const world = new World([pathView(0), pathView(1), pathView(2, { lossRate: 0.02 })]);
    world.run(5, (mask) => (mask === 0b011 ? 95e6 : mask === 0b111 ? 20e6 : 49e6));
    expect(world.judge.choice).to.equal(0b011);
  });

  it('takes a lossy path for many flows that it does not take for one', () => {
    const paths = (): Writable[] => [
      pathView(0, { lossRate: 0.005 }),
      pathView(1, { rateBps: 20e6 }),
    ];
    const one = new World(paths());
    one.run(5, sum);
    expect(one.judge.choice & 0b01).to.equal(0);
    const judge = new CombineJudge();
    const view = paths();
    for (let step = 1; step < 500; step++) {
      judge.update(view, 0, step * STEP_US);
      for (let bucket = 0; bucket < 40; bucket++) {
        judge.sent(PACKET_BITS, judge.choice | judge.learning, bucket);
      }
    }
    expect(judge.choice & 0b01).to.equal(0b01);
  });

  it('judges nothing by traffic that fills nothing', () => {
    const world = new World(two());
    world.run(10, () => 100e3);
    const [mask] = world.run(60, () => 100e3).keys();
    expect(world.judge.choices.scoreBps(mask!)).to.be.NaN;
  });

  it('learns paths whose rate is unknown', () => {
    const unknown = { rateBps: 0, isRateKnown: false };
    const world = new World([pathView(0, unknown), pathView(1, unknown)]);
    world.run(0.02, () => 5e6);
    expect(world.judge.learning).to.not.equal(0);
    for (const path of world.paths) Object.assign(path, { rateBps: 50e6, isRateKnown: true });
    world.run(2, sum);
    expect(world.judge.choice).to.equal(BOTH);
  });

  it('keeps what is left of its set when paths come or go, and forgets what they gave', () => {
    const world = new World([pathView(0), pathView(1), pathView(2)]);
    world.run(10, () => 150e6);
    expect(world.judge.choice).to.equal(0b111);
    world.paths[1]!.state = 'dead';
    world.run(STEP_US / 1e6, () => 100e6);
    expect(world.judge.choice).to.equal(0b101);
    expect(world.judge.choices.scoreBps(0b101)).to.be.NaN;
    world.paths[1]!.state = 'active';
    world.run(STEP_US / 1e6, () => 100e6);
    expect(world.judge.choice).to.equal(0b101);
    world.run(1, () => 150e6);
    expect(world.judge.choice).to.equal(0b111);
  });
});
