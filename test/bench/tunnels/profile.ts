/**
 * What the data plane's thread spends its time on while one TCP stream passes, at the sending and at the
 * receiving end. Profiles are kept below `bench-results/profile`, to be opened in any viewer.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../../netns/lab/lab.js';
import { PROJECT_ROOT } from '../../netns/lab/requirements.js';
import type { TunnelsSize } from '../size.js';
import { markdownTable, percent } from '../table.js';
import { tcp } from '../traffic.js';
import { cable } from './cable.js';
import { startOverlay } from './overlay.js';
import { summarise, type ProfileSummary } from './profile-summary.js';

const FOLDER = join(PROJECT_ROOT, 'bench-results', 'profile');
const ENDS = ['sending', 'receiving'] as const;
/** Longer lists show functions below a hundredth. */
const ROWS = 10;

/** The profile of the thread that waits for packets, which a process writes beside its main one. */
function ofWorker(folder: string): ProfileSummary {
  const summaries = readdirSync(folder).map((name) => summarise(join(folder, name)));
  const worker = summaries.find(({ isDataPlane }) => isDataPlane);
  if (worker === undefined) throw new Error(`no profile of a data plane in ${folder}`);
  return worker;
}

function table(end: string, { functions, waitingShare }: ProfileSummary): string {
  const rows = functions
    .slice(0, ROWS)
    .map(({ name, place, share }) => [`\`${name}\``, place, percent(share, 1)]);
  const waits = `Of its time it waited ${percent(waitingShare)}; shares are of the rest.`;
  return `${markdownTable([[`${end} end`, 'where', 'self time'], ...rows])}\n\n${waits}`;
}

/** Starts the overlay on two hosts of its own. @returns two tables */
export async function profileOverlay(size: TunnelsSize): Promise<string> {
  const folders = ENDS.map((end) => join(FOLDER, end));
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const [sending = [], receiving = []] = folders.map((folder) => [
    ...['--cpu-prof', '--cpu-prof-dir', folder],
  ]);
  const lab = await Lab.create({ tools: ['iperf3'] });
  try {
    const pair = cable(lab);
    const running = await startOverlay(pair, [sending, receiving]);
    const [from, to] = pair.hosts;
    const seconds = size.warmUpS + size.profileS;
    await tcp({ from, to, address: running.inner[1] }, { seconds });
    await running.stop();
  } finally {
    await lab.close();
  }
  return folders.map((folder, index) => table(ENDS[index] ?? '', ofWorker(folder))).join('\n\n');
}
