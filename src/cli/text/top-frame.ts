/** One picture of `overlay top`: the node, and where its traffic goes, the busiest peers first. */
import type { StatusFacts } from '../../node/control.js';
import type { PeerId } from '../../../overlay/base/peer-id.js';
import type { RatedPath, RatedPeer } from '../live/rates.js';
import type { Colors } from './colors.js';
import { fitScreen } from './fit-screen.js';
import {
  clean,
  count,
  formatEndpoint,
  formatMs,
  formatRate,
  formatShare,
  peerLabel,
} from './format.js';
import { capacityText, linkText, stateText } from './link-state.js';
import { sparkline } from './sparkline.js';
import { clip, renderTable, type Cell, type Column } from './table.js';
import { topHeader } from './top-header.js';

export interface TopView {
  readonly status: StatusFacts;
  readonly peers: readonly RatedPeer[];
  readonly history: {
    /** Rates of a peer, oldest first. */
    of(peer: PeerId): readonly number[];
  };
  /** Why the picture is old, if it is. */
  readonly notice: string | null;
}

/** In terminal cells; 0: no limit. */
export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** Longer names are cut, or one of them would push all numbers out of a narrow terminal. */
const LABEL_CELLS_MAX = 24;
/** Samples in the sparkline, for terminals from this width on. */
const SPARK_WIDTHS = [
  [110, 30],
  [72, 15],
  [0, 8],
] as const;
const HELP = 'q: quit  p: show or hide paths';
const NO_PEERS = 'no peers yet: run overlay invite and join with another machine';

function sparkWidth({ columns }: FrameSize): number {
  const width = columns === 0 ? Infinity : columns;
  return SPARK_WIDTHS.find(([from]) => width >= from)?.[1] ?? 0;
}

function columnsFor(size: FrameSize): readonly Column[] {
  return [
    { head: 'PEER' },
    { head: 'ADDRESS', rank: 6 },
    { head: 'STATE', rank: 1 },
    { head: 'RTT', align: 'right', rank: 2 },
    { head: 'LOSS', align: 'right', rank: 4 },
    { head: 'CAPACITY', align: 'right', rank: 5 },
    { head: 'OUT', align: 'right' },
    { head: 'IN', align: 'right' },
    { head: `LAST ${String(sparkWidth(size))}`, rank: 1 },
    { head: 'DROPS', align: 'right', rank: 3 },
  ];
}

/** What an interactive packet sees: the best of the paths that work. */
function bestRtt({ paths }: RatedPeer): number | null {
  const times = paths.flatMap(({ state, rttMs }) =>
    state === 'dead' || rttMs === null ? [] : [rttMs],
  );
  return times.length === 0 ? null : Math.min(...times);
}

function peerRow(peer: RatedPeer, view: TopView, size: FrameSize, colors: Colors): readonly Cell[] {
  return [
    { painted: colors.strong(clip(peerLabel(peer), LABEL_CELLS_MAX)) },
    peer.address4 ?? peer.address6,
    { painted: clip(linkText(peer, view.peers, colors), LABEL_CELLS_MAX) },
    formatMs(bestRtt(peer)),
    '',
    '',
    formatRate(peer.txBps),
    formatRate(peer.rxBps),
    sparkline(view.history.of(peer.peerId), sparkWidth(size)),
    String(peer.drops.queue),
  ];
}

function pathRow(path: RatedPath, colors: Colors): readonly Cell[] {
  const label = [' ', String(path.id), path.transport, path.interface ?? ''].join(' ');
  const backup = path.backup ? ' backup' : '';
  return [
    clip(clean(label), LABEL_CELLS_MAX),
    formatEndpoint(path.remote),
    { painted: `${stateText(path.state, colors)}${backup}` },
    formatMs(path.rttMs),
    formatShare(path.lossRatio),
    capacityText(path),
    formatRate(path.txBps),
    formatRate(path.rxBps),
    '',
    String(path.dropped.packets),
  ];
}

/** Those with the same rate stay where they are from one picture to the next. */
function busiestFirst(peers: readonly RatedPeer[]): readonly RatedPeer[] {
  const rate = ({ txBps, rxBps }: RatedPeer): number => (txBps ?? 0) + (rxBps ?? 0);
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...peers].sort(
    (a, b) => rate(b) - rate(a) || order(peerLabel(a), peerLabel(b)) || order(a.peerId, b.peerId),
  );
}

interface Row {
  readonly isPeer: boolean;
  /** Made only if the row is shown: there may be thousands. */
  readonly cells: () => readonly Cell[];
}

function rowsOf(view: TopView, size: FrameSize, withPaths: boolean, colors: Colors): Row[] {
  return busiestFirst(view.peers).flatMap((peer) => [
    { isPeer: true, cells: () => peerRow(peer, view, size, colors) },
    ...(withPaths ? peer.paths : []).map((path) => ({
      isPeer: false,
      cells: () => pathRow(path, colors),
    })),
  ]);
}

/** `... 12 more peers`, or paths if all peers are shown. */
function restLine(hidden: readonly Row[]): string {
  const peers = hidden.filter(({ isPeer }) => isPeer).length;
  return `... ${peers > 0 ? count(peers, 'more peer') : count(hidden.length, 'more path')}`;
}

/** The table of all that has room, and a line for what has not. @param room in lines, heads excepted. */
function tableLines(
  rows: readonly Row[],
  room: number,
  size: FrameSize,
  colors: Colors,
): readonly string[] {
  if (rows.length === 0) return [NO_PEERS];
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(0, room - 1));
  const cells = shown.map((row) => row.cells());
  const table = renderTable(columnsFor(size), cells, colors, size.columns);
  const rest = shown.length === rows.length ? [] : [restLine(rows.slice(shown.length))];
  return [...table.trimEnd().split('\n'), ...rest];
}

export interface Frame {
  /** No wider and no more than fit the screen. */
  readonly lines: readonly string[];
  readonly withPaths: boolean;
}

/** @param showPaths null: if there is room for all of them. */
export function renderTop(
  view: TopView,
  size: FrameSize,
  showPaths: boolean | null,
  colors: Colors,
): Frame {
  const { columns, rows: height } = size;
  const header = topHeader(view.status, view.peers, view.notice, columns, colors);
  const footer = height === 0 ? [] : [colors.faint(HELP)];
  // Besides these an empty line, and the heads of the table.
  const room = height === 0 ? Infinity : height - header.length - footer.length - 2;
  const all = view.peers.reduce((sum, { paths }) => sum + 1 + paths.length, 0);
  const withPaths = showPaths ?? all <= room;
  const rows = rowsOf(view, size, withPaths, colors);
  const lines = [...header, '', ...tableLines(rows, room, size, colors)];
  return { lines: fitScreen(lines, footer, columns, height), withPaths };
}
