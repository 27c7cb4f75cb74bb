/** The nodes of a run on a circle, in the order of their ids, and who is connected to whom. */
import type { RunResult } from './result.js';
import { escapeHtml } from './page-text.js';

const SIZE = 640;
const RADIUS = 290;
/** More lines make a disc, in which nothing can be told apart. */
const LINKS_MAX = 4_000;

export function topologyImage({ nodes, links }: RunResult['topology']): string {
  const points = nodes.map(([name, ring]) => {
    const angle = ring * 2 * Math.PI - Math.PI / 2;
    const x = (SIZE / 2 + RADIUS * Math.cos(angle)).toFixed(1);
    const y = (SIZE / 2 + RADIUS * Math.sin(angle)).toFixed(1);
    return { name, x, y };
  });
  const lines = links.slice(0, LINKS_MAX).flatMap(([from, to]) => {
    const [a, b] = [points[from], points[to]];
    return a === undefined || b === undefined ? [] : [`M${a.x} ${a.y}L${b.x} ${b.y}`];
  });
  const dots = points.map(
    ({ name, x, y }) =>
      `<circle cx="${x}" cy="${y}" r="4"><title>${escapeHtml(name)}</title></circle>`,
  );
  const label = `${nodes.length} nodes in the order of their ids, ${links.length} connections`;
  return `<svg viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="${label}"><path d="${lines.join('')}"/>${dots.join('')}</svg><p>${label}</p>`;
}
