/** `leave`: gives the address back, forgets the network, and ends the node. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const leave = replyVerb({
  name: 'leave',
  request: nothing,
  handle: async (target) => {
    await target.leave();
    return withSchema({ left: true });
  },
  after: (target) => {
    target.stop();
  },
});
