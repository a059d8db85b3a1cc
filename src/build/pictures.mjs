// Draws the README's pictures of the pages, in both colours, and its animation: files of
// src/pages/pictures, drawn in Chromium.
//
//   node src/build/pictures.mjs [bunny] [explorer] [benchmark]     all three by default
import { statSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { runnerImport } from "vite";
import { build } from "./build.mjs";
import { chromiumArguments, findChromium } from "./chromium.mjs";
import { main } from "./run.mjs";
import { sendSiteFile, serve } from "./serve-dist.mjs";
import { setup } from "./setup.mjs";
import { startSpheres } from "./spheres.mjs";
import { root } from "./steps.mjs";

/** @typedef {import("playwright-core").Browser} Browser */
/** @typedef {import("playwright-core").Page} Page */

const FRAMES = 100;
const FRAME_MS = 80;
/** The width and height of the animation in pixels. */
const SIZE = 360;
const viewport = { width: 1280, height: 800 };
const measured = join(root, "src/bench/results/pages/swiftshader-amd-epyc-2-cores.json");

/** @type {Record<string, (browser: Browser, url: string) => Promise<void>>} */
const pictures = {
  bunny: drawBunny,
  explorer: (browser, url) =>
    drawPage(browser, `${url}explorer.html?level=2&distance=2.5`, "explorer", async (page) => {
      await page.waitForFunction(() => globalThis.erwinPage.state === "done", undefined, { timeout: 120_000 });
      // The points move to their positions, and the last of them are drawn.
      await page.waitForTimeout(4000);
    }),
  benchmark: (browser, url) =>
    drawPage(browser, `${url}benchmark.html`, "benchmark", async (page) => {
      await page.getByLabel("Open file").setInputFiles(measured);
      await page.locator("#result-title").scrollIntoViewIfNeeded();
      await page.waitForTimeout(1000);
    }),
};

await main(async () => {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !Object.hasOwn(pictures, name));
  if (unknown.length > 0)
    throw new Error(`${unknown.join(", ")}: expected some of ${Object.keys(pictures).join(", ")}`);
  await setup((programs) => build({ programs }));
  const site = await serve((request, response) => sendSiteFile(request, response));
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments() });
  try {
    for (const name of names.length > 0 ? names : Object.keys(pictures)) await pictures[name]?.(browser, site.url);
  } finally {
    await browser.close();
    site.close();
  }
});

/** @param {Browser} browser */
async function drawBunny(browser) {
  /** @type {typeof import("../drawing/bunny-film.ts")} */
  const { bunnyFilm } = (await runnerImport(join(root, "src/drawing/bunny-film.ts"))).module;
  const spheres = await startSpheres(browser, 2 * SIZE);
  const frames = [];
  for (const frame of await bunnyFilm(FRAMES)) {
    frames.push(
      await sharp(await spheres.draw(frame))
        .resize(SIZE)
        .png()
        .toBuffer(),
    );
  }
  await spheres.close();
  // The background is transparent, for light and dark pages.
  const settings = { quality: 62, alphaQuality: 50, effort: 6, loop: 0, delay: Array(FRAMES).fill(FRAME_MS) };
  await save("bunny", sharp(frames, { join: { animated: true } }).webp(settings));
}

/**
 * @param {Browser} browser
 * @param {string} url
 * @param {string} name
 * @param {(page: Page) => Promise<void>} prepare waits until the page is ready for the picture
 */
async function drawPage(browser, url, name, prepare) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    const context = await browser.newContext({ viewport, colorScheme });
    const page = await context.newPage();
    await page.goto(url);
    await page.locator("[data-when-ready][disabled]").first().waitFor({ state: "detached" });
    await prepare(page);
    await save(`${name}-${colorScheme}`, sharp(await page.screenshot()).webp({ quality: 80, effort: 6 }));
    await context.close();
  }
}

/**
 * @param {string} name
 * @param {import("sharp").Sharp} picture
 */
async function save(name, picture) {
  const path = join(root, "src/pages/pictures", `${name}.webp`);
  await picture.toFile(path);
  console.log(`${name}.webp: ${(statSync(path).size / 1000).toFixed(0)} kB`);
}
