// Walks over pages in Chromium with scripts off, and says what axe finds on each, how wide it is, and what is too small to press.
//
// node look.js CHROMIUM FOLDER < walks.json: [{name, url, locale, steps: [[["check", "input[...]"], ["click", "button"]], ...]}].
// A walk shows its first page and one more after each of its steps. Prints a line of JSON; screenshots are in FOLDER.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PHONE = { width: 360, height: 740 };
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

async function measured(page) {
  return page.evaluate(() => ({
    direction: document.documentElement.dir,
    width: document.documentElement.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    background: getComputedStyle(document.body).backgroundColor,
  }));
}

// The page itself ran no script; axe looks at a copy of it (its state and its styles) where scripts may run.
async function seen(page, copy) {
  await copy.setContent(await page.content());
  await copy.evaluate(axe);
  const found = await copy.evaluate((tags) => axe.run(document, { runOnly: tags, resultTypes: ["violations"] }), TAGS);
  return found.violations.map((each) => ({ rule: each.id, help: each.help, nodes: each.nodes.map((node) => node.html) }));
}

async function walked(browser, walk, scheme, folder) {
  const like = { viewport: PHONE, locale: walk.locale, colorScheme: scheme, extraHTTPHeaders: walk.headers || {} };
  const still = await browser.newContext({ ...like, javaScriptEnabled: false });
  const lively = await browser.newContext({ ...like, bypassCSP: true });
  const [page, copy] = [await still.newPage(), await lively.newPage()];
  page.setDefaultTimeout(30000);
  const pages = [];
  await page.goto(walk.url);
  for (let number = 0; ; number += 1) {
    const name = `${walk.name}-${number}-${scheme}`;
    await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
    pages.push({ name, title: await page.title(), scheme, violations: await seen(page, copy), ...(await measured(copy)) });
    if (number === walk.steps.length) break;
    for (const [act, where, what] of walk.steps[number]) await page.locator(where).first()[act](...(what ? [what] : []));
  }
  await still.close();
  await lively.close();
  return pages;
}

async function main(executablePath, folder) {
  const walks = JSON.parse(fs.readFileSync(0, "utf8"));
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const pages = [];
  for (const walk of walks) for (const scheme of ["light", "dark"]) pages.push(...(await walked(browser, walk, scheme, folder)));
  await browser.close();
  process.stdout.write(`${JSON.stringify(pages)}\n`);
}

main(...process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
