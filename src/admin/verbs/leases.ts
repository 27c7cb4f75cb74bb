/** `leases`: addresses, names and invite uses held or witnessed here. */
import { nothing, withSchema } from '../fields.js';
import { replyVerb } from '../verb.js';

export const leases = replyVerb({
  name: 'leases',
  request: nothing,
  handle: (target) => withSchema({ leases: target.leases() }),
});
