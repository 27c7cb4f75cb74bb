/** `ping`: one line for each probe, answered or lost. */
import * as z from 'zod';
import type { PingReply } from '../../node/control.js';
import { peerQuery, wholeFrom, withSchema, type Schema } from '../fields.js';
import { streamVerb } from '../verb.js';

/** Keeps the sequence number in 32 bits. */
const COUNT_MAX = 2 ** 32 - 1;
/** Faster probing is a load test, for which there are better tools. */
const INTERVAL_MS_MIN = 10;
const INTERVAL_MS_MAX = 3_600_000;
const TIMEOUT_MS_MAX = 600_000;

export const ping = streamVerb({
  name: 'ping',
  request: z.strictObject({
    query: peerQuery,
    count: wholeFrom(0, COUNT_MAX),
    intervalMs: wholeFrom(INTERVAL_MS_MIN, INTERVAL_MS_MAX),
    timeoutMs: wholeFrom(1, TIMEOUT_MS_MAX),
    untilDirect: z.boolean(),
  }),
  async *handle(target, { query, ...options }, signal): AsyncIterable<Schema & PingReply> {
    for await (const reply of target.ping(query, options, signal)) yield withSchema(reply);
  },
});
