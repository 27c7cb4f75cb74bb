/** Request fields that several verbs share, and the marker every reply carries. */
import * as z from 'zod';
import { FACTS_SCHEMA, type SchedulerName } from '../node/control.js';

/** All there are; a name that is missing here cannot be asked for. */
export const SCHEDULERS = [
  'adaptive',
  'aggregate',
  'replicate',
  'failover',
] as const satisfies readonly SchedulerName[];

/** Verbs without arguments. */
export const nothing = z.strictObject({});

/** An address, a name or a peer id; longer is none of these. */
export const peerQuery = z.string().min(1).max(256);

/** One word of a list, with a message that shows the list. */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` });
}

/** A whole number within bounds, with one message for everything that is not. */
export function wholeFrom(min: number, max: number): z.ZodNumber {
  const error = `must be a whole number from ${String(min)} to ${String(max)}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

export interface Schema {
  readonly schema: typeof FACTS_SCHEMA;
}

/** Puts the schema number first, where a reader of the JSON sees it. */
export function withSchema<Facts extends object>(facts: Facts): Schema & Facts {
  return { schema: FACTS_SCHEMA, ...facts };
}
