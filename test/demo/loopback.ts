/** The demo without root: three nodes without a device, on loopback, each with its own state. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusFacts } from '../../src/node/control.js';
import type { PingFacts } from '../netns/lab/verb-facts.js';
import { Program } from '../netns/lab/program.js';
import { cliPath } from '../netns/lab/requirements.js';
import { orderedPairs } from '../netns/lab/scenario.js';
import { step } from './steps.js';

const COMMAND_TIMEOUT_MS = 40_000;
const LOG_LINES = 20;
// Nothing leaves this machine, and no two nodes want the same port.
const FLAGS = ['--no-tun', '--no-mdns', '--interface', 'lo', '--listen-port', '0'];

interface LocalNode {
  readonly name: string;
  readonly stateDir: string;
  readonly program: Program;
}

function overlay(stateDir: string, args: readonly string[]): Program {
  const [verb = '', ...rest] = args;
  return new Program([process.execPath, cliPath(), verb, '--state', stateDir, ...rest]);
}

async function facts<T>(node: LocalNode, args: readonly string[]): Promise<T> {
  const asked = overlay(node.stateDir, args);
  const { code } = await asked.waitFor(COMMAND_TIMEOUT_MS);
  if (code !== 0) throw new Error(`${node.name}: overlay ${args.join(' ')}: ${asked.stderr}`);
  return JSON.parse(asked.stdout) as T;
}

async function pingAll(nodes: readonly LocalNode[]): Promise<number> {
  const times: number[] = [];
  for (const [from, to] of orderedPairs(nodes)) {
    const args = ['ping', '--json', to.name, '-c', '2', '--interval', '100ms'];
    const { sent, received, rttMs } = await facts<PingFacts>(from, args);
    if (received !== sent || rttMs === null) throw new Error(`${to.name} did not answer`);
    times.push(rttMs.avg);
  }
  return times.reduce((sum, ms) => sum + ms, 0) / times.length;
}

async function run(folder: string, nodes: LocalNode[]): Promise<void> {
  const start = async (name: string, args: readonly string[]): Promise<StatusFacts> => {
    const stateDir = join(folder, name);
    const node = {
      name,
      stateDir,
      program: overlay(stateDir, [...args, '--name', name, ...FLAGS]),
    };
    nodes.push(node);
    await facts(node, ['wait', '--json', '--timeout', '30s']);
    return facts(node, ['status', '--json']);
  };
  const address = (status: StatusFacts): string => status.address4 ?? '';
  await step('anna:  overlay create --no-tun', () => start('anna', ['create']), address);
  const match = await nodes[0]?.program.match(/^overlay join (\S+)$/m, COMMAND_TIMEOUT_MS);
  const joining = ['join', match?.[1] ?? ''];
  await step('berta: overlay join ovl1... --no-tun', () => start('berta', joining), address);
  await step('clara: overlay join ovl1... --no-tun', () => start('clara', joining), address);
  await step(
    'each pings each other through the overlay',
    () => pingAll(nodes),
    (ms) => `${ms.toFixed(2)} ms on average`,
  );
  await step('all stop', () => Promise.all(nodes.map((node) => node.program.stop())));
}

export async function demoOnLoopback(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'overlay-demo-'));
  const nodes: LocalNode[] = [];
  const stopAll = (): void => {
    for (const node of nodes) node.program.signal('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stopAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    console.log('Three nodes on loopback, without network devices (run as root for real ones):');
    await run(folder, nodes);
  } catch (error) {
    for (const { name, program } of nodes) {
      console.error(`  ${name}:\n    ${program.tail(LOG_LINES).join('\n    ')}`);
    }
    throw error;
  } finally {
    stopAll();
  }
}
