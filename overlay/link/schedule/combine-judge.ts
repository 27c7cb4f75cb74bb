/**
 * Decides where bulk does best: on one path alone, or on a set of paths. Combining can lose: a lossy path
 * makes TCP slow down everywhere, a slow one delays all. The rule:
 *
 * 1. Begin on the one path that promises most.
 * 2. Paths that might help get copies of what goes there (path-learner.ts): their loss shows, and harms
 *    nobody.
 * 3. Among the sets of known paths, what promises most is used: by rates, delays and losses, and by how
 *    TCP is known to react to them (choices.ts).
 * 4. Once what is used has been measured, another set has to promise clearly more, and is on trial: it is
 *    taken over when it measures better, and left as soon as it promises less, or when a TCP had the
 *    time to grow into it and did not. What was measured counts more than what is promised.
 *
 * So a promise that is wrong costs one trial, and where promises are right there are no others.
 */
import { Choices, isOne } from './choices.js';
import { FlowCount } from './flow-count.js';
import { PathLearner } from './path-learner.js';
import { bitOf, type PathView } from './path-view.js';

const TICK_US = 10_000;
/** Round trips until a sender's reaction shows; and bounds for very short and very long ones. */
const EPOCH_RTTS = 20;
const EPOCH_US_MIN = 1_000_000;
const EPOCH_US_MAX = 3_000_000;
const SETTLE_SHARE = 0.5;
/** Traffic below it does not fill any path worth judging. */
const BUSY_BPS_MIN = 500_000;
/** Without bulk for so long, an epoch tells nothing. */
const GAP_US_MAX = 1_000_000;
/** A set has to promise more by this factor, to be tried. */
const ADVANTAGE_MIN = 1.15;
/** What was not measured yet is taken, or has won its trial, when it is better by this factor. */
const WIN_MIN = 1.05;
/** A promise may be too low by this factor, which is worth a trial where TCP is soon there, and soon back. */
const DOUBT = 1.3;
const DOUBT_GROWTH_S_MAX = 6;
/** How much better than measured a set may have become with each second since. */
const HOPE_PER_S = 0.001;
/** Twice below this share of its score, what is used has collapsed: its past counts no more. */
const COLLAPSE_SHARE = 0.7;
const NEW_SHARE = 1 / 3;

export class CombineJudge {
  /** The paths that bulk goes on now, as a mask: those in use, or those on trial. */
  choice = 0;
  /** The paths that get copies of bulk, to be known. */
  learning = 0;
  readonly choices = new Choices();
  readonly #flows = new FlowCount();
  readonly #learner = new PathLearner();
  #used = 0;
  #tickUs = 0;
  #lastUs = -Infinity;
  #beganUs = 0;
  #isMeasuring = false;
  #startUs = 0;
  #endUs = 0;
  #bits = 0;
  /** By then a TCP has grown into the choice. */
  #grownUs = 0;
  /** What the choice on trial gave in its last epoch. */
  #trialBps = 0;
  #wasLow = false;
  #boldness = 1;

  /** A packet of bulk goes on the paths of a mask; `bits` without what is known to get lost. */
  sent(bits: number, mask: number, bucket: number): void {
    this.#bits += bits;
    this.#learner.sent(mask);
    this.#flows.add(bucket, bits);
  }

