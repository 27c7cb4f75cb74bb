/** Whether and how an output is coloured. */
import type { Output } from '../context.js';

export interface Colors {
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
}

const PLAIN: Colors = {
  good: (text) => text,
  warning: (text) => text,
  bad: (text) => text,
  faint: (text) => text,
  strong: (text) => text,
};

/** Only a terminal is coloured, and only if neither `NO_COLOR` (no-color.org) nor `TERM=dumb` forbids it. */
export function wantsColor(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const forbidden = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return output.isTTY && !forbidden;
}

export async function loadColors(
  output: Output,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Colors> {
  if (!wantsColor(output, env)) return PLAIN;
  const { default: picocolors } = await import('picocolors');
  const { green, yellow, red, dim, bold } = picocolors.createColors(true);
  return { good: green, warning: yellow, bad: red, faint: dim, strong: bold };
}
