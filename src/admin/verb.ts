/** The shape of an admin verb: what it takes, what it answers, and whether as one reply or as a stream. */
import type * as z from 'zod';
import { ok, reject, type Result } from '../../overlay/base/result.js';
import type { AdminTarget } from './target.js';

/** A request that was checked and is ready to be carried out. */
export type Prepared<Answer> = Result<
  (target: AdminTarget, signal: AbortSignal) => Answer,
  'bad-request'
>;

interface ReplyDefinition<S extends z.ZodType, Reply extends object> {
  readonly name: string;
  /** Objects only; unknown fields are refused, so that a misspelt option is never silently ignored. */
  readonly request: S;
  handle(target: AdminTarget, request: z.output<S>, signal: AbortSignal): Promise<Reply> | Reply;
  /** Called when the reply has left: for what would cut it off otherwise. */
  readonly after?: (target: AdminTarget) => void;
}

interface StreamDefinition<S extends z.ZodType, Item extends object> {
  readonly name: string;
  readonly request: S;
  /** Ends soon after `signal` aborts, which it does when the client is gone. */
  handle(target: AdminTarget, request: z.output<S>, signal: AbortSignal): AsyncIterable<Item>;
}

/** Answers once. */
export interface ReplyVerb<S extends z.ZodType = z.ZodType, Reply extends object = object> {
  readonly kind: 'reply';
  readonly name: string;
  readonly request: S;
  readonly after: ((target: AdminTarget) => void) | null;
  prepare(given: unknown): Prepared<Promise<Reply> | Reply>;
}

/** Answers with any number of items, each a line of JSON. */
export interface StreamVerb<S extends z.ZodType = z.ZodType, Item extends object = object> {
  readonly kind: 'stream';
  readonly name: string;
  readonly request: S;
  prepare(given: unknown): Prepared<AsyncIterable<Item>>;
}

function check<S extends z.ZodType>(schema: S, given: unknown): Result<z.output<S>, 'bad-request'> {
  const result = schema.safeParse(given);
  if (result.success) return ok(result.data);
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  const problem = issue?.message ?? 'not valid';
  return reject('bad-request', field === '' ? problem : `${field}: ${problem}`);
}

export function replyVerb<S extends z.ZodType, Reply extends object>(
  verb: ReplyDefinition<S, Reply>,
): ReplyVerb<S, Reply> {
  return {
    kind: 'reply',
    name: verb.name,
    request: verb.request,
    after: verb.after ?? null,
    prepare(given) {
      const request = check(verb.request, given);
      if (!request.ok) return request;
      return ok((target, signal) => verb.handle(target, request.value, signal));
    },
  };
}

export function streamVerb<S extends z.ZodType, Item extends object>(
  verb: StreamDefinition<S, Item>,
): StreamVerb<S, Item> {
  return {
    kind: 'stream',
    name: verb.name,
    request: verb.request,
    prepare(given) {
      const request = check(verb.request, given);
      if (!request.ok) return request;
      return ok((target, signal) => verb.handle(target, request.value, signal));
    },
  };
}
