/** `wait`: the status now and whenever what is missing changes, until the node is ready. */
import type { StatusFacts } from '../../node/control.js';
import { nothing, withSchema, type Schema } from '../fields.js';
import { streamVerb } from '../verb.js';

export const wait = streamVerb({
  name: 'wait',
  request: nothing,
  async *handle(target, _request, signal): AsyncIterable<Schema & StatusFacts> {
    let wake: () => void = () => undefined;
    let changed = true;
    const notify = (): void => {
      changed = true;
      wake();
    };
    const unwatch = target.watch(notify);
    signal.addEventListener('abort', notify, { once: true });
    try {
      let told: string | null | undefined;
      while (!signal.aborted) {
        // Changes between two looks fold into one: a reader wants the latest state, not each step.
        changed = false;
        const status = target.status();
        if (status.ready || status.waitingFor !== told) yield withSchema(status);
        if (status.ready) return;
        told = status.waitingFor;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (changed) resolve();
        });
      }
    } finally {
      unwatch();
      signal.removeEventListener('abort', notify);
    }
  },
});
