/**
 * Builds a lab with a program in it, says so, and waits to be ended. The lab's own tests end it in
 * every way a run can end, and look for what is left.
 */
import { Lab } from './lab.js';

// Only bounds a test that failed to end it.
const HOLD_MS = 60_000;

const lab = await Lab.create();
const host = lab.host('held');
host.connect(lab.switch('lan'), { v4: '192.0.2.1/24' });
const sleeper = host.spawn('sleep', ['300']);
process.stdout.write(`holding ${lab.name} ${String(sleeper.pid)}\n`);
const hold = setTimeout(() => undefined, HOLD_MS);
process.once('message', (wish) => {
  clearTimeout(hold);
  if (wish === 'throw') throw new Error('a scenario failed where nobody caught it');
  // Left to itself the process ends with the running program; the lab must end that too.
  process.exit(0);
});
