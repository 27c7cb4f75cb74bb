/** A result as one page that needs no network: what came of it, how to have it again, plots, and the numbers below them. */
import type { Quantiles } from '../statistics/summary.js';
import { PAGE_SCRIPT } from './page-script.js';
import { embeddedJson, escapeHtml, numberText, tableOf } from './page-text.js';
import { runsOf, type MergedResult, type RunResult, type Verdict } from './result.js';
import { topologyImage } from './topology.js';

/** The library uPlot: its script for a page, and its style. */
export interface PageAssets {
  readonly plotScript: string;
  readonly plotStyle: string;
}

/** Curves that are told apart by eye. */
const RUNS_DRAWN_MAX = 6;

const VERDICTS: Readonly<Record<Verdict, string>> = {
  ok: 'Nothing went wrong',
  unsafe: 'Something happened that must never happen',
  'not-converged': 'Not everything became well in time',
};

const STYLE = `
:root{color-scheme:light dark;--ink:#222;--paper:#fff;--edge:#ddd;--good:#1d7a46;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#181a1b;--edge:#444;--good:#5fce91;--bad:#ff8a80}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;padding:1rem}
h1,h2{line-height:1.2}.ok{color:var(--good)}.unsafe,.not-converged{color:var(--bad)}
code,pre{font-size:.9em;overflow-x:auto}.wide{overflow-x:auto}
table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid var(--edge);padding:.2rem .6rem;text-align:right}
td:first-child,th:first-child{text-align:left}svg{width:100%;max-width:40rem}svg path{stroke:var(--ink);stroke-opacity:.12;fill:none}
svg circle{fill:#2a78d6}.u-legend{color:var(--ink)}`;

type Curve = readonly [name: string, xs: readonly number[], ys: readonly (number | null)[]];

interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
  /** HTML. */
  readonly below: string;
}

export function reportPage(result: RunResult | MergedResult, assets: PageAssets): string {
  const runs = runsOf(result);
  const plots = plotsOf(runs).filter(({ curves }) => curves.some(([, xs]) => xs.length > 0));
  const title = `${result.scenario}: ${VERDICTS[result.verdict]}`;
  const drawn = plots.map(({ title: heading, x, y, curves }) => ({ title: heading, x, y, curves }));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)}</title><style>${assets.plotStyle}${STYLE}</style></head><body>
