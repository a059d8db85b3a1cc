// The benchmark page, clicked through in Chromium and Firefox: quick runs on all devices and in all kinds of isolation, and back by
// file and by link.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BenchResult } from "../../src/bench/index.ts";
import { findFirefox, launchFirefox } from "../../src/build/firefox.mjs";
import { isDebian } from "../../src/build/setup.mjs";
import { root } from "../../src/build/steps.mjs";
import {
  axeViolations,
  type Isolation,
  launchChromium,
  type OpenPage,
  openPage,
  serveSite,
  shareOfScripts,
} from "./browser.ts";

/** The page promises three minutes for a quick run on an idle machine; this timeout only ends a run that hangs. */
const RUN_MS = 600_000;
const schema = JSON.parse(readFileSync(join(root, "src/bench/results/schema.json"), "utf8"));
const validate = new Ajv2020({ strict: false }).compile(schema);

const resultOf = (page: Page) => page.evaluate(() => globalThis.erwinPage.result as BenchResult);
const mediansOf = ({ cases }: BenchResult) =>
  Object.fromEntries(cases.flatMap(({ name, time }) => (time ? [[name, time.median]] : [])));

/** A link carries four digits. */
function expectSame(back: BenchResult, result: BenchResult): void {
  const [found, expected] = [mediansOf(back), mediansOf(result)];
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, time] of Object.entries(found)) expect(time / expected[name]!, name).toBeCloseTo(1, 3);
}

function expectSound(result: BenchResult, threads: number): void {
  validate(JSON.parse(JSON.stringify(result)));
  expect(validate.errors ?? []).toEqual([]);
  const measured = result.cases
    .filter(({ time }) => time)
    .map(({ benchmark, device = "" }) => `${benchmark} ${device}`);
  for (const expected of ["tree ", "graph ", "forward cpu", "training cpu"]) expect(measured).toContain(expected);
  expect(result.rounds!.rounds).toBeGreaterThanOrEqual(10);
  expect(result.machine!.threads).toBe(threads);
  const answers = result.devices!.flatMap(({ answer }) => answer ?? []);
  expect(answers.length).toBeGreaterThan(0);
  for (const { right } of answers) expect(right).toBe(true);
}

async function run({ page }: OpenPage): Promise<BenchResult> {
  await page.getByRole("button", { name: "Run benchmark" }).click();
  await page.waitForFunction(() => globalThis.erwinPage.state !== "running", undefined, { timeout: RUN_MS });
  expect(await page.evaluate(() => [globalThis.erwinPage.state, globalThis.erwinPage.error])).toEqual([
    "done",
    undefined,
  ]);
  return await resultOf(page);
}

