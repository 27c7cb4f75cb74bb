/** `invite-list`: the invites made here, without the secret lines themselves. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const inviteList = replyVerb({
  name: 'invite-list',
  request: nothing,
  handle: async (target) => withSchema({ invites: await target.listInvites() }),
});
