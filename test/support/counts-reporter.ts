/**
 * Mocha's `spec` reporter that also appends the run's counts, as one line of JSON, to the file named
 * by `OVERLAY_TEST_COUNTS`. Several mocha runs make one verdict; their sum is taken from that file.
 */
import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class CountsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env['OVERLAY_TEST_COUNTS'];
    if (file === undefined || file === '') return;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
    });
  }
}
