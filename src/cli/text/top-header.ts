/** The lines above the table of `overlay top`: which node this is, whether it is well, and all its traffic. */
import type { StatusFacts } from '../../node/control.js';
import { totalRates, type Rates } from '../live/rates.js';
import type { Colors } from './colors.js';
import { clean, count, formatRate, formatSeconds } from './format.js';

interface Part {
  readonly text: string;
  readonly paint: (text: string) => string;
}

const GAP = '  ';

function plain(text: string): Part {
  return { text, paint: (same) => same };
}

/** As many parts on a line as there is room for; `columns` 0: all of them. */
function flow(parts: readonly Part[], columns: number): string[] {
  const lines: string[] = [];
  let cells = Infinity;
  for (const { text, paint } of parts) {
    const longer = cells + GAP.length + text.length;
    const fits = lines.length > 0 && (columns === 0 || longer <= columns);
    cells = fits ? longer : text.length;
    lines.push(fits ? `${lines.pop() ?? ''}${GAP}${paint(text)}` : paint(text));
  }
  return lines;
}

function stateOf({ ready, waitingFor }: StatusFacts, colors: Colors): Part {
  if (ready) return { text: 'ready', paint: colors.good };
  return { text: `not ready: ${clean(waitingFor ?? 'starting')}`, paint: colors.warning };
}

/** @param notice why all this is old, or null. */
export function topHeader(
  status: StatusFacts,
  rates: readonly Rates[],
  notice: string | null,
  columns: number,
  colors: Colors,
): string[] {
  const { connected, direct, relayed } = status.peers;
  const { txBps, rxBps } = totalRates(rates);
  const dropped = Object.values(status.drops).reduce((sum, packets) => sum + packets, 0);
  const node = [
    { text: clean(status.name ?? '(no name yet)'), paint: colors.strong },
    plain(clean(status.address4 ?? status.address6)),
    stateOf(status, colors),
    plain(`${count(connected, 'peer')} (${String(direct)} direct, ${String(relayed)} relayed)`),
    plain(`up ${formatSeconds(status.uptimeS)}`),
  ];
  const traffic = [
    { text: `out ${formatRate(txBps)}`, paint: colors.strong },
    { text: `in ${formatRate(rxBps)}`, paint: colors.strong },
    plain(`dropped ${String(dropped)}`),
  ];
  const old = notice === null ? [] : [{ text: clean(notice), paint: colors.bad }];
  return [node, traffic, old].flatMap((parts) => flow(parts, columns));
}
