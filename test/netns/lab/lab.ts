/**
 * A laboratory of hosts, switches and routers in network namespaces. Nothing in it can reach, or be
 * reached from, this machine's own network. Everything is removed by `close`, at the end of the
 * process however that comes, or by the sweep at the start of the next lab.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../../overlay/base/errors.js';
import { command, commandIn } from './command.js';
import { LabError } from './errors.js';
import { Host } from './host.js';
import { newLabName } from './names.js';
import { LAB_TOOLS, requireTools, type Tool } from './requirements.js';
import { Router } from './router.js';
import { removeNamespace, sweep } from './sweep.js';
import { Switch } from './switch.js';

// Addresses must be usable the moment they are set: duplicate detection would hold them back.
const NAMESPACE_SETUP = [
  'for scope in all default; do',
  '  echo 0 >/proc/sys/net/ipv6/conf/$scope/accept_dad',
  '  echo 0 >/proc/sys/net/ipv6/conf/$scope/dad_transmits',
  'done',
  'ip link set lo up',
].join('\n');

const open = new Set<Lab>();
let guarded = false;

/** Cleans up on every end of the process that still runs code. SIGKILL is left to the sweep. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  process.once('exit', closeAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      closeAll();
      // Ends the process the way the signal would have without this handler.
      process.kill(process.pid, signal);
    });
  }
}

function closeAll(): void {
  for (const lab of [...open]) {
    try {
      lab.closeNow();
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
    }
  }
}

export interface LabOptions {
  /** Further tools the scenario needs, checked before anything is built. */
  readonly tools?: readonly Tool[];
}

export class Lab {
  readonly name: string;
  readonly folder: string;
  readonly hosts: Host[] = [];
  readonly #namespaces: string[] = [];

  private constructor() {
    this.name = newLabName();
    this.folder = mkdtempSync(join(tmpdir(), `${this.name}-`));
    // Programs that run unprivileged must be able to pass through to their host's folder.
    chmodSync(this.folder, 0o711);
  }

  /** @throws LabError `not-root`, `tool-missing` */
  static create(options: LabOptions = {}): Promise<Lab> {
    requireTools([...LAB_TOOLS, ...(options.tools ?? [])]);
    sweep();
    const lab = new Lab();
    open.add(lab);
    guard();
    return Promise.resolve(lab);
  }

  switch(name: string): Switch {
    return new Switch(name, this.#namespace(name));
  }

  host(name: string): Host {
    return this.#add(new Host(name, this.#namespace(name), join(this.folder, name)));
  }

  router(name: string): Router {
    return this.#add(new Router(name, this.#namespace(name), join(this.folder, name)));
  }

  /** The last `lines` lines of output of every program still of interest, for a failure report. */
  logs(lines: number): string {
    const parts = this.hosts.flatMap((host) =>
      host.programs
        .filter((program) => program.tail(1).length > 0)
        // Short-lived commands are told by the failure itself; nodes and servers matter here.
        .filter(
          (program) => program.end === null || /overlay\.js (create|join|up) /.test(program.line),
        )
        .map((program) => {
          const end = program.end;
          const state = end === null ? 'running' : `ended: ${end.signal ?? String(end.code)}`;
          const log = program.tail(lines).join('\n    ');
          return `  ${host.name}: ${program.line} (${state})\n    ${log}`;
        }),
    );
    // An invite is half a screen of letters that say nothing to a reader.
    return parts.join('\n').replace(/\bovl1\w{8,}/g, 'ovl1...');
  }

  /** Ends every program in the lab and removes all of it. */
  close(): Promise<void> {
    this.closeNow();
    return Promise.resolve();
  }

  /** As {@link close}, also usable where no promise continues any more. */
  closeNow(): void {
    if (!open.delete(this)) return;
    const failures: unknown[] = [];
    for (const netns of this.#namespaces) {
      try {
        removeNamespace(netns);
      } catch (error) {
        failures.push(error);
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, `${this.name}: not all removed`);
  }

  #add<T extends Host>(host: T): T {
    this.hosts.push(host);
    return host;
  }

  #namespace(name: string): string {
    if (!open.has(this)) throw new LabError('closed', `${this.name} is closed`);
    const netns = `${this.name}-${name}`;
    command('ip', ['netns', 'add', netns]);
    this.#namespaces.push(netns);
    commandIn(netns, 'sh', ['-c', NAMESPACE_SETUP]);
    return netns;
  }
}
