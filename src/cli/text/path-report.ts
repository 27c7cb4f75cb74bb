/** The paths to each peer as people read them: why packets go as they do, and how each path does. */
import type { RatedPath, RatedPeer } from '../live/rates.js';
import type { Colors } from './colors.js';
import {
  clean,
  count,
  formatBytes,
  formatEndpoint,
  formatMs,
  formatRate,
  formatShare,
  peerLabel,
} from './format.js';
import { capacityText, linkText, stateText } from './link-state.js';
import { renderTable, type Cell, type Column } from './table.js';

export interface ReportOptions {
  /** All peers, for the names of relays. */
  readonly known: readonly RatedPeer[];
  /** Rates since the sample before, instead of the bytes of all time. */
  readonly rates: boolean;
  /** Width of the terminal; 0: no limit. */
  readonly columns: number;
}

const INDENT = '  ';
const ENDS = 'LOCAL -> REMOTE';

const COLUMNS: readonly Column[] = [
  { head: 'ID', align: 'right' },
  { head: 'TYPE', rank: 1 },
  { head: 'INTERFACE', rank: 3 },
  // Long, so it goes first, to a line of its own.
  { head: ENDS, rank: 9 },
  { head: 'METRIC', rank: 5 },
  { head: 'STATE' },
  { head: 'RTT', align: 'right' },
  { head: 'LOSS', align: 'right', rank: 2 },
  { head: 'CAPACITY', align: 'right', rank: 4 },
  { head: 'OUT', align: 'right' },
  { head: 'IN', align: 'right' },
  { head: 'DROPS', align: 'right', rank: 6 },
  { head: 'MTU', align: 'right', rank: 7 },
];

function endsText(path: RatedPath): string {
  return `${formatEndpoint(path.local)} -> ${formatEndpoint(path.remote)}`;
}

function metricText({ metric, backup }: RatedPath): string {
  return `${String(metric)}${backup ? ' backup' : ''}`;
}

function row(path: RatedPath, { rates }: ReportOptions, colors: Colors): readonly Cell[] {
  return [
    String(path.id),
    path.transport,
    path.interface ?? '-',
    endsText(path),
    metricText(path),
    { painted: stateText(path.state, colors) },
    formatMs(path.rttMs),
    formatShare(path.lossRatio),
    capacityText(path),
    rates ? formatRate(path.txBps) : formatBytes(path.tx.bytes),
    rates ? formatRate(path.rxBps) : formatBytes(path.rx.bytes),
    String(path.dropped.packets),
    path.mtuBytes === null ? '-' : String(path.mtuBytes),
  ];
}

/** `nas  10.77.8.1  direct  adaptive, overflow: two paths combined`. */
function headline(peer: RatedPeer, all: readonly RatedPeer[], colors: Colors): string {
  const { address4, address6, scheduler, overflow, schedulerWhy } = peer;
  const why = schedulerWhy === null ? '' : `: ${clean(schedulerWhy)}`;
  return [
    colors.strong(peerLabel(peer)),
    clean(address4 ?? address6),
    linkText(peer, all, colors),
    `${scheduler}${overflow ? ', overflow' : ''}${why}`,
  ].join(INDENT);
}

/** Null when all is well, as it nearly always is. */
function troubleLine({
  queue,
  drops,
  copies,
  repairs,
  duplicates,
  lost,
}: RatedPeer): string | null {
  const counts = [
    [queue.packets, `${count(queue.packets, 'packet')} waiting (${formatBytes(queue.bytes)})`],
    [drops.queue, `${String(drops.queue)} dropped`],
    [copies, `${String(copies)} sent twice or more`],
    [repairs, `${String(repairs)} sent again`],
    [duplicates, count(duplicates, 'duplicate')],
    [lost, `${String(lost)} lost`],
  ] as const;
  const seen = counts.filter(([packets]) => packets > 0).map(([, text]) => text);
  return seen.length === 0 ? null : seen.join(', ');
}

/** What the columns that had to be left out would say, as far as it is worth a line. */
function detailText(path: RatedPath, head: string): string {
  const details = [
    ['METRIC', `metric ${metricText(path)}`],
    ['DROPS', path.dropped.packets === 0 ? '' : `${String(path.dropped.packets)} dropped`],
    ['MTU', path.mtuBytes === null ? '' : `MTU ${String(path.mtuBytes)}`],
  ] as const;
  const missing = details.filter(([column, text]) => text !== '' && !head.includes(column));
  return [endsText(path), ...missing.map(([, text]) => text)].join(INDENT);
}

/** Lines of one peer below its headline. @param lines the table's lines of its paths. */
function body(peer: RatedPeer, head: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return ['no path is open'];
  if (head.includes(ENDS)) return [head, ...lines];
  const pairs = peer.paths.flatMap((path, index) => [
    lines[index] ?? '',
    `    ${detailText(path, head)}`,
  ]);
  return [head, ...pairs];
}

/**
 * A block for each peer that has a link, with columns that line up in all of them. A terminal that is too
 * narrow gets fewer columns, and what was in the longest of them below each path. Ends with a line break.
 */
export function renderPathReport(
  peers: readonly RatedPeer[],
  options: ReportOptions,
  colors: Colors,
): string {
  const linked = peers.filter(({ link, paths }) => link !== 'none' || paths.length > 0);
  if (linked.length === 0) return 'no paths: there is no direct or relayed link yet\n';
  const rows = linked.flatMap(({ paths }) => paths.map((path) => row(path, options, colors)));
  const width = options.columns === 0 ? 0 : Math.max(1, options.columns - INDENT.length);
  const [head = '', ...lines] = renderTable(COLUMNS, rows, colors, width).split('\n');
  let taken = 0;
  const blocks = linked.map((peer) => {
    const own = lines.slice(taken, (taken += peer.paths.length));
    const trouble = troubleLine(peer);
    const below = [
      ...body(peer, head, own),
      ...(trouble === null ? [] : [colors.warning(trouble)]),
    ];
    return [headline(peer, options.known, colors), ...below.map((line) => `${INDENT}${line}`)].join(
      '\n',
    );
  });
  return `${blocks.join('\n\n')}\n`;
}
