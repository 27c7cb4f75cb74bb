/** A node started on a host of the lab. */
import type { StatusFacts } from '../../../src/node/control.js';
import { LabError } from './errors.js';
import type { Ended, Program } from './program.js';

// A join takes about a second; the rest is for a machine busy with other things.
const READY_TIMEOUT_MS = 30_000;
const JOIN_LINE = /^overlay join (\S+)$/m;

/** What a node needs of the host it runs on. */
export interface NodeHost {
  readonly name: string;
  overlay(
    args: readonly string[],
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  overlayJson(verb: 'status'): Promise<StatusFacts>;
}

export class OverlayNode {
  readonly host: NodeHost;
  readonly program: Program;

  constructor(host: NodeHost, program: Program) {
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
