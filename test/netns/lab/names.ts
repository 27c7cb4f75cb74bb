/**
 * Names of namespaces and folders. Each carries the process that made it, pid and start time, so that
 * a later run can tell the leavings of a killed one from a lab in use, even after a pid was reused.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PREFIX = 'ovlab';
const NAME = /^ovlab-(\d+)-([0-9a-z]+)-[0-9a-f]+(?:-|$)/;

/** Start of a process in clock ticks since boot (field 22 of proc(5) `stat`), or null if it is gone. */
function startTicks(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The second field, the command, may itself hold blanks and brackets: count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[19]);
}

/** A prefix no other lab has, such as `ovlab-4711-2s9f-1f09ab`. */
export function newLabName(): string {
  const start = startTicks(process.pid) ?? 0;
  return `${PREFIX}-${String(process.pid)}-${start.toString(36)}-${randomBytes(3).toString('hex')}`;
}

/** True for the name of a lab, or of a part of one, whose process has ended. */
export function isStale(name: string): boolean {
  const match = NAME.exec(name);
  if (match === null) return false;
  const start = startTicks(Number(match[1]));
  return start === null || start.toString(36) !== match[2];
}
