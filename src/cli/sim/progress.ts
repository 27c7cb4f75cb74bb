/** How far simulations are: one line that changes on a terminal, and a line now and then elsewhere. */
import type { Ora } from 'ora';
import type { CliContext } from '../context.js';
import type { JobProgress } from './jobs.js';

const PLAIN_EVERY_MS = 10_000;

export class SimulationProgress {
  readonly #context: CliContext;
  readonly #runs: number;
  readonly #underWay = new Map<number, JobProgress>();
  #done = 0;
  #spinner: Ora | null = null;
  #toldMs = performance.now();

  private constructor(context: CliContext, runs: number, spinner: Ora | null) {
    this.#context = context;
    this.#runs = runs;
    this.#spinner = spinner;
  }

  /** @param runs in all */
  static async begin(context: CliContext, runs: number): Promise<SimulationProgress> {
    // A spinner that cannot know how many lines it fills would never finish clearing them.
    if (!context.err.isTTY || context.err.columns === 0) {
      return new SimulationProgress(context, runs, null);
    }
    const { default: ora } = await import('ora');
    const spinner = ora({ text: 'starting', hideCursor: false, discardStdin: false }).start();
    return new SimulationProgress(context, runs, spinner);
  }

  note(progress: JobProgress): void {
    this.#underWay.set(progress.seed, progress);
    this.#tell();
  }

  finished(seed: number): void {
    this.#underWay.delete(seed);
    this.#done += 1;
  }

  end(): void {
    this.#spinner?.stop();
    this.#spinner = null;
  }

  #tell(): void {
    const text = this.#text();
    if (this.#spinner !== null) {
      this.#spinner.text = text;
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < PLAIN_EVERY_MS) return;
    this.#toldMs = nowMs;
    this.#context.err.write(`${text}\n`);
  }

  #text(): string {
    const parts = [...this.#underWay.values()].map(({ seed, virtualS, wallS, running, placed }) => {
      const speed = virtualS / Math.max(wallS, 0.001);
      return `seed ${seed}: ${virtualS.toFixed(0)} s simulated (${speed.toFixed(speed < 10 ? 1 : 0)} times real time), ${placed} of ${running} nodes have an address`;
    });
    const before = this.#runs > 1 ? `${this.#done} of ${this.#runs} runs done; ` : '';
    return `${before}${parts.join('; ')}`;
  }
}
