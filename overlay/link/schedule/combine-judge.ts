/**
 * Decides by measurement where bulk does best: on all paths together, on those without loss, or on one
 * alone. Combining can lose: a lossy path makes TCP slow down everywhere, a slow one delays all. What
 * is compared is the goodput of whatever traffic there is, for nobody can know how inner senders react.
 *
 * One choice is in use, and measured by epochs. Now and then another is tried: it settles, is
 * measured, and is taken over if it is better by a margin. A trial that is far worse ends half way; one
 * that still grows goes on. Not tried is what cannot win: a choice whose capacity is no more than what
 * is reached already, or whose last result is too bad for its age. So where combining works, trials
 * cost nothing, and elsewhere a few per cent.
 */
import { CLEAN, COMBINED, Choices } from './choices.js';
import type { PathView } from './path-view.js';

/** Round trips until a sender's reaction shows; and bounds for very short and very long ones. */
const EPOCH_RTTS = 20;
const EPOCH_US_MIN = 500_000;
const EPOCH_US_MAX = 4_000_000;
const SETTLE_SHARE = 0.5;
/** Traffic below it does not fill any path worth judging. */
const BUSY_BPS_MIN = 500_000;
/** Without bulk for so long, an epoch tells nothing. */
const GAP_US_MAX = 1_000_000;
/** Hysteresis: what is tried has to be better by this factor. */
const ADVANTAGE_MIN = 1.08;
/** Half way through, below this share of what is in use, a trial ends. */
const HOPELESS_SHARE = 0.5;
/** Growth from epoch to epoch that is worth waiting for, and how many epochs a trial may take. */
const GROWTH_MIN = 1.05;
const TRIAL_EPOCHS_MAX = 6;
/** The same for what is in use, before anything else is tried. */
const UNDISTURBED_GROWTH_MIN = 1.15;
const UNDISTURBED_EPOCHS_MAX = 3;
/** A measurement that falls to this share of before is news, and worth a trial soon. */
const COLLAPSE_SHARE = 0.7;
/** Epochs between trials of what was tried before: 1.5 of 24 is 6 % of time, and only a part is lost. */
const PAUSE_EPOCHS = 24;
const SHORT_PAUSE_EPOCHS = 2;
/** How much better a result may have become with each epoch since. */
const HOPE_PER_EPOCH = 0.01;
/** A model's promise may be too low by this factor. */
const DOUBT = 1.5;
/** After a trial, what was in use may take so many epochs to be back at this share of its score. */
const RECOVERY_EPOCHS_MAX = 6;
const RECOVERY_US_MAX = 8_000_000;
const RECOVERED_SHARE = 0.9;

export class CombineJudge {
  /** Where bulk goes now, be it in use or on trial. */
  choice = COMBINED;
  readonly choices = new Choices();
  #used = COMBINED;
  #isMeasuring = false;
  #startUs = 0;
  #endUs = 0;
  #lastUs = -Infinity;
  #bits = 0;
  #checkedHalf = false;
  #growthEpochs = 0;
  #trialEpochs = 0;
  #trialBps = 0;
  #nextTrialUs = 0;
  #recoversUntilUs = 0;

  /** Bulk that was sent; `bits` without what its path is known to lose. */
  sent(bits: number): void {
    this.#bits += bits;
  }

  /** Moves on; to be called for each run of packets that has bulk. */
  update(paths: readonly PathView[], rank: number, nowUs: number): void {
    const gapUs = nowUs - this.#lastUs;
    this.#lastUs = nowUs;
    // A set in use keeps its members; if they turn bad, its goodput tells.
    const keepsClean = this.#used === CLEAN || this.choice === CLEAN;
    if (this.choices.load(paths, rank, keepsClean)) {
      this.#used = COMBINED;
      this.#nextTrialUs = nowUs;
      this.#choose(COMBINED, nowUs);
    } else if (gapUs > GAP_US_MAX) {
      this.#choose(this.#used, nowUs);
    } else if (nowUs >= this.#endUs) {
      if (!this.#isMeasuring) this.#measure(nowUs);
      else if (this.choice === this.#used) this.#judgeUsed(nowUs);
      else this.#judgeTrial(nowUs);
    } else if (this.choice !== this.#used) {
      this.#giveUpIfHopeless(nowUs);
    }
  }

  #choose(choice: number, nowUs: number): void {
    this.choice = choice;
    this.#isMeasuring = false;
    this.#trialEpochs = 0;
    this.#trialBps = 0;
    this.#endUs = nowUs + this.#epochUs() * SETTLE_SHARE;
  }

  #measure(nowUs: number): void {
    this.#isMeasuring = true;
    this.#bits = 0;
    this.#checkedHalf = false;
    this.#startUs = nowUs;
    this.#endUs = nowUs + this.#epochUs();
  }

