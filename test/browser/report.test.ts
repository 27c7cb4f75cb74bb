/**
 * Goal: the page of a result can be read in a browser, without a network, on a wide screen and on a phone, in light and in dark.
 * Method: headless Chromium opens the page as a file with every request refused; what it drew is looked at pixel by pixel.
 */
import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { merge } from '../../sim/report/merge.js';
import { reportPage } from '../../sim/report/page.js';
import type { MergedResult, RunResult } from '../../sim/report/result.js';
import { pageAssets } from '../../src/cli/sim/page-assets.js';
import { sampleRun } from '../support/sim/sample-run.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SIZES = { wide: { width: 1_200, height: 900 }, phone: { width: 380, height: 800 } } as const;

describe('the page of a result in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-report-'));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(
    result: RunResult | MergedResult,
    options: { readonly size?: keyof typeof SIZES; readonly scheme?: 'light' | 'dark' } = {},
  ): Promise<{ page: Page; faults: string[]; requests: string[] }> {
    const file = join(folder, 'report.html');
    writeFileSync(file, reportPage(result, pageAssets()));
    const page = await browser.newPage({
      viewport: SIZES[options.size ?? 'wide'],
      colorScheme: options.scheme ?? 'light',
    });
    const [faults, requests]: [string[], string[]] = [[], []];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) requests.push(request.url());
    });
    await page.context().setOffline(true);
    await page.goto(pathToFileURL(file).href);
    return { page, faults, requests };
  }

  /** Pixels of each plot that are not empty. */
  async function drawnPixels(page: Page): Promise<number[]> {
    return await page.evaluate(`
      [...document.querySelectorAll('.plot')].map((plot) => {
        const canvas = plot.querySelector('canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let drawn = 0;
        for (let at = 3; at < data.length; at += 4) if (data[at] > 0) drawn += 1;
        return drawn;
      })`);
  }

  for (const size of ['wide', 'phone'] as const) {
    for (const scheme of ['light', 'dark'] as const) {
      it(`draws every plot, ${size} and ${scheme}, and asks nobody for anything`, async () => {
        const { page, faults, requests } = await open(sampleRun(), { size, scheme });
        const drawn = await drawnPixels(page);
        expect(drawn).to.have.length(5);
        for (const pixels of drawn) expect(pixels).to.be.greaterThan(1_000);
        const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
        expect(width).to.be.at.most(SIZES[size].width);
        expect(faults).to.deep.equal([]);
        expect(requests).to.deep.equal([]);
        await page.close();
      });
    }
  }

  it('shows the numbers of the result, and draws again when there is more room', async () => {
    const { page, faults } = await open(sampleRun(), { size: 'phone' });
    const text = String(await page.evaluate('document.body.innerText'));
    expect(text)
      .to.include('4,321 events')
      .and.include('95.000 %')
      .and.include('Nothing went wrong');
    const widthOf = async (): Promise<number> =>
      Number(await page.evaluate(`document.querySelector('.plot canvas').clientWidth`));
    const before = await widthOf();
    await page.setViewportSize(SIZES.wide);
    await page.waitForFunction(
      `document.querySelector('.plot canvas').clientWidth > ${String(before + 100)}`,
    );
    expect(faults).to.deep.equal([]);
    await page.close();
  });

  it('runs nothing that stands in a result', async () => {
    const hostile =
      '</script><script>window.hurt = 1</script><img src=x onerror="window.hurt = 1">';
    const violation = { name: hostile, atS: 1, detail: hostile, diagram: hostile };
    const run = { ...sampleRun(), verdict: 'unsafe' as const, scenario: hostile, violation };
    const { page, faults } = await open(merge([run, sampleRun({ seed: 2 })]));
    expect(await page.evaluate('window.hurt')).to.equal(undefined);
    expect(await drawnPixels(page)).to.have.length(5);
    expect(faults).to.deep.equal([]);
    await page.close();
  });
});
