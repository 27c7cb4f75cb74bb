/**
 * Shows a network come up: one machine creates it, two join with one line, everyone pings everyone.
 * As root with real devices in network namespaces, else on loopback without devices. Exits with 1
 * when anything fails, and leaves nothing behind.
 */
import { messageOf } from '../../overlay/base/errors.js';
import { isRoot } from '../netns/lab/requirements.js';
import { demoInNamespaces } from './namespaces.js';
import { demoOnLoopback } from './loopback.js';

try {
  const start = performance.now();
  await (isRoot() ? demoInNamespaces() : demoOnLoopback());
  console.log(`All passed in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
} catch (error) {
  console.error(`demo: ${messageOf(error)}`);
  process.exitCode = 1;
}