describe("Chromium with WebGPU, isolated by headers", () => {
  let browser: Browser;
  let host: Awaited<ReturnType<typeof serveSite>>;
  let opened: OpenPage;
  let result: BenchResult;
  let share: number;
  beforeAll(async () => {
    browser = await launchChromium();
    host = await serveSite("headers");
    opened = await openPage(browser, `${host.url}benchmark.html?quick`, { acceptDownloads: true });
    share = await shareOfScripts(opened.page, async () => {
      result = await run(opened);
    });
  }, RUN_MS);
  afterAll(async () => {
    await browser.close();
    host.close();
  });

  test("measures trees, graphs and passes on both backends, and the page stays alive", async () => {
    expectSound(result, Math.min(8, await opened.page.evaluate(() => navigator.hardwareConcurrency)));
    expect(result.devices!.find(({ name }) => name === "webgpu")!.answer!.right).toBe(true);
    expect(result.cases.some(({ device, time }) => device === "webgpu" && time)).toBe(true);
    console.log(`scripts of the page took ${(100 * share).toFixed(0)} % of the benchmark's time`);
    expect(share).toBeLessThan(0.4);
    expect(opened.problems).toEqual([]);
  });

  test("says where the device stands, and draws speed and share of the roofline, too", async () => {
    const { page } = opened;
    expect(await page.locator("#standing").textContent()).toMatch(/is number \d+ of \d+/);
    for (const [choice, axis] of [
      ["GFLOP/s", "GFLOP/s"],
      ["Share of roofline", "Share of the measured roofline, %"],
      ["Time", "Milliseconds"],
    ]) {
      await page.getByRole("radio", { name: choice }).check();
      const chart = page.getByRole("img", { name: `Forward pass: ${axis} against the number of points` });
      await chart.locator("canvas").waitFor();
      // The chart's lines include those that were measured here, on the CPU backend and by WebGPU.
      await chart.getByText("google swiftshader").first().waitFor();
    }
  });

  test("is accessible with its result", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await opened.page.emulateMedia({ colorScheme });
      expect(await axeViolations(opened.page), colorScheme).toEqual([]);
    }
  });

  test("downloads the result, which another page opens", async () => {
    const [download] = await Promise.all([
      opened.page.waitForEvent("download"),
      opened.page.getByRole("button", { name: "Download JSON" }).click(),
    ]);
    const path = await download.path();
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(result)));
    const { page, problems } = await openPage(browser, `${host.url}benchmark.html`);
    await page.getByLabel("Open file").setInputFiles(path);
    await page.waitForFunction(() => globalThis.erwinPage.result);
    expectSame(await resultOf(page), result);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("puts the whole result into a link, which another page opens beside a file", async () => {
    await opened.page.getByRole("button", { name: "Copy link" }).click();
    await opened.page.getByText("The link is in the clipboard").waitFor();
    const link = opened.page.url();
    expect(link.length).toBeLessThan(1500);
    expect(await opened.page.evaluate(() => navigator.clipboard.readText())).toBe(link);
    const { page, problems } = await openPage(browser, link);
    await page.waitForFunction(() => globalThis.erwinPage.result);
    expectSame(await resultOf(page), result);
    await page.getByLabel("Open file").setInputFiles(join(root, "src/bench/results/cpu-amd-epyc-2-cores.json"));
    await page.getByRole("columnheader", { name: "AMD EPYC, 2 cores" }).first().waitFor();
    // Of a file that no text can hold browsers say only that it cannot be read.
    const large = { name: "large.json", mimeType: "application/json", buffer: Buffer.alloc(2 ** 24 + 1) };
    await page.getByLabel("Open file").setInputFiles(large);
    await page.getByText("large.json is no result of erwin bench: it has 16,777,217 bytes.").waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("keeps what was measured when the GPU's process crashes, and goes on", { timeout: RUN_MS }, async () => {
    const again = await openPage(browser, `${host.url}benchmark.html?quick`);
    const running = run(again);
    await again.page
      .locator("#progress-what")
      .getByText(/^round [3-9]/)
      .waitFor({ timeout: RUN_MS });
    const session = await browser.newBrowserCDPSession();
    // It never answers: the process that it asks is gone.
    session.send("Browser.crashGpuProcess").catch(() => {});
    const lossy = await running;
    expect(lossy.devices!.find(({ name }) => name === "webgpu")!.note).toContain("lost");
    expect(lossy.rounds).toMatchObject({ rounds: 10 });
    expect(lossy.rounds!.void).toBeGreaterThan(0);
    expect(mediansOf(lossy)).toHaveProperty("forward 1 x 256, 32 channels, webgpu");
    await again.page.context().close();
  });

  test("copies Markdown", async () => {
    await opened.page.getByRole("button", { name: "Copy Markdown" }).click();
    await opened.page.getByText("Markdown is in the clipboard").waitFor();
    const text = await opened.page.evaluate(() => navigator.clipboard.readText());
    expect(text).toMatch(/^\| forward 1 x 256, 32 channels \| Processor \| [\d.]+ ms \|/m);
  });
});