  #judgeUsed(nowUs: number): void {
    const measuredBps = this.#measuredBps(nowUs);
    this.#measure(nowUs);
    if (measuredBps < BUSY_BPS_MIN) return;
    const beforeBps = this.choices.scoreBps(this.#used);
    const known = !Number.isNaN(beforeBps);
    if (nowUs < this.#recoversUntilUs && measuredBps < beforeBps * RECOVERED_SHARE) return;
    this.#recoversUntilUs = 0;
    const collapsed = known && measuredBps < beforeBps * COLLAPSE_SHARE;
    const isNews = !known || collapsed;
    this.choices.score(this.#used, isNews ? measuredBps : (beforeBps + measuredBps) / 2, nowUs);
    if (collapsed) {
      this.#nextTrialUs = Math.min(this.#nextTrialUs, nowUs + this.#pauseUs(SHORT_PAUSE_EPOCHS));
    }
    if (known && this.#growsFast(beforeBps, measuredBps)) return;
    const candidate = this.#candidate(nowUs);
    if (candidate >= 0) this.#choose(candidate, nowUs);
  }

  /** What still grows is not disturbed; but not for ever, or slow growth would never be compared. */
  #growsFast(beforeBps: number, measuredBps: number): boolean {
    const grows = measuredBps > beforeBps * UNDISTURBED_GROWTH_MIN;
    this.#growthEpochs = grows ? this.#growthEpochs + 1 : 0;
    return grows && this.#growthEpochs <= UNDISTURBED_EPOCHS_MAX;
  }

  #judgeTrial(nowUs: number): void {
    const measuredBps = this.#measuredBps(nowUs);
    const toBeatBps = this.#usedBps() * ADVANTAGE_MIN;
    this.choices.score(this.choice, measuredBps, nowUs);
    this.#trialEpochs += 1;
    if (measuredBps > toBeatBps) {
      this.#used = this.choice;
      this.#recoversUntilUs = 0;
      this.#nextTrialUs = nowUs + this.#pauseUs(SHORT_PAUSE_EPOCHS);
      this.#measure(nowUs);
    } else if (this.#mayStillWin(measuredBps, toBeatBps)) {
      this.#trialBps = measuredBps;
      this.#measure(nowUs);
    } else {
      this.#endTrial(nowUs);
    }
  }

  /** At the growth seen it would win within the epochs that a trial may take. */
  #mayStillWin(measuredBps: number, toBeatBps: number): boolean {
    const left = TRIAL_EPOCHS_MAX - this.#trialEpochs;
    if (this.#trialBps === 0) return measuredBps > toBeatBps * HOPELESS_SHARE && left > 0;
    const growth = measuredBps / this.#trialBps;
    return growth > GROWTH_MIN && measuredBps * growth ** left > toBeatBps;
  }

  #endTrial(nowUs: number): void {
    this.#nextTrialUs = nowUs + this.#pauseUs(PAUSE_EPOCHS);
    this.#recoversUntilUs = nowUs + Math.min(RECOVERY_US_MAX, this.#pauseUs(RECOVERY_EPOCHS_MAX));
    this.#choose(this.#used, nowUs);
  }

  #giveUpIfHopeless(nowUs: number): void {
    if (!this.#isMeasuring || this.#checkedHalf || this.#trialEpochs > 0) return;
    if (nowUs < (this.#startUs + this.#endUs) / 2) return;
    this.#checkedHalf = true;
    const measuredBps = this.#measuredBps(nowUs);
    if (measuredBps >= this.#usedBps() * HOPELESS_SHARE) return;
    this.choices.score(this.choice, measuredBps, nowUs);
    this.#endTrial(nowUs);
  }

  /** The choice worth a trial now, or -1. What was never tried does not wait for the pause. */
  #candidate(nowUs: number): number {
    const toBeatBps = this.choices.scoreBps(this.#used) * ADVANTAGE_MIN;
    if (Number.isNaN(toBeatBps)) return -1;
    let found = -1;
    let mostBps = 0;
    for (const choice of this.choices.all) {
      if (choice === this.#used || this.choices.capacityBps(choice) <= toBeatBps) continue;
      const hopeBps = this.#hopeBps(choice, nowUs);
      if (hopeBps < toBeatBps || hopeBps <= mostBps) continue;
      found = choice;
      mostBps = hopeBps;
    }
    return found;
  }

  #hopeBps(choice: number, nowUs: number): number {
    const scoreBps = this.choices.scoreBps(choice);
    if (Number.isNaN(scoreBps)) return this.choices.promiseBps(choice) * DOUBT;
    if (nowUs < this.#nextTrialUs) return 0;
    const epochs = (nowUs - this.choices.scoredUs(choice)) / this.#epochUs();
    return scoreBps * (1 + epochs * HOPE_PER_EPOCH);
  }

  /** 0 after the paths of the set in use have changed: whatever was on trial then is taken over. */
  #usedBps(): number {
    const scoreBps = this.choices.scoreBps(this.#used);
    return Number.isNaN(scoreBps) ? 0 : scoreBps;
  }

  #measuredBps(nowUs: number): number {
    return (this.#bits * 1e6) / Math.max(1, nowUs - this.#startUs);
  }

  #pauseUs(epochs: number): number {
    return this.#epochUs() * epochs;
  }

  #epochUs(): number {
    return Math.min(EPOCH_US_MAX, Math.max(EPOCH_US_MIN, this.choices.rttUsMax * EPOCH_RTTS));
  }
}
