// Opens the report's pages in a real browser: what needs no browser is tested in src/report/page.
//
//   node check.mjs PAGES PICTURES
//
// PAGES holds report.LANGUAGE.html and expected.json, numbers that another program computed from the
// same tables. Pictures of what was looked at go to PICTURES.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [pages, pictures] = process.argv.slice(2).map((folder) => path.resolve(folder));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const expected = JSON.parse(readFileSync(path.join(pages, 'expected.json'), 'utf8'));

const views = [
  { name: 'desk', width: 1280, height: 900, colorScheme: 'light', languages: ['en', 'sv', 'pt'] },
  { name: 'dark', width: 1280, height: 900, colorScheme: 'dark', languages: ['en'] },
  { name: 'phone', width: 390, height: 844, colorScheme: 'light', languages: ['en', 'sv', 'pt'] },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark', languages: ['en'] },
  { name: 'narrowest', width: 320, height: 640, colorScheme: 'light', languages: ['pt'] },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});
let checks = 0;
const hold = (condition, words) => {
  checks += 1;
  assert.ok(condition, words);
};

try {
  for (const view of views) {
    for (const language of view.languages) {
      await look(view, language);
    }
  }
  await withoutScripts();
  await onPaper();
} finally {
  await browser.close();
}
console.log(`${checks} passed, 0 failed`);

/** Opens a page and tells every request and complaint. */
async function open(options, language) {
  const context = await browser.newContext({ bypassCSP: true, ...options });
  const asked = [];
  const complaints = [];
  const page = await context.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  const url = pathToFileURL(path.join(pages, `report.${language}.html`)).href;
  await page.goto(url);
  const others = asked.filter((address) => address !== url && !address.startsWith('data:'));
  hold(others.length === 0, `the page asked for ${others}`);
  hold(complaints.length === 0, `the browser complained: ${complaints}`);
  return { context, page };
}

async function look(view, language) {
  const where = `${view.name}, ${language}`;
  const viewport = { width: view.width, height: view.height };
  const { context, page } = await open({ viewport, colorScheme: view.colorScheme }, language);
  await page.screenshot({ path: path.join(pictures, `${view.name}-${language}.png`), fullPage: true });
  const spilled = await page.evaluate(spills);
  hold(spilled.length === 0, `${where}: text leaves its place: ${spilled.slice(0, 5).join('; ')}`);
  await page.evaluate(axe);
  const options = { resultTypes: ['violations'] };
  const found = await page.evaluate((chosen) => window.axe.run(document, chosen), options);
  const told = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes[0].html}`);
  hold(told.length === 0, `${where}: axe-core finds ${told.join('\n')}`);
  hold(found.passes.length > 20, `${where}: axe-core looked at ${found.passes.length} rules alone`);
  // Also with everything unfolded.
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
  const unfolded = await page.evaluate(spills);
  hold(unfolded.length === 0, `${where}, unfolded: ${unfolded.slice(0, 5).join('; ')}`);
  if (language === 'en') {
    for (const [metric, value] of Object.entries(expected)) {
      const shown = await page.locator(`#m-${metric} .value`).innerText();
      hold(shown.replaceAll('\u00a0', ' ') === value, `${metric}: the page says ${shown}, the tables ${value}`);
    }
  }
  await context.close();
}

/** Everything is there to be read where scripts do not run. */
async function withoutScripts() {
  const { context, page } = await open({ javaScriptEnabled: false }, 'en');
  hold((await page.locator('.card svg').count()) > 20, 'pictures without scripts');
  await page.locator('.card summary').first().click();
  hold(await page.locator('.card details table').first().isVisible(), 'a table unfolds without scripts');
  await context.close();
}

async function onPaper() {
  const { context, page } = await open({ viewport: { width: 794, height: 1123 }, colorScheme: 'dark' }, 'en');
  await page.emulateMedia({ media: 'print' });
  const spilled = await page.evaluate(spills);
  hold(spilled.length === 0, `paper: text leaves its place: ${spilled.slice(0, 5).join('; ')}`);
  // A dark desk prints on white paper.
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  hold(paper === 'rgb(255, 255, 255)', `paper is ${paper}`);
  const pdf = await page.pdf({
    path: path.join(pictures, 'paper-en.pdf'), format: 'A4', printBackground: true,
    margin: { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' },
  });
  hold(pdf.length > 50_000, 'a document');
  await context.close();
}

/** Runs in the page: the texts that leave their box, their drawing or the screen, or lie on others. */
function spills() {
  const found = [];
  const screen = document.documentElement;
  if (screen.scrollWidth > screen.clientWidth) {
    found.push(`the page is ${screen.scrollWidth} wide on a screen of ${screen.clientWidth}`);
  }
  const isShown = (element) => element.getClientRects().length > 0;
  for (const box of document.querySelectorAll('body *:not(svg *, svg, .hidden, .skip, .scroll)')) {
    if (isShown(box) && getComputedStyle(box).display !== 'inline' && box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0) {
      found.push(`<${box.tagName.toLowerCase()} class="${box.className}"> ${box.textContent.trim().slice(0, 40)}`);
    }
  }
  for (const drawing of document.querySelectorAll('svg[role=img]')) {
    if (!isShown(drawing)) continue;
    const frame = drawing.getBoundingClientRect();
    const texts = [...drawing.querySelectorAll('text')].map((text) => ({ text, box: text.getBoundingClientRect() }));
    for (const [at, { text, box }] of texts.entries()) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
        found.push(`outside its drawing: ${text.textContent}`);
      }
      for (const other of texts.slice(at + 1)) {
        const [one, two] = [box, other.box];
        const apart = one.right <= two.left || two.right <= one.left || one.bottom <= two.top + 3 || two.bottom <= one.top + 3;
        if (!apart) found.push(`one on the other: ${text.textContent} and ${other.text.textContent}`);
      }
    }
  }
  return found;
}
