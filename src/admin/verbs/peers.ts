/** `peers`: other nodes and the paths to them. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const peers = replyVerb({
  name: 'peers',
  request: nothing,
  handle: async (target) => withSchema({ peers: await target.peers() }),
});