<h1>${escapeHtml(result.scenario)}: <span class="${result.verdict}">${VERDICTS[result.verdict]}</span></h1>
${runs.map(headOf).join('\n')}
${'means' in result ? meansOf(result) : ''}
${plots.map(({ title: heading, below }, index) => `<section><h2>${escapeHtml(heading)}</h2><div class="plot" id="plot-${index}"></div>${below}</section>`).join('\n')}
<h2>What must never happen, and what must become well</h2>
${tableOf(
  ['violation', ...runs.map(seedOf)],
  countRows(runs, ({ safety, liveness }) => ({ ...safety, ...liveness })),
)}
<h2>What the scenario is about</h2>
${tableOf(
  ['count', ...runs.map(seedOf)],
  countRows(runs, ({ facts }) => facts),
)}
${runs[0] === undefined ? '' : `<h2>Topology</h2>${topologyImage(runs[0].topology)}`}
<h2>Settings</h2><pre>${escapeHtml(JSON.stringify(runs[0]?.settings, null, 1))}</pre>
<script type="application/json" id="data">${embeddedJson({ plots: drawn })}</script>
<script>${assets.plotScript}</script><script>${PAGE_SCRIPT}</script>
</body></html>
`;
}

function seedOf({ seed }: RunResult): string {
  return `seed ${seed}`;
}

function headOf(run: RunResult): string {
  const { nodes, simulatedS, wallS, events, eventLogHash, violation, version, runtime } = run;
  const facts = `${numberText(nodes)} nodes, ${numberText(simulatedS)} s of virtual time in ${numberText(wallS)} s, ${numberText(events)} events, hash <code>${escapeHtml(eventLogHash)}</code>, overlay ${escapeHtml(version)} on ${escapeHtml(runtime)}`;
  const found =
    violation === null
      ? ''
      : `<p class="unsafe">${escapeHtml(violation.name)} at ${numberText(violation.atS)} s: ${escapeHtml(violation.detail)}</p><details><summary>The last messages of these nodes (Mermaid)</summary><pre>${escapeHtml(violation.diagram)}</pre></details>`;
  return `<p><b>${seedOf(run)}</b>: ${facts}. Again: <code>overlay sim replay result.json</code></p>${found}`;
}

function meansOf({ means }: MergedResult): string {
  const rows = Object.entries(means).map(([name, { mean, plusMinus, runs }]) => [
    name,
    numberText(mean),
    plusMinus === null ? '' : numberText(plusMinus),
    String(runs),
  ]);
  return `<h2>Means of all runs</h2>${tableOf(['number', 'mean', '95 % within', 'runs'], rows)}`;
}

function countRows(
  runs: readonly RunResult[],
  countsOf: (run: RunResult) => Readonly<Record<string, number>>,
): string[][] {
  const names = new Set(runs.flatMap((run) => Object.keys(countsOf(run))));
  return [...names].map((name) => [
    name,
    ...runs.map((run) => numberText(countsOf(run)[name] ?? 0)),
  ]);
}

function quantileRows(
  runs: readonly RunResult[],
  quantilesOf: (run: RunResult) => Quantiles | null,
): string {
  const rows = runs.map((run) => {
    const quantiles = quantilesOf(run);
    if (quantiles === null) return [seedOf(run), '0', '', '', '', '', ''];
    const { count, mean, p50, p90, p99, max } = quantiles;
    return [seedOf(run), ...[count, mean, p50, p90, p99, max].map(numberText)];
  });
  return tableOf(['', 'count', 'mean', 'p50', 'p90', 'p99', 'max'], rows);
}

function plotsOf(runs: readonly RunResult[]): Plot[] {
  const some = runs.slice(0, RUNS_DRAWN_MAX);
  const cdf = (pointsOf: (run: RunResult) => readonly (readonly number[])[]): Curve[] =>
    some.map((run) => {
      const points = pointsOf(run);
      const [xs, ys] = [0, 1].map((at) => points.map((point) => point[at] ?? 0));
      return [seedOf(run), xs ?? [], ys ?? []];
    });
  const series = (what: 'running' | 'placed' | 'bytesPerS', of: string): Curve[] =>
    some.map((run) => {
      const values = run.series[what].map((value) =>
        what === 'bytesPerS' ? value / Math.max(1, run.nodes) : value,
      );
      return [
        `${seedOf(run)}${of}`,
        values.map((_value, at) => (at + 1) * run.series.everyS),
        values,
      ];
    });
  return [
    {
      ...{ title: 'Nodes and addresses', x: 'seconds', y: 'nodes' },
      curves: [...series('running', ', running'), ...series('placed', ', with an address')],
      below: '',
    },
    {
      ...{ title: 'From start to address', x: 'milliseconds', y: 'share of nodes' },
      curves: cdf(({ lease }) => lease.acquireMsCdf),
      below: quantileRows(runs, ({ lease }) => lease.acquireMs),
    },
    {
      ...{ title: 'Lookups', x: 'milliseconds', y: 'share of correct answers' },
      curves: cdf(({ lookup }) => lookup.latencyMsCdf),
      below: quantileRows(runs, ({ lookup }) => lookup.latencyMs) + lookupRows(runs),
    },
    {
      ...{ title: 'Sent by a node', x: 'bytes a second', y: 'share of nodes' },
      curves: cdf(({ traffic }) => traffic.bytesPerSCdf),
      below: quantileRows(runs, ({ traffic }) => traffic.bytesPerS),
    },
    {
      ...{ title: 'Sent over time, by a node in the mean', x: 'seconds', y: 'bytes a second' },
      curves: series('bytesPerS', ''),
      below: '',
    },
  ];
}

function lookupRows(runs: readonly RunResult[]): string {
  const rows = runs.map((run) => {
    const { count, correct, wrong, correctShare } = run.lookup;
    const share = correctShare === null ? '' : `${(correctShare * 100).toFixed(3)} %`;
    return [seedOf(run), numberText(count), numberText(correct), numberText(wrong), share];
  });
  return tableOf(['', 'lookups', 'correct', 'wrong', 'share correct'], rows);
}
