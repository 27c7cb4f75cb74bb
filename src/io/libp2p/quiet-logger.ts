/**
 * libp2p's log lines on our logger. Its trace lines are thousands a second and its errors are mostly
 * dial failures, which are normal here; so only errors pass, as `debug`.
 */
import type { ComponentLogger, Logger as Libp2pLogger } from '@libp2p/interface';
import { messageOf } from '../../../overlay/base/errors.js';
import type { Logger } from '../../../overlay/ports.js';

const FIELDS_MAX = 4;

function scope(logger: Logger, component: string): Libp2pLogger {
  const silent = (): void => undefined;
  const error = (format: unknown, ...values: unknown[]): void => {
    logger.debug(`libp2p: ${String(format)}`, {
      component,
      values: values.slice(0, FIELDS_MAX).map((value) => messageOf(value)),
    });
  };
  return Object.assign(silent, {
    error,
    trace: silent,
    enabled: false,
    newScope: (name: string) => scope(logger, `${component}:${name}`),
  }) as Libp2pLogger;
}

export function quietLogger(logger: Logger): ComponentLogger {
  return { forComponent: (name) => scope(logger, name) };
}
