/** `invite-create`: an invite for the next machine. */
import * as z from 'zod';
import type { InviteRequest } from '../../node/control.js';
import { oneOf, SCHEDULERS, wholeFrom, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

/** A hundred years: more is a unit mix-up, and stays exact in every clock we meet. */
const EXPIRES_MS_MAX = 100 * 365 * 86_400_000;
/** As many as the largest network has members; 0 stands for unlimited. */
const USES_MAX = 1_000_000;
const INTERFACES_MAX = 16;
const ROLES_MAX = 8;

const request = z.strictObject({
  name: z.string().min(1).max(63).optional(),
  address4: z.ipv4({ error: 'must be an IPv4 address' }).optional(),
  scheduler: oneOf(SCHEDULERS).optional(),
  interfaces: z.array(z.string().min(1).max(15)).max(INTERFACES_MAX).optional(),
  uses: wholeFrom(0, USES_MAX),
  expiresInMs: wholeFrom(0, EXPIRES_MS_MAX),
  roles: z.array(z.string().min(1).max(32)).max(ROLES_MAX),
});

/** Zod writes an absent field as possibly undefined; the node's interface wants it absent. */
function withoutUndefined(given: z.output<typeof request>): InviteRequest {
  const { name, address4, scheduler, interfaces, ...rest } = given;
  return {
    ...rest,
    ...(name === undefined ? {} : { name }),
    ...(address4 === undefined ? {} : { address4 }),
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(interfaces === undefined ? {} : { interfaces }),
  };
}

export const inviteCreate = replyVerb({
  name: 'invite-create',
  request,
  handle: async (target, given) => withSchema(await target.createInvite(withoutUndefined(given))),
});
