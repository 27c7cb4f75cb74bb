/** Where a node keeps its state, decided without touching the disk. */
import { isAbsolute, join, resolve } from 'node:path';

/** State of the one node a machine usually runs, as the Filesystem Hierarchy Standard wants it. */
const SYSTEM_STATE_DIR = '/var/lib/overlay';

/**
 * `--state`, else `OVERLAY_STATE`, else `/var/lib/overlay` for root and `$XDG_STATE_HOME/overlay`
 * for anyone else (XDG Base Directory: a relative value is ignored).
 *
 * @returns an absolute path.
 */
export function resolveStateDir(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  uid: number,
): string {
  const wanted = [flag, env['OVERLAY_STATE']].find((path) => path !== undefined && path !== '');
  if (wanted !== undefined) return resolve(wanted);
  if (uid === 0) return SYSTEM_STATE_DIR;
  const xdg = env['XDG_STATE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'overlay');
  return resolve(env['HOME'] ?? '.', '.local/state/overlay');
}

/** The socket a running node answers on. */
export function adminSocketPath(stateDir: string): string {
  return join(stateDir, 'admin.sock');
}
