/** A node started on a host of the lab, and the facts its command line tells about it. */
import type {
  InviteFacts,
  LeaseFacts,
  MemberFacts,
  PeerFacts,
  StatusFacts,
  WhoisFacts,
} from '../../../src/node/control.js';
import { LabError } from './errors.js';
import type { Host } from './host.js';
import type { Ended, Program } from './program.js';

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

// A join takes about a second; the rest is for a machine busy with other things.
const READY_TIMEOUT_MS = 30_000;
const JOIN_LINE = /^overlay join (\S+)$/m;

export class OverlayNode {
  readonly host: Host;
  readonly program: Program;

  constructor(host: Host, program: Program) {
    this.host = host;
    this.program = program;
  }

  /** The invite that `create` prints for the next machine. */
  async invite(timeoutMs = READY_TIMEOUT_MS): Promise<string> {
    const match = await this.program.match(JOIN_LINE, timeoutMs);
    return match[1] ?? '';
  }

  /** Waits until the node is usable and returns its status. @throws LabError naming what it lacks */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<StatusFacts & { readonly address4: string }> {
    const seconds = `${String(Math.ceil(timeoutMs / 1000))}s`;
    const args = ['wait', '--json', '--timeout', seconds];
    const waiting = this.host.overlay(args, { timeoutMs: timeoutMs + 10_000 });
    // A node that ended will never be ready: say at once why it did.
    const first = await Promise.race([waiting, this.program.ended]);
    if (!('stdout' in first)) {
      const log = this.program.tail(5).join(' | ');
      throw new LabError('closed', `the node on ${this.host.name} ended: ${log}`);
    }
    if (first.code !== 0) {
      throw new LabError('timed-out', `${this.host.name} is not ready: ${first.stderr.trim()}`);
    }
    const status = await this.host.overlayJson('status');
    if (status.address4 === null) {
      throw new LabError('command-failed', `${this.host.name} is ready without an address`);
    }
    return { ...status, address4: status.address4 };
  }

  /** Clean stop by signal. @throws LabError `timed-out` when it does not leave in time */
  async terminate(timeoutMs = 10_000): Promise<Ended> {
    return this.program.stop('SIGTERM', timeoutMs);
  }

  /** As a crash or a power cut: no code of the node runs any more. */
  async kill(): Promise<Ended> {
    return this.program.stop('SIGKILL');
  }
}
