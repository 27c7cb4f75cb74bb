/** All schedulers by name. */
import { Adaptive } from './adaptive.js';
import { Aggregate } from './aggregate.js';
import { Failover } from './failover.js';
import { Replicate } from './replicate.js';
import type { Scheduler, SchedulerName, SchedulerOptions } from './scheduler.js';

export function makeScheduler(
  options: SchedulerOptions & { readonly scheduler: SchedulerName },
): Scheduler {
  switch (options.scheduler) {
    case 'adaptive':
      return new Adaptive(options);
    case 'aggregate':
      return new Aggregate(options);
    case 'failover':
      return new Failover();
    case 'replicate':
      return new Replicate();
  }
}
