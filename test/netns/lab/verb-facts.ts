/** What the verbs of the command line print with `--json`. */
import type {
  InviteFacts,
  LeaseFacts,
  MemberFacts,
  PeerFacts,
  StatusFacts,
  WhoisFacts,
} from '../../../src/node/control.js';

/** What `overlay ping --json` prints. */
export interface PingFacts {
  readonly sent: number;
  readonly received: number;
  readonly rttMs: { readonly min: number; readonly avg: number; readonly max: number } | null;
  readonly via: 'direct' | 'relay' | 'self' | null;
}

/** What each verb prints with `--json`, next to `schema`. */
export interface VerbFacts {
  readonly status: StatusFacts;
  readonly peers: { readonly peers: readonly PeerFacts[] };
  readonly leases: { readonly leases: readonly LeaseFacts[] };
  readonly members: { readonly members: readonly MemberFacts[] };
  readonly whois: WhoisFacts;
  readonly invite: InviteFacts;
  readonly 'invite list': { readonly invites: readonly InviteFacts[] };
  readonly 'invite revoke': InviteFacts;
  readonly ping: PingFacts;
}
