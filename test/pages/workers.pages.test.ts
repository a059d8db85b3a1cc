// Workers that a page has disposed end: their threads and their memory do not stay until the page is left. Those that do not begin
// say why.

import { expect, test } from "vitest";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { pathOf, sendSiteFile, serve } from "../../src/build/serve-dist.mjs";
import { launchChromium, openPage, serveSite } from "./browser.ts";

/** What the page does, as text: the test's own bundler would rewrite the import. */
const program = (address: string) => `(async () => {
  const { createErwinWorker, setAssets } = await import(${JSON.stringify(address)});
  setAssets(new URL("assets/", ${JSON.stringify(address)}));
  const levels = { ballSizes: [8, 8], encNumHeads: [1, 1], encDepths: [1, 1], strides: [2], decNumHeads: [1], decDepths: [1] };
  const nodePositions = Float32Array.from({ length: 3 * 50 }, Math.random);
  for (let k = 0; k < 12; k++) {
    const erwin = await createErwinWorker({ backend: "cpu", threads: 2 });
    await erwin.create({ cIn: 3, cHidden: 4, ...levels });
    await erwin.forward({ nodeFeatures: nodePositions, nodePositions, radius: 0.1 });
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
