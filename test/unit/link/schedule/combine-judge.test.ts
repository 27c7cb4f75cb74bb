/**
 * Goal: bulk ends up where it measures best, trials are rare, and nothing is tried that cannot win.
 * Method: a world that tells the goodput of each choice, so that each run of the clock is one epoch's
 * worth of evidence.
 */
import { expect } from 'chai';
import { CLEAN, COMBINED } from '../../../../overlay/link/schedule/choices.js';
import { CombineJudge } from '../../../../overlay/link/schedule/combine-judge.js';
import { pathView, type Writable } from '../../../support/schedule/path-views.js';

const STEP_US = 10_000;

class World {
  readonly judge = new CombineJudge();
  readonly paths: Writable[];
  nowUs = 0;

  constructor(paths: Writable[]) {
    this.paths = paths;
  }

  /** Runs on; returns the share of time that each choice was in use. */
  run(seconds: number, goodputBps: (choice: number) => number): Map<number, number> {
    const steps = (seconds * 1e6) / STEP_US;
    const used = new Map<number, number>();
    for (let step = 0; step < steps; step++) {
      this.nowUs += STEP_US;
      this.judge.sent((goodputBps(this.judge.choice) * STEP_US) / 1e6);
      this.judge.update(this.paths, 0, this.nowUs);
      used.set(this.judge.choice, (used.get(this.judge.choice) ?? 0) + 1 / steps);
    }
    return used;
  }
}

const two = (): Writable[] => [pathView(0), pathView(1, { rateBps: 20e6 })];

describe('CombineJudge', () => {
  it('never leaves a combination that gives more than any path could', () => {
    const world = new World(two());
    expect([
      ...world.run(120, (choice) => (choice === COMBINED ? 65e6 : 50e6)).keys(),
    ]).to.deep.equal([COMBINED]);
  });

  it('falls back to the single path that measures better', () => {
    const world = new World(two());
    const goodput = (choice: number): number => [48e6, 20e6][choice] ?? 30e6;
    world.run(10, goodput);
    expect(world.judge.choice).to.equal(0);
  });

  it('spends a few per cent on trials once it has found the best', () => {
    const world = new World(two());
    const goodput = (choice: number): number => [48e6, 20e6][choice] ?? 30e6;
    world.run(10, goodput);
    const used = world.run(600, goodput);
    expect(used.get(0)).to.be.greaterThan(0.95);
    // And it does try.
    expect(used.get(COMBINED)).to.be.greaterThan(0);
  });

  it('returns to combining when that has become better', () => {
    const world = new World(two());
    world.run(10, (choice) => [48e6, 20e6][choice] ?? 30e6);
    expect(world.judge.choice).to.equal(0);
    world.run(100, (choice) => [48e6, 20e6][choice] ?? 68e6);
    expect(world.judge.choice).to.equal(COMBINED);
  });

  it('reacts within seconds when what it uses collapses', () => {
    const world = new World(two());
    world.run(30, (choice) => [48e6, 20e6][choice] ?? 60e6);
    expect(world.judge.choice).to.equal(COMBINED);
    world.run(5, (choice) => [48e6, 20e6][choice] ?? 5e6);
    expect(world.judge.choice).to.equal(0);
  });

  it('does not swing between two that are alike', () => {
    const world = new World([pathView(0), pathView(1)]);
    let noise = 0;
    const used = world.run(300, () => 40e6 + 2e6 * Math.sin(noise++));
    expect(Math.max(...used.values())).to.be.greaterThan(0.9);
  });

  it('tries the paths without loss together', () => {
    const paths = [pathView(0), pathView(1), pathView(2, { lossRate: 0.02 })];
    const world = new World(paths);
    world.run(10, (choice) => (choice === CLEAN ? 95e6 : choice === COMBINED ? 20e6 : 49e6));
    expect(world.judge.choice).to.equal(CLEAN);
    expect(world.judge.choices.maskOf(CLEAN)).to.equal(0b011);
  });

  it('judges nothing by traffic that fills nothing, or that pauses', () => {
    const world = new World(two());
    expect([...world.run(60, () => 100e3).keys()]).to.deep.equal([COMBINED]);
    for (let burst = 0; burst < 50; burst++) {
      world.nowUs += 2e6;
      world.run(0.3, () => 10e6);
      expect(world.judge.choice).to.equal(COMBINED);
    }
  });

  it('starts anew when paths come or go', () => {
    const world = new World(two());
    world.run(10, (choice) => [48e6, 20e6][choice] ?? 30e6);
    world.paths.push(pathView(2));
    world.run(STEP_US / 1e6, () => 1e6);
    expect(world.judge.choice).to.equal(COMBINED);
    expect(world.judge.choices.scoreBps(0)).to.be.NaN;
  });
});
