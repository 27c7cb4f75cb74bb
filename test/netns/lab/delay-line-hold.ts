/**
 * Builds a lab with a delay line in it, says so, and waits to be killed. The line's tests look for what
 * is left of it then.
 */
import { delayLine } from './delay-line.js';
import { Lab } from './lab.js';

// Only bounds a test that failed to end it.
const HOLD_MS = 60_000;

const lab = await Lab.create();
const a = { host: lab.host('a'), v4: '192.0.2.1/24' };
const b = { host: lab.host('b'), v4: '192.0.2.2/24' };
await delayLine(lab, 'line', a, b, { delayMs: 1 });
const [program] = lab.hosts.flatMap((host) => host.programs);
process.stdout.write(`holding ${lab.name} ${String(program?.pid)}\n`);
setTimeout(() => undefined, HOLD_MS);
