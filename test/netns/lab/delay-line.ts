/**
 * A cable between two hosts that takes time: delay, jitter, rate, queue, loss, reordering and duplicates,
 * each direction on its own, changed while traffic passes. For kernels without netem.
 *
 * ```text
 *   host a                      namespace of the line                       host b
 *   eth0 ---- card-a = br-a = tap-a -- delay-line-main -- tap-b = br-b = card-b ---- eth0
 * ```
 *
 * Everything but the hosts' cards lives in the line's own namespace and ends with it, so that the lab
 * and the sweep remove a line as they remove a host.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../overlay/base/errors.js';
import { command, commandIn } from './command.js';
import {
  TAP_NAMES,
  type LineDirection,
  type LineReady,
  type LineReply,
  type LineRequest,
} from './delay-line-control.js';
import type { LineCounters } from './delay-line-counters.js';
import { CABLE, changed, type LineChange } from './delay-line-settings.js';
import { LabError } from './errors.js';
import type { Host } from './host.js';
import type { Lab } from './lab.js';
import { Link, type LinkAddresses } from './link.js';
import type { Program } from './program.js';
import { scriptArgs } from './scripts.js';

/** One end of the line: a host, and the addresses of the card it gets. */
export interface LineEnd extends LinkAddresses {
  readonly host: Host;
}

export interface DelayLineOptions extends LineChange {
  /** Of all randomness of the line; 1 when left out. */
  readonly seed?: number;
}

export interface LineReading extends Readonly<Record<LineDirection, LineCounters>> {
  /** Frames that the system dropped before the line saw them: the line was too slow. */
  readonly missedFrames: number;
}

const START_TIMEOUT_MS = 10_000;
/** It answers between two frames. */
const REPLY_TIMEOUT_MS = 5_000;
/** Frames that wait for the program while it is kept from running: 0.1 s of 500 Mb/s. */
const TAP_QUEUE_FRAMES = 4096;

// The line's own devices must not speak: every frame on it is one of the hosts'.
const SILENCE =
  'for scope in all default; do echo 1 >/proc/sys/net/ipv6/conf/$scope/disable_ipv6; done';

export class DelayLine {
  /** The card of the first and of the second host. */
  readonly a: Link;
  readonly b: Link;
  /** True if the program runs before all others, without which busy machines add noise. */
  readonly hasPrecedence: boolean;
  readonly #netns: string;
  readonly #program: Program;
  readonly #replies: Replies;
  readonly #pipePath: string;
  #lastId = 0;

  constructor(parts: {
    readonly links: readonly [Link, Link];
    readonly netns: string;
    readonly program: Program;
    readonly replies: Replies;
    readonly pipePath: string;
    readonly hasPrecedence: boolean;
  }) {
    [this.a, this.b] = parts.links;
    this.hasPrecedence = parts.hasPrecedence;
    this.#netns = parts.netns;
    this.#program = parts.program;
    this.#replies = parts.replies;
    this.#pipePath = parts.pipePath;
  }

  /**
   * Changes one direction, or both; in force when it returns. Frames on the way keep their time.
   * @throws CodedError `bad-setting` or LabError `closed`, `timed-out`
   */
  async set(change: LineChange, direction?: LineDirection): Promise<void> {
    changed(CABLE, change);
    const directions = direction === undefined ? (['aToB', 'bToA'] as const) : [direction];
    await this.#ask(Object.fromEntries(directions.map((name) => [name, change])), false);
  }

  /** Loses everything, also what is on the way, while both ends still see a carrier. */
  async cut(direction?: LineDirection): Promise<void> {
    await this.set({ isCut: true }, direction);
  }

  async restore(direction?: LineDirection): Promise<void> {
    await this.set({ isCut: false }, direction);
  }

