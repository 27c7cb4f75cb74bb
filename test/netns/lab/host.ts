/** A host: a namespace with cards, a folder for files, and programs that run in it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../overlay/base/errors.js';
import { commandIn } from './command.js';
import { LabError } from './errors.js';
import { Link, type LinkAddresses } from './link.js';
import { OverlayNode } from './overlay-node.js';
import type { VerbFacts } from './verb-facts.js';
import { Program, type ProgramOptions } from './program.js';
import { cliPath } from './requirements.js';
import type { Switch } from './switch.js';

// Longer than any single command of the scenarios; a hang must not use up the whole run.
const EXEC_TIMEOUT_MS = 30_000;
// User and group `nobody` of Debian.
const NOBODY = '65534';

export interface RunOptions extends ProgramOptions {
  /** Runs as `nobody`, without any capability. */
  readonly unprivileged?: boolean;
  /** Runs where /dev/net holds no `tun`, as on a system without the module. */
  readonly withoutTun?: boolean;
}

export interface ExecOptions extends RunOptions {
  readonly timeoutMs?: number;
}

export interface ExecResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Host {
  readonly name: string;
  readonly netns: string;
  /** Folder of this host's files; removed with the lab. */
  readonly folder: string;
  readonly links: Link[] = [];
  readonly programs: Program[] = [];

  /** `netns` exists already. */
  constructor(name: string, netns: string, folder: string) {
    this.name = name;
    this.netns = netns;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** State directory handed to every `overlay` command of this host. */
  get stateDir(): string {
    return join(this.folder, 'state');
  }

  /** Plugs a new card (`eth0`, `eth1`...) into a switch; ready for use when the call returns. */
  connect(to: Switch, addresses: LinkAddresses = {}): Link {
    const port = to.nextPort();
    const device = `eth${String(this.links.length)}`;
    const link = new Link({ netns: this.netns, device }, port, addresses);
    to.attach(port);
    this.links.push(link);
    return link;
  }

  /** Starts a program on this host; the lab ends it at the latest. */
  spawn(program: string, args: readonly string[], options: RunOptions = {}): Program {
    const argv = ['ip', 'netns', 'exec', this.netns];
    if (options.withoutTun === true) {
      // `exec` keeps the process id, so that signals reach the program itself.
      const hide = 'mount -t tmpfs none /dev/net && exec "$@"';
      argv.push('unshare', '--mount', 'sh', '-c', hide, 'sh');
    }
    if (options.unprivileged === true) {
      argv.push(
        'setpriv',
        '--reuid',
        NOBODY,
        '--regid',
        NOBODY,
        '--clear-groups',
        '--inh-caps=-all',
      );
    }
    const started = new Program([...argv, program, ...args], options);
    this.programs.push(started);
    return started;
  }

  /** Runs a program to its end, whatever its exit code. @throws LabError `timed-out` */
  async exec(
    program: string,
    args: readonly string[],
    options: ExecOptions = {},
  ): Promise<ExecResult> {
    const running = this.spawn(program, args, options);
    const ended = await running.waitFor(options.timeoutMs ?? EXEC_TIMEOUT_MS);
    return { ...ended, stdout: running.stdout, stderr: running.stderr };
  }

  /** Runs a program that must succeed, and returns what it printed. @throws LabError */
  async check(
    program: string,
    args: readonly string[],
    options: ExecOptions = {},
  ): Promise<string> {
    const { code, signal, stdout, stderr } = await this.exec(program, args, options);
    if (code === 0) return stdout;
    const how = signal ?? `exit ${String(code)}`;
    const line = [program, ...args].join(' ');
    throw new LabError('command-failed', `${this.name}: \`${line}\`: ${how}: ${stderr}${stdout}`);
  }

  /** Runs one `overlay` verb against this host's state, whatever its exit code. */
  async overlay(args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.exec(cliPath(), this.#overlayArgs(args), options);
  }

  /** The facts a verb prints, with the verb's own arguments after it. @throws LabError */
  async overlayJson<Verb extends keyof VerbFacts>(
    verb: Verb,
    args: readonly string[] = [],
    options: ExecOptions = {},
  ): Promise<VerbFacts[Verb]> {
    const argv = this.#overlayArgs([...verb.split(' '), '--json', ...args]);
    const printed = await this.check(cliPath(), argv, options);
    try {
      return JSON.parse(printed) as VerbFacts[Verb];
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new LabError('command-failed', `overlay ${verb} --json printed: ${printed}`);
    }
  }

  /**
   * Starts a node that stays in the foreground: `create`, `join` or `up`. Its name in the network
   * is the host's, since all hosts of a lab share the system's host name.
   */
  start(args: readonly string[], options: RunOptions = {}): OverlayNode {
    const [verb = '', ...rest] = args;
    const named = rest.includes('--name') ? [] : ['--name', this.name];
    const argv = this.#overlayArgs([verb, ...named, ...rest]);
    return new OverlayNode(this, this.spawn(cliPath(), argv, options));
  }

  /** What `ip` with these arguments prints about this host. */
  ip(...args: readonly string[]): string {
    return commandIn(this.netns, 'ip', args);
  }

  #overlayArgs(args: readonly string[]): readonly string[] {
    const [verb = '', ...rest] = args;
    return [verb, '--state', this.stateDir, ...rest];
  }
}
