/** The library that draws the plots of a report, as it is in its package. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { PageAssets } from '../../../sim/report/page.js';

export function pageAssets(): PageAssets {
  const { resolve } = createRequire(import.meta.url);
  return {
    plotScript: readFileSync(resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    plotStyle: readFileSync(resolve('uplot/dist/uPlot.min.css'), 'utf8'),
  };
}
