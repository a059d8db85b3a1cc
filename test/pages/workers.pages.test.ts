// Workers that a page has disposed end: their threads and their memory do not stay until the page is left. Those that do not begin
// say why.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findChromium, testArguments } from "../../src/build/chromium.mjs";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { pathOf, sendSiteFile, serve } from "../../src/build/serve-dist.mjs";
import { launchChromium, openPage, serveSite } from "./browser.ts";

/** What the page does, as text: the test's own bundler would rewrite the import. */
const program = (address: string, { count = 12, points = 50, pause = 0 } = {}) => `(async () => {
  const { createErwinWorker, setAssets } = await import(${JSON.stringify(address)});
  setAssets(new URL("assets/", ${JSON.stringify(address)}));
  const levels = { ballSizes: [8, 8], encNumHeads: [1, 1], encDepths: [1, 1], strides: [2], decNumHeads: [1], decDepths: [1] };
  const nodePositions = Float32Array.from({ length: 3 * ${points} }, Math.random);
  for (let k = 0; k < ${count}; k++) {
    const erwin = await createErwinWorker({ backend: "cpu", threads: 2 });
    await erwin.create({ cIn: 3, cHidden: 4, ...levels });
    await erwin.forward({ nodeFeatures: nodePositions, nodePositions, radius: 0.1 });
    await new Promise((wake) => setTimeout(wake, ${pause}));
    erwin.dispose();
  }
})()`;

test.each(["headers", "none"] as const)("disposed workers end, on a page isolated by: %s", async (isolation) => {
  const browser = await launchChromium({ webgpu: false });
  const host = await serveSite(isolation);
  const { page } = await openPage(browser, `${host.url}examples.html`, { isolation });
  await page.evaluate(program(`${host.url}erwin/erwin.js`));
  expect(page.workers().length).toBeGreaterThan(0);
  await expect.poll(() => page.workers().length, { timeout: 10_000 }).toBe(0);
  await browser.close();
  host.close();
});

/** The lines of a file, or the names in a folder, of Linux's list of processes; none where the process has ended meanwhile. */
function listed(path: string): string[] {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}

/** The processes whose command names a folder. */
const processesOf = (folder: string) =>
  listed("/proc").filter((id) => /^\d+$/.test(id) && listed(`/proc/${id}/cmdline`).join().includes(folder));

/** The threads of workers in these processes, by the names that Linux gives. */
const workerThreads = (folder: string) =>
  processesOf(folder)
    .flatMap((id) => listed(`/proc/${id}/task`).flatMap((thread) => listed(`/proc/${id}/task/${thread}/comm`)))
    .filter((name) => name.startsWith("DedicatedWorker")).length;

// Playwright's lists leave out workers that have ended while Chromium keeps their threads; and it rarely does under Playwright.
test("the threads of disposed workers end, in a browser that no tool watches", async () => {
  let told = () => {};
  const disposed = new Promise<void>((resolve) => {
    told = resolve;
  });
  const host = await serve((request, response) => {
    const script = program(`${host.url}erwin/erwin.js`, { count: 30, points: 1000, pause: 100 });
    if (pathOf(request) === "/dispose.html") {
      response.writeHead(200, { ...isolationHeaders, "Content-Type": "text/html" });
      response.end(`<script type="module">await ${script}; await fetch("disposed");</script>`);
    } else if (pathOf(request) === "/disposed") {
      response.writeHead(204).end();
      told();
    } else sendSiteFile(request, response);
  });
  const folder = mkdtempSync(join(tmpdir(), "erwin-chromium-"));
  const options = [...testArguments(), "--headless", `--user-data-dir=${folder}`];
  const browser = spawn(findChromium()!, [...options, `${host.url}dispose.html`], { stdio: "ignore" });
  try {
    await disposed;
    expect(workerThreads(folder)).toBeGreaterThan(0);
    await expect.poll(() => workerThreads(folder), { timeout: 15_000 }).toBe(0);
  } finally {
    browser.kill();
    // Its other processes write a little longer.
    await expect.poll(() => processesOf(folder).length).toBe(0);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    host.close();
  }
});

test("the workers of examples end, which are ended as soon as their device is disposed", async () => {
  const browser = await launchChromium({ webgpu: false });
  const host = await serveSite("headers");
  const { page } = await openPage(browser, `${host.url}examples.html`);
  for (const example of ["Train on your data", "In a worker"]) {
    for (let run = 0; run < 6; run++) {
      await page.locator(`[data-example="${example}"] [data-when-ready]`).click();
      await page.waitForFunction(() => erwinPage.state === "done");
    }
  }
  await expect.poll(() => page.workers().length, { timeout: 15_000 }).toBe(0);
  await browser.close();
  host.close();
});

test("a worker script that is missing, or without the page's embedder policy, is told about: Chromium says nothing", async () => {
  const browser = await launchChromium({ webgpu: false });
  let missing = false;
  const host = await serve((request, response) => {
    const isWorker = /-worker/.test(pathOf(request));
    if (isWorker && missing) response.writeHead(404, isolationHeaders).end();
    else sendSiteFile(request, response, isWorker ? {} : isolationHeaders);
  });
  const { page } = await openPage(browser, `${host.url}examples.html`);
  const told = (call: string) =>
    page.evaluate(`(async () => {
      const erwin = await import("${host.url}erwin/erwin.js");
      erwin.setAssets("${host.url}erwin/assets/");
      return erwin.${call}.catch(({ name, message }) => name + ": " + message);
    })()`);
  const calls = ["buildBallTree(new Float32Array(30), { dimensionality: 3 })", 'requestDevice({ backend: "cpu" })'];
  for (missing of [false, true]) {
    for (const call of [...calls, "createErwinWorker()"]) {
      expect(await told(call), call).toMatch(/^WorkerError: .*no reason given.*Cross-Origin-Embedder-Policy/);
    }
  }
  await browser.close();
  host.close();
});
