// Runs a measurement on a page in a fresh Chromium that finds the built library under /dist.
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { chromiumArguments, findChromium } from "../build/chromium.mjs";
import { sendDistFile, serve } from "../build/serve-dist.mjs";

/** Where the page finds the library, and the benchmarks. */
export const pageLibrary = "/dist/erwin.js";
export const pageBenchmarks = "/dist/bench.js";

/** Milliseconds that Chromium, once open, is left alone: it loads pages of its own interface, for which it wants a whole core. */
const OPENING = 3000;

/**
 * @template Argument, Result
 * @param {(argument: Argument) => Promise<Result>} work is put there as text: it sees its argument and nothing else of ours
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
