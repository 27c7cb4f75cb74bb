/** `exp:10m`, `weibull:0.59,41.9m`, `pareto:1.5,5m`, `fixed:10m` and `trace:FILE`, as people write them. */
import { readFileSync } from 'node:fs';
import { messageOf } from '../../../overlay/base/errors.js';
import { ok, reject, type Result } from '../../../overlay/base/result.js';
import type { Lengths } from '../../../sim/churn/lengths.js';
import { parseDuration } from '../../config/quantity.js';

const FORMS =
  'write exp:MEAN, weibull:SHAPE,SCALE, pareto:SHAPE,MIN, fixed:TIME or trace:FILE, such as weibull:0.59,41.9m';
/** Lengths in a file. */
const TRACE_LINES_MAX = 1_000_000;

type Parsed = Result<Lengths, 'bad-lengths'>;

function wrong(detail: string): Parsed {
  return reject('bad-lengths', detail);
}

function durationOf(text: string): Result<number, 'bad-lengths'> {
  const ms = parseDuration(text);
  if (!ms.ok) return reject('bad-lengths', ms.detail);
  if (ms.value === 0) return reject('bad-lengths', `'${text}' is no time at all`);
  return ok(ms.value);
}

/** @param read the text of a file; throws if it cannot */
export function parseLengths(
  text: string,
  read: (file: string) => string = (file) => readFileSync(file, 'utf8'),
): Parsed {
  const [, kind = '', rest = ''] = /^([a-z]+):(.+)$/s.exec(text) ?? [];
  switch (kind) {
    case 'exp': {
      const mean = durationOf(rest);
      return mean.ok ? ok({ kind, meanMs: mean.value }) : mean;
    }
    case 'fixed': {
      const ms = durationOf(rest);
      return ms.ok ? ok({ kind, ms: ms.value }) : ms;
    }
    case 'weibull':
    case 'pareto':
      return parseShaped(kind, rest);
    case 'trace':
      return parseTrace(rest, read);
    default:
      return wrong(`'${text}' is no model of sessions: ${FORMS}`);
  }
}

function parseShaped(kind: 'weibull' | 'pareto', text: string): Parsed {
  const [shapeText = '', timeText, ...more] = text.split(',');
  const shape = /^\d{1,6}(\.\d{1,6})?$/.test(shapeText) ? Number(shapeText) : Number.NaN;
  if (timeText === undefined || more.length > 0)
    return wrong(`'${kind}:${text}' is not ${kind}:SHAPE,TIME`);
  if (!(shape > 0)) return wrong(`'${shapeText}' is no shape: a number above 0`);
  const time = durationOf(timeText.trim());
  if (!time.ok) return time;
  if (kind === 'weibull') return ok({ kind, shape, scaleMs: time.value });
  if (shape <= 1)
    return wrong(`a Pareto distribution with shape ${shapeText} has no mean: above 1`);
  return ok({ kind, shape, minMs: time.value });
}

/** One duration in a line; empty lines and those that begin with # are left out. */
function parseTrace(file: string, read: (file: string) => string): Parsed {
  let text: string;
  try {
    text = read(file);
  } catch (error) {
    return wrong(`${file} cannot be read: ${messageOf(error)}`);
  }
  const found: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const ms = durationOf(trimmed);
    if (!ms.ok) return wrong(`${file}, line ${String(index + 1)}: ${ms.detail}`);
    found.push(ms.value);
    if (found.length > TRACE_LINES_MAX)
      return wrong(`${file} has more than ${TRACE_LINES_MAX} lengths`);
  }
  if (found.length === 0) return wrong(`${file} has no lengths: one duration in each line`);
  return ok({ kind: 'trace', ms: found });
}
