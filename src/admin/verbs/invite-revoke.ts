/** `invite-revoke`: ends an invite and the membership of everyone who came by it. */
import * as z from 'zod';
import { withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const inviteRevoke = replyVerb({
  name: 'invite-revoke',
  request: z.strictObject({ id: z.string().min(1).max(64) }),
  handle: async (target, request) => withSchema(await target.revokeInvite(request.id)),
});
