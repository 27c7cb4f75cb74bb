/** `status`: the node itself. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const status = replyVerb({
  name: 'status',
  request: nothing,
  handle: (target) => withSchema(target.status()),
});
