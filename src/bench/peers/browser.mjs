// Runs page.mjs in this machine's Chromium and prints what it measured as JSON.
//
//   node src/bench/peers/browser.mjs --folder CASES --cases 1x2048,1x4096 --library onnxruntime --backend cpu [--threads 2]
//     [--seconds 10] [--training] [--wide]
//
// With --wide V8 joins pairs of WebAssembly's 128-bit vectors where it can: an experimental feature that is off by default.
import { join, resolve, sep } from "node:path";
import { chromium } from "playwright-core";
import { chromiumArguments, findChromium } from "../../build/chromium.mjs";
import { isolationHeaders } from "../../build/isolation.mjs";
import { pathOf, sendFile, serve } from "../../build/serve-dist.mjs";
import { root } from "../../build/steps.mjs";
import { readQuestion } from "./question.mjs";

const { folder, names, library, wide, question } = readQuestion();

/** Serves the repository's files under their paths, and the cases under /cases. */
const server = await serve((request, response) => {
  const pathname = pathOf(request);
  const inCases = pathname.startsWith("/cases/");
  const top = join(inCases ? resolve(folder) : root, sep);
  const path = join(top, inCases ? pathname.slice("/cases".length) : pathname);
  if (pathname === "/") {
    response.writeHead(200, { ...isolationHeaders, "Content-Type": "text/html" }).end("<!doctype html>");
  } else if (path.startsWith(top)) sendFile(response, path, isolationHeaders);
  else response.writeHead(404).end();
});

const args = chromiumArguments();
if (wide) args.push("--js-flags=--experimental-wasm-revectorize");
const browser = await chromium.launch({ executablePath: findChromium(), args });
try {
  const rows = [];
  for (const name of names) {
    // Each case has a fresh page, so that none runs in the state that another leaves.
    const page = await browser.newPage();
    await page.goto(server.url);
    // The script is passed as text, so that the page itself imports the module.
    const script = `import("/src/bench/peers/page.mjs").then(({ measure }) => measure(${JSON.stringify({ ...question, library, name })}))`;
    rows.push({ name, .../** @type {object} */ (await page.evaluate(script)) });
    await page.close();
  }
  console.log(JSON.stringify({ host: `Chromium ${browser.version()}${wide ? ", wide vectors" : ""}`, rows }));
} finally {
  await browser.close();
  server.close();
}
