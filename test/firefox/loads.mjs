// Loads a page in Firefox again and again, each time with a fresh createErwinWorker and, in every other load, a worker of the
// page's own beside it.
//
//   node test/firefox/loads.mjs [--loads 500]
import { pathToFileURL } from "node:url";
import { readArguments } from "../../src/build/arguments.mjs";
import { launchFirefox } from "../../src/build/firefox.mjs";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { servePage } from "./server.mjs";

/** Longer than the library waits for a worker to begin: what takes longer would take for ever. */
const HUNG_SECONDS = 90;

/**
 * What each load found, or why it found nothing.
 * @param {import("puppeteer-core").Browser} browser
 * @param {number} loads
 * @returns {AsyncGenerator<import("./page.ts").WorkerVisit | { error: string }>}
 */
export async function* loadAgainAndAgain(browser, loads) {
  const server = await servePage(isolationHeaders);
  const page = await browser.newPage();
  try {
    for (let load = 0; load < loads; load++) {
      await page.goto(server.url);
      // As text: the test runner would rewrite the import in a function.
      const script = `import("/test/firefox/page.ts").then(({ visitWorker }) => visitWorker(${load % 2 === 1}))`;
      /** @type {NodeJS.Timeout | undefined} */
      let timer;
      const hung = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${HUNG_SECONDS} s`)), HUNG_SECONDS * 1000);
      });
      yield await Promise.race([page.evaluate(script), hung]).catch((error) => ({ error: String(error.message) }));
      clearTimeout(timer);
    }
  } finally {
    await page.close();
    server.close();
  }
}

async function main() {
  const { values } = readArguments({ options: { loads: { type: "string", default: "500" } } });
  const browser = await launchFirefox();
  let [failed, slowest, count] = [0, 0, 0];
  try {
    const start = performance.now();
    let begin = start;
    for await (const found of loadAgainAndAgain(browser, Number(values.loads))) {
      const seconds = (performance.now() - begin) / 1000;
      begin = performance.now();
      slowest = Math.max(slowest, seconds);
      count++;
      if (
        "error" in found ||
        !found.same ||
        !found.description.includes("2 threads") ||
        found.ended !== found.started
      ) {
        failed++;
        console.log(`load ${count}: ${JSON.stringify(found)}`);
      }
      if (count % 50 === 0) console.log(`${count} loads, ${failed} failed, the slowest ${slowest.toFixed(1)} s`);
    }
    const mean = (performance.now() - start) / 1000 / count;
    console.log(`${await browser.version()}: ${count} loads, ${failed} failed or hung`);
    console.log(`${mean.toFixed(2)} s a load, the slowest ${slowest.toFixed(1)} s`);
  } finally {
    await browser.close();
  }
  if (failed > 0 || count === 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
