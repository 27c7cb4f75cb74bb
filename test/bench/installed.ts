/** Which programs that the bench compares with are there. None of them is needed. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TOOL_PATH } from '../netns/lab/requirements.js';

function isInstalled(program: string): boolean {
  return TOOL_PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** True if all of these programs can be started. */
export function areInstalled(programs: readonly string[]): boolean {
  return programs.every(isInstalled);
}
