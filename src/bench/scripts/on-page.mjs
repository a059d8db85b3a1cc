// Runs a measurement on a page in a fresh Chromium that finds the built library under /dist.
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { chromiumArguments, findChromium } from "../../build/chromium.mjs";
import { sendDistFile, serve } from "../../build/serve-dist.mjs";

/** The paths under which the page finds the library and the benchmarks. */
export const pageLibrary = "/dist/erwin.js";
export const pageBenchmarks = "/dist/bench.js";

/** Milliseconds of rest after Chromium's start: it loads pages of its own interface then, which takes a whole core. */
const OPENING = 3000;

/**
 * @template Argument, Result
 * @param {(argument: Argument) => Promise<Result>} work is put there as text: it can use its argument and nothing else of this module
 * @param {Argument} argument
 * @returns {Promise<{ result: Result, host: string }>}
 */
export async function onPage(work, argument) {
  const server = await serve((request, response) => {
    if (!sendDistFile(request, response)) response.writeHead(404).end();
  });
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments() });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}dist/`);
    await sleep(OPENING);
    const result = await page.evaluate(/** @type {any} */ (work), argument);
    return { result: /** @type {Result} */ (result), host: `Chromium ${browser.version()}` };
  } finally {
    await browser.close();
    server.close();
  }
}
