/** A program running on a host of the lab: its output, its end, its memory and its signals. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { LabError } from './errors.js';
import { TOOL_PATH } from './requirements.js';

// Enough of a log to see what led to a failure, and little enough to read.
const TAIL_LINES_MAX = 400;
// A runaway writer must not take the test process with it.
const CAPTURE_CHARS_MAX = 4_000_000;
// Ticks of /proc/<pid>/stat a second; fixed at 100 in the kernel's user interface.
const TICKS_PER_SECOND = 100;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Told each whole line of either output as it comes. */
  readonly onLine?: (line: string) => void;
}

export class Program {
  readonly line: string;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #end: Ended | null = null;
  readonly #tail: string[] = [];
  readonly #listeners = new Set<() => void>();

  /** @throws LabError `command-failed` when the program cannot be started at all. */
  constructor(argv: readonly string[], options: ProgramOptions = {}) {
    const [file = '', ...args] = argv;
    this.line = argv.join(' ');
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a time-out also ends what a wrapper started.
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...cleanEnvironment(), ...options.env },
    });
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#note(`cannot start: ${error.message}`, options);
        this.#finish({ code: 127, signal: null }, resolve);
      });
      // `close` comes after the last byte of output, unlike `exit`.
      child.once('close', (code, signal) => {
        this.#finish({ code, signal }, resolve);
      });
    });
    this.pid = child.pid ?? 0;
    this.#capture(child.stdout, 'stdout', options);
    this.#capture(child.stderr, 'stderr', options);
  }

  get end(): Ended | null {
    return this.#end;
  }

  /** The last lines of both outputs in the order in which they came. */
  tail(lines: number): readonly string[] {
    return this.#tail.slice(-lines);
  }

  /** First match over the standard output so far or to come. @throws LabError `timed-out`, `closed` */
  async match(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(this.stdout);
        if (found !== null) {
          done();
          resolve(found);
        } else if (this.#end !== null) {
          done();
          reject(new LabError('closed', `\`${this.line}\` ended: ${this.tail(5).join(' | ')}`));
        }
      };
      const timer = setTimeout(() => {
        done();
        reject(new LabError('timed-out', `no ${String(pattern)} from \`${this.line}\``));
      }, timeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Sends a signal to the program and whatever it started; nothing happens if it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#end !== null || this.pid === 0) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Ended between the check and the signal.
    }
  }

  /** Signals and waits for the end; after `timeoutMs` it is killed and that is an error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 10_000): Promise<Ended> {
    this.signal(signal);
    return this.waitFor(timeoutMs);
  }

  /** Waits for the program to end by itself. @throws LabError `timed-out`, having killed it. */
  async waitFor(timeoutMs: number): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, null);
    });
    const ended = await Promise.race([this.ended, late]);
    clearTimeout(timer);
    if (ended !== null) return ended;
    this.signal('SIGKILL');
    await this.ended;
    throw new LabError('timed-out', `\`${this.line}\` was not over in ${String(timeoutMs)} ms`);
  }

  /** Resident memory in bytes (VmRSS of proc(5)). */
  residentBytes(): number {
    const status = readFileSync(`/proc/${String(this.pid)}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  /** Processor time used since the start by all threads, user and system, in milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${String(this.pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  }

  #finish(end: Ended, resolve: (end: Ended) => void): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#tell();
    resolve(end);
  }

  #capture(
    stream: ChildProcess['stdout'],
    name: 'stdout' | 'stderr',
    options: ProgramOptions,
  ): void {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      if (this[name].length < CAPTURE_CHARS_MAX) this[name] += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line, options);
      this.#tell();
    });
  }

  #note(line: string, options: ProgramOptions): void {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES_MAX) this.#tail.shift();
    options.onLine?.(line);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The caller's environment without anything that changes what the programs under test do. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('OVERLAY_') && name !== 'FORCE_COLOR' && name !== 'NODE_OPTIONS',
  );
  return { ...Object.fromEntries(kept), NO_COLOR: '1', PATH: TOOL_PATH };
}
