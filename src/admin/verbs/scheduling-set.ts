/** `scheduling-set`: how packets are spread over the paths to a peer, from now on. */
import * as z from 'zod';
import type { SchedulingRequest } from '../../node/control.js';
import { oneOf, peerQuery, SCHEDULERS, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

const request = z.strictObject({
  peer: peerQuery.nullable(),
  scheduler: oneOf([...SCHEDULERS, 'default']).optional(),
  overflow: z.boolean().optional(),
});

/** Zod writes an absent field as possibly undefined; the node's interface wants it absent. */
function withoutUndefined(given: z.output<typeof request>): SchedulingRequest {
  const { peer, scheduler, overflow } = given;
  return {
    peer,
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(overflow === undefined ? {} : { overflow }),
  };
}

export const schedulingSet = replyVerb({
  name: 'scheduling-set',
  request,
  handle: async (target, given, signal) =>
    withSchema(await target.setScheduling(withoutUndefined(given), signal)),
});
