import type { Logger } from '../../overlay/ports.js';

/** A logger for tests that look at behaviour and not at words. */
export const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