  /** Moves on; to be called before each run of packets that has bulk. */
  update(paths: readonly PathView[], rank: number, nowUs: number): void {
    const gapUs = nowUs - this.#lastUs;
    this.#lastUs = nowUs;
    const changed = this.choices.load(paths, rank);
    if (changed !== 0) this.#begin(changed, nowUs);
    else if (gapUs > GAP_US_MAX) this.#choose(this.#used, nowUs);
    if (gapUs > GAP_US_MAX) this.#beganUs = nowUs;
    if (nowUs < this.#tickUs || isOne(this.choices.members)) return;
    this.#tickUs = nowUs + TICK_US;
    this.choices.follow(this.#used | this.choice | this.learning, TICK_US);
    this.choices.flows = Math.max(this.#flows.count(nowUs), this.#boldness);
    this.choices.ageS = (nowUs - this.#beganUs) / 1e6;
    if (nowUs >= this.#endUs) this.#endEpoch(nowUs);
    const plan = this.#plan(paths, this.#learn(paths, nowUs), nowUs);
    if (this.choice !== this.#used) this.#checkTrial(nowUs);
    else if (plan !== 0) this.#consider(plan, nowUs);
  }

  /** What of the paths in use is left stays in use. */
  #begin(changed: number, nowUs: number): void {
    this.#learner.forget(changed);
    this.learning = 0;
    const left = this.#used & this.choices.members;
    this.#used = left === 0 ? this.choices.bestSingle() : left;
    this.#choose(this.#used, nowUs);
  }

  /** @returns the paths that are known */
  #learn(paths: readonly PathView[], nowUs: number): number {
    let known = this.#used | this.choice;
    let learning = 0;
    for (const path of paths) {
      const bit = bitOf(path);
      if ((this.choices.members & bit) === 0 || (known & bit) !== 0) continue;
      const needed = this.choices.atRisk(bit, this.#used);
      if (this.choices.mayHelp(bit, this.#used) && this.#learner.learns(path, needed, nowUs)) {
        learning |= bit;
      }
      if (this.#learner.isKnown(path, needed, nowUs)) known |= bit;
    }
    this.learning = learning;
    // Copies may slow down what is in use; that tells nothing of it.
    if (learning !== 0 && this.choice === this.#used) this.#settle(nowUs);
    return known;
  }

  /** The set that promises most besides the one in use, or 0: a known path, and what it is better with. */
  #plan(paths: readonly PathView[], known: number, nowUs: number): number {
    let plan = 0;
    let mostBps = 0;
    for (const path of paths) {
      const bit = bitOf(path);
      if ((this.choices.members & known & bit) === 0) continue;
      for (const set of [bit, this.choices.grown(bit, known)]) {
        const bps = set === this.#used ? 0 : this.#hopeBps(set, nowUs);
        if (bps <= mostBps) continue;
        plan = set;
        mostBps = bps;
      }
    }
    return plan;
  }

  #hopeBps(mask: number, nowUs: number): number {
    const promiseBps = this.choices.promiseBps(mask);
    const scoreBps = this.choices.scoreBps(mask);
    if (Number.isNaN(scoreBps)) return promiseBps;
    const ageS = (nowUs - this.choices.scoredUs(mask)) / 1e6;
    return Math.min(promiseBps, scoreBps * (1 + ageS * HOPE_PER_S));
  }

  #consider(plan: number, nowUs: number): void {
    const promiseBps = this.choices.promiseBps(this.#used);
    const hopeBps = this.#hopeBps(plan, nowUs);
    if (Number.isNaN(this.choices.scoreBps(this.#used))) {
      if (hopeBps < promiseBps * WIN_MIN) return;
      this.#used = plan;
      this.#choose(plan, nowUs);
      return;
    }
    const isGrown = nowUs >= this.#grownUs;
    const toBeatBps = isGrown
      ? this.choices.scoreBps(this.#used)
      : Math.max(promiseBps, this.choices.scoreBps(this.#used));
    const doubt = isGrown && this.#isWorthDoubt(plan) ? DOUBT : 1;
    if (hopeBps * doubt < toBeatBps * ADVANTAGE_MIN) return;
    this.#trialBps = 0;
    this.#choose(plan, nowUs);
  }

  #isWorthDoubt(plan: number): boolean {
    if (!Number.isNaN(this.choices.scoreBps(plan))) return false;
    const thereAndBackS = this.choices.growthS(plan) + this.choices.growthS(this.#used);
    return thereAndBackS < DOUBT_GROWTH_S_MAX;
  }

  #checkTrial(nowUs: number): void {
    const isHopeful = this.choices.promiseBps(this.choice) >= this.choices.scoreBps(this.#used);
    if (isHopeful && nowUs <= this.#grownUs) return;
    if (this.#trialBps > 0) this.choices.score(this.choice, this.#trialBps, nowUs);
    this.#choose(this.#used, nowUs);
  }

  #choose(mask: number, nowUs: number): void {
    this.choice = mask;
    this.#settle(nowUs);
    const measuredUs = this.#epochUs() * (1 + SETTLE_SHARE);
    this.#grownUs = nowUs + measuredUs + this.choices.growthS(mask) * 1e6;
  }

  #settle(nowUs: number): void {
    this.#isMeasuring = false;
    this.#endUs = nowUs + this.#epochUs() * SETTLE_SHARE;
  }

  #endEpoch(nowUs: number): void {
    const bps = (this.#bits * 1e6) / Math.max(1, nowUs - this.#startUs);
    const isTold = this.#isMeasuring && bps >= BUSY_BPS_MIN;
    this.#isMeasuring = true;
    this.#bits = 0;
    this.#startUs = nowUs;
    this.#endUs = nowUs + this.#epochUs();
    if (!isTold) return;
    if (this.choice === this.#used) this.#scoreUsed(bps, nowUs);
    else this.#scoreTrial(bps, nowUs);
  }

  #scoreUsed(bps: number, nowUs: number): void {
    const before = this.choices.scoreBps(this.#used);
    const isLow = bps < before * COLLAPSE_SHARE;
    const isNews = Number.isNaN(before) || nowUs < this.#grownUs || (isLow && this.#wasLow);
    this.#wasLow = isLow;
    const scoreBps = isNews ? bps : before + (bps - before) * NEW_SHARE;
    this.choices.score(this.#used, scoreBps, nowUs);
    this.#boldness = scoreBps / Math.max(1, this.choices.tcpBps(this.#used));
  }

  #scoreTrial(bps: number, nowUs: number): void {
    this.#trialBps = bps;
    if (bps < this.choices.scoreBps(this.#used) * WIN_MIN) return;
    this.#used = this.choice;
    this.#wasLow = false;
    this.choices.score(this.#used, bps, nowUs);
  }

  #epochUs(): number {
    const rttUs = this.choices.rttUs(this.choice);
    return Math.min(EPOCH_US_MAX, Math.max(EPOCH_US_MIN, rttUs * EPOCH_RTTS));
  }
}
