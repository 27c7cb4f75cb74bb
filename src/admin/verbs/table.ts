/** The one list of admin verbs; the unix socket and the dashboard serve exactly these. */
import type * as z from 'zod';
import type { ReplyVerb, StreamVerb } from '../verb.js';
import { inviteCreate } from './invite-create.js';
import { inviteList } from './invite-list.js';
import { inviteRevoke } from './invite-revoke.js';
import { leases } from './leases.js';
import { leave } from './leave.js';
import { members } from './members.js';
import { peers } from './peers.js';
import { ping } from './ping.js';
import { schedulingSet } from './scheduling-set.js';
import { status } from './status.js';
import { stop } from './stop.js';
import { wait } from './wait.js';
import { whois } from './whois.js';

export const ADMIN_VERBS = {
  status,
  peers,
  leases,
  members,
  whois,
  ping,
  wait,
  stop,
  leave,
  'invite-create': inviteCreate,
  'invite-list': inviteList,
  'invite-revoke': inviteRevoke,
  'scheduling-set': schedulingSet,
} as const;

type Verbs = typeof ADMIN_VERBS;

/** Verbs that answer once. */
export type ReplyName = {
  [Name in keyof Verbs]: Verbs[Name] extends { kind: 'reply' } ? Name : never;
}[keyof Verbs];
/** Verbs that answer with a stream. */
export type StreamName = Exclude<keyof Verbs, ReplyName>;

export type RequestOf<Name extends keyof Verbs> = z.input<Verbs[Name]['request']>;
export type ReplyOf<Name extends ReplyName> =
  Verbs[Name] extends ReplyVerb<z.ZodType, infer Reply> ? Reply : never;
export type ItemOf<Name extends StreamName> =
  Verbs[Name] extends StreamVerb<z.ZodType, infer Item> ? Item : never;

/** The verb of a name that came from a client, or null. */
export function findVerb(name: string): ReplyVerb | StreamVerb | null {
  // Own keys only: `constructor` and its like are no verbs.
  return Object.hasOwn(ADMIN_VERBS, name) ? ADMIN_VERBS[name as keyof Verbs] : null;
}
