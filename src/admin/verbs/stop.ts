/** `stop`: ends the node; its state and its network stay. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const stop = replyVerb({
  name: 'stop',
  request: nothing,
  handle: () => withSchema({ stopping: true }),
  after: (target) => {
    target.stop();
  },
});
