/** `whois`: who has an address, a name or a peer id. */
import * as z from 'zod';
import { peerQuery, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const whois = replyVerb({
  name: 'whois',
  request: z.strictObject({ query: peerQuery }),
  handle: async (target, request, signal) => withSchema(await target.whois(request.query, signal)),
});