describe.each<[Isolation, number]>([
  ["service worker", 2],
  ["none", 1],
])("Chromium without WebGPU, isolation: %s", (isolation, threads) => {
  let browser: Browser;
  let host: Awaited<ReturnType<typeof serveSite>>;
  beforeAll(async () => {
    browser = await launchChromium({ webgpu: false });
    host = await serveSite(isolation);
  });
  afterAll(async () => {
    await browser.close();
    host.close();
  });

  test("measures the processor", { timeout: RUN_MS }, async () => {
    const opened = await openPage(browser, `${host.url}benchmark.html?quick`, { isolation });
    const result = await run(opened);
    const cores = await opened.page.evaluate(() => navigator.hardwareConcurrency);
    expectSound(result, threads === 1 ? 1 : Math.min(8, cores));
    expect(result.devices!.find(({ name }) => name === "webgpu")).toMatchObject({ note: expect.any(String) });
    expect(opened.problems).toEqual([]);
  });

  test("a run can be cancelled, and another one started", { timeout: RUN_MS }, async () => {
    const { page } = await openPage(browser, `${host.url}benchmark.html?quick`, { isolation });
    await page.getByRole("button", { name: "Run benchmark" }).click();
    await page
      .locator("#progress-what")
      .getByText(/^round/)
      .waitFor({ timeout: RUN_MS });
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForFunction(() => globalThis.erwinPage.state === "cancelled");
    await page.getByRole("button", { name: "Run benchmark" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.waitForFunction(() => globalThis.erwinPage.state === "cancelled");
  });

  test("rounds while the page is hidden are void", { timeout: RUN_MS }, async () => {
    const opened = await openPage(browser, `${host.url}benchmark.html?quick`, { isolation });
    const { page } = opened;
    const setHidden = (hidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    const running = run(opened);
    await page
      .locator("#progress-what")
      .getByText(/^round 2/)
      .waitFor({ timeout: RUN_MS });
    await setHidden(true);
    await setHidden(false);
    const result = await running;
    expect(result.rounds!.void).toBeGreaterThan(0);
    expect(result.rounds!.rounds).toBeGreaterThanOrEqual(10);
  });
});

const firefox = findFirefox();
describe.skipIf(firefox === undefined && !isDebian)("Firefox", () => {
  test.each<Isolation>(["headers", "service worker"])(
    "measures the processor, isolation: %s",
    { timeout: RUN_MS },
    async (isolation) => {
      const host = await serveSite(isolation);
      const browser = await launchFirefox({ protocolTimeout: RUN_MS });
      try {
        const page = await browser.newPage();
        await page.goto(`${host.url}benchmark.html?quick`);
        await page.waitForFunction(
          "crossOriginIsolated && globalThis.erwinPage && !document.querySelector('#run').disabled",
        );
        await page.click("#run");
        await page.waitForFunction("erwinPage.state !== 'running'", { timeout: RUN_MS, polling: 500 });
        const [state, error, json] = (await page.evaluate(
          "[erwinPage.state, erwinPage.error, JSON.stringify(erwinPage.result)]",
        )) as string[];
        expect([state, error]).toEqual(["done", undefined]);
        const result = JSON.parse(json!) as BenchResult;
        expectSound(result, Math.min(8, result.machine!.cores));
        const opened = (await page.evaluate(`(async () => {
        document.querySelector("#copy-link").click();
        for (let i = 0; i < 100 && !location.hash; i++) await new Promise((resolve) => setTimeout(resolve, 100));
        return location.href;
      })()`)) as string;
        expect(opened.length).toBeLessThan(1500);
        const other = await browser.newPage();
        await other.goto(opened);
        await other.waitForFunction("globalThis.erwinPage?.result");
        const back = JSON.parse((await other.evaluate("JSON.stringify(erwinPage.result)")) as string) as BenchResult;
        expectSame(back, result);
      } finally {
        await browser.close();
        host.close();
      }
    },
  );
});