  /** Since the start; the lateness since the last reading. @throws LabError `closed`, `timed-out` */
  async counters(): Promise<LineReading> {
    const { counters } = await this.#ask({}, true);
    if (counters === null) throw new LabError('command-failed', 'a reading without counters');
    const devices = commandIn(this.#netns, 'ip', ['-j', '-s', 'link', 'show', 'type', 'tun']);
    const facts = JSON.parse(devices) as { stats64: { tx: { dropped: number } } }[];
    const missedFrames = facts.reduce((sum, { stats64 }) => sum + stats64.tx.dropped, 0);
    return { ...counters, missedFrames };
  }

  async #ask(changes: LineRequest['changes'], isReading: boolean): Promise<LineReply> {
    this.#lastId += 1;
    const request: LineRequest = { id: this.#lastId, changes, isReading };
    const reply = this.#replies.of(request.id);
    writeLine(this.#pipePath, JSON.stringify(request));
    return inTime(reply, this.#program);
  }
}

/** Hands each reply of the program to whoever waits for it. */
class Replies {
  readonly #waiting = new Map<number, (reply: LineReply) => void>();

  of(id: number): Promise<LineReply> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  take(line: string): void {
    // Also told the program's own errors, which are not ours to read.
    if (!line.startsWith('{"id":')) return;
    const reply = JSON.parse(line) as LineReply;
    this.#waiting.get(reply.id)?.(reply);
    this.#waiting.delete(reply.id);
  }
}

/**
 * Joins two hosts by a new card on each. The line has a namespace and a log like a host's.
 * @throws LabError
 */
export async function delayLine(
  lab: Lab,
  name: string,
  a: LineEnd,
  b: LineEnd,
  options: DelayLineOptions = {},
): Promise<DelayLine> {
  const { seed = 1, ...settings } = options;
  const own = lab.host(name);
  commandIn(own.netns, 'sh', ['-c', SILENCE]);
  const links = [plugIn(a, own, 'a'), plugIn(b, own, 'b')] as const;
  const pipePath = join(own.folder, 'requests');
  command('mkfifo', [pipePath]);
  const replies = new Replies();
  const script = scriptArgs('delay-line-main', [pipePath, String(seed)]);
  // Helper threads of the garbage collector have no precedence, and the program would wait for them.
  const args = ['--single-threaded-gc', ...script];
  const program = own.spawn(process.execPath, args, {
    onLine: (line) => {
      replies.take(line);
    },
  });
  const [said] = await program.match(/^\{"ready".*$/m, START_TIMEOUT_MS);
  attach(own, TAP_NAMES[0], 'br-a');
  attach(own, TAP_NAMES[1], 'br-b');
  const { hasPrecedence } = JSON.parse(said) as LineReady;
  const { netns } = own;
  const line = new DelayLine({ links, netns, program, replies, pipePath, hasPrecedence });
  await line.set(settings);
  return line;
}

/** A card on the host whose other end is on a bridge of the line. */
function plugIn(end: LineEnd, own: Host, letter: string): Link {
  const { host, ...addresses } = end;
  const bridge = `br-${letter}`;
  // As a switch's: nothing is held back.
  own.ip(
    ...['link', 'add', bridge, 'type', 'bridge'],
    ...['mcast_snooping', '0', 'stp_state', '0', 'forward_delay', '0'],
  );
  own.ip('link', 'set', bridge, 'up');
  const card = { netns: host.netns, device: `eth${String(host.links.length)}` };
  const port = { netns: own.netns, device: `card-${letter}` };
  const link = new Link(card, port, addresses);
  host.links.push(link);
  own.ip('link', 'set', port.device, 'master', bridge);
  return link;
}

function attach(own: Host, tap: string, bridge: string): void {
  own.ip('link', 'set', tap, 'txqueuelen', String(TAP_QUEUE_FRAMES));
  own.ip('link', 'set', tap, 'up');
  own.ip('link', 'set', tap, 'master', bridge);
}

function writeLine(pipePath: string, line: string): void {
  let pipe: number;
  try {
    // Not blocking: without a reader it fails at once.
    pipe = openSync(pipePath, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw new LabError('closed', `the delay line has ended: ${messageOf(error)}`);
  }
  try {
    writeSync(pipe, `${line}\n`);
  } finally {
    closeSync(pipe);
  }
}

async function inTime(reply: Promise<LineReply>, program: Program): Promise<LineReply> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new LabError('timed-out', 'the delay line does not answer');
    timer = setTimeout(reject, REPLY_TIMEOUT_MS, error);
  });
  const ended = program.ended.then((): never => {
    const why = program.tail(5).join(' | ');
    throw new LabError('closed', `the delay line has ended: ${why}`);
  });
  try {
    return await Promise.race([reply, late, ended]);
  } finally {
    clearTimeout(timer);
  }
}
