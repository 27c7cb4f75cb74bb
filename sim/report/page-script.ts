/**
 * What runs in the page: draws each plot from the data in it, as wide as there is room, and again when that changes. It
 * reads `#data`: plots with a title, names of axes, and curves of [name, xs, ys].
 */
export const PAGE_SCRIPT = `
'use strict';
const { plots } = JSON.parse(document.getElementById('data').textContent);
const dark = matchMedia('(prefers-color-scheme: dark)');
const colors = ['#2a78d6', '#d6692a', '#2a9d5c', '#a04fc4', '#b58a00', '#c43f6b'];
const drawn = [];
const format = (value) => (value === null || value === undefined ? '' : Number(value.toPrecision(4)).toLocaleString('en'));
function draw() {
  for (const plot of drawn.splice(0)) plot.destroy();
  const ink = dark.matches ? '#ddd' : '#333';
  const grid = dark.matches ? '#444' : '#ddd';
  plots.forEach((plot, index) => {
    const holder = document.getElementById('plot-' + index);
    const tables = plot.curves.map(([, xs, ys]) => [xs, ys]);
    const data = tables.length === 1 ? tables[0] : uPlot.join(tables);
    const axis = (label) => ({ label, stroke: ink, grid: { stroke: grid }, ticks: { stroke: grid }, values: (_, all) => all.map(format) });
    drawn.push(new uPlot({
      width: holder.clientWidth,
      height: 260,
      scales: { x: { time: false } },
      axes: [axis(plot.x), { ...axis(plot.y), size: 64 }],
      series: [
        { label: plot.x, value: (_, v) => format(v) },
        ...plot.curves.map(([label], at) => ({ label, stroke: colors[at % colors.length], width: 1.5, spanGaps: true, value: (_, v) => format(v) })),
      ],
    }, data, holder));
  });
}
draw();
dark.addEventListener('change', draw);
let later = 0;
addEventListener('resize', () => { clearTimeout(later); later = setTimeout(draw, 100); });
`;
