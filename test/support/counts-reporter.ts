/**
 * Mocha's `spec` reporter that also appends the run's counts and what failed, as one line of JSON, to
 * the file named by `OVERLAY_TEST_COUNTS`. Several mocha runs make one verdict, which is taken from that
 * file.
 */
import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class CountsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const file = process.env['OVERLAY_TEST_COUNTS'];
    if (file === undefined || file === '') return;
    const failures: { title: string; message: string }[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error: Error) => {
      failures.push({ title: test.fullTitle(), message: error.message });
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      appendFileSync(file, `${JSON.stringify({ passed, failed, skipped, failures })}\n`);
    });
  }
}
