/** `members`: every member this node knows of. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const members = replyVerb({
  name: 'members',
  request: nothing,
  handle: (target) => withSchema({ members: target.members() }),
});
