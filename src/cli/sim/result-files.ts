/** Results of simulations on disk. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { CodedError, messageOf } from '../../../overlay/base/errors.js';
import { reportPage } from '../../../sim/report/page.js';
import { resultSchema, type MergedResult, type RunResult } from '../../../sim/report/result.js';
import { usageError } from '../exit.js';
import { pageAssets } from './page-assets.js';

export const RESULT_FILE = 'result.json';
const REPORT_FILE = 'report.html';

/** @throws CodedError `io` */
export function writeResult(folder: string, result: RunResult | MergedResult): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, RESULT_FILE), `${JSON.stringify(result)}\n`);
    writeFileSync(path.join(folder, REPORT_FILE), reportPage(result, pageAssets()));
  } catch (error) {
    throw new CodedError('io', `the result cannot be written to ${folder}: ${messageOf(error)}`);
  }
}

/** @param file a result, or the folder it is in. @throws CodedError `usage` */
export function readResult(file: string): RunResult | MergedResult {
  const name = file.endsWith('.json') ? file : path.join(file, RESULT_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(name, 'utf8'));
  } catch (error) {
    throw usageError(`${name} cannot be read: ${messageOf(error)}`);
  }
  const parsed = resultSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usageError(
    `${name} is no result of a simulation: ${z.prettifyError(parsed.error).split('\n')[0] ?? ''}`,
  );
}
