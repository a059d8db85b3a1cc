// The training page, clicked through in Chromium: twenty steps, a pause, a reload, and the same bits as without them.

import { readFileSync } from "node:fs";
import { unzipSync } from "fflate";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { axeViolations, launchChromium, openPage, serveSite } from "./browser.ts";

const RUN_MS = 240_000;
const query = "train.html?experiment=overfit&backend=cpu&steps=20";

const stateOf = (page: Page) =>
  page.evaluate(() => {
    const { state, step = 0, error } = globalThis.erwinPage;
    return { state, step, error };
  });
const click = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
const until = (page: Page, state: string) =>
  page.waitForFunction((wanted) => [wanted, "failed"].includes(globalThis.erwinPage?.state), state, {
    timeout: RUN_MS,
  });
const untilStep = (page: Page, step: number) =>
  page.waitForFunction((wanted) => (globalThis.erwinPage.step ?? 0) >= wanted, step, { timeout: RUN_MS });

/** The files of the run that "Save run" downloads. */
async function saveRun(page: Page): Promise<{ zip: Buffer; files: Record<string, Uint8Array> }> {
  const [download] = await Promise.all([page.waitForEvent("download"), click(page, "Save run")]);
  const zip = readFileSync(await download.path());
  return { zip, files: unzipSync(zip) };
}

const lossesOf = (files: Record<string, Uint8Array>) =>
  new TextDecoder()
    .decode(files["metrics.jsonl"])
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; step: number; loss: number })
    .filter(({ kind }) => kind === "training")
    .map(({ step, loss }) => ({ step, loss }));

describe("Chromium, isolated by headers", () => {
  let browser: Browser;
  let host: Awaited<ReturnType<typeof serveSite>>;
  beforeAll(async () => {
    browser = await launchChromium();
    host = await serveSite("headers");
  });
  afterAll(async () => {
    await browser.close();
    host.close();
  });

  test("twenty steps on the processor, and the same bits with a pause and a reload in between", async () => {
    const whole = await openPage(browser, `${host.url}${query}`);
    await click(whole.page, "Start");
    await until(whole.page, "done");
    expect(await stateOf(whole.page)).toEqual({ state: "done", step: 20, error: undefined });
    const longest = await whole.page.evaluate(() => globalThis.erwinPage.longestTask ?? 0);
    console.log(`the longest task of the page's main thread took ${longest} ms`);
    expect(longest).toBeLessThan(500);
    const expected = (await saveRun(whole.page)).files;
    const losses = lossesOf(expected);
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(losses.at(-1)!.loss).toBeLessThan(losses[0]!.loss / 2);
    for (const colorScheme of ["light", "dark"] as const) {
      await whole.page.emulateMedia({ colorScheme });
      expect(await axeViolations(whole.page), colorScheme).toEqual([]);
    }
    expect(whole.problems).toEqual([]);
    await whole.page.context().close();

    const { page, problems } = await openPage(browser, `${host.url}${query}`);
    await click(page, "Start");
    await untilStep(page, 3);
    await click(page, "Pause");
    await until(page, "paused");
    const paused = await stateOf(page);
    expect(paused.step).toBeLessThan(20);
    await click(page, "Resume");
    await untilStep(page, paused.step + 2);
    await click(page, "Pause");
    await until(page, "paused");
    const { step } = await stateOf(page);
    expect(step).toBeLessThan(20);
    await page.reload();
    await until(page, "paused");
    expect(await stateOf(page)).toEqual({ state: "paused", step, error: undefined });
    const half = await saveRun(page);
    await click(page, "Resume");
    await until(page, "done");
    const { files } = await saveRun(page);
    expect(lossesOf(files)).toEqual(losses);
    for (const name of ["last.safetensors", "model.safetensors"]) {
      expect(Buffer.compare(files[name]!, expected[name]!), name).toBe(0);
    }
    expect(problems).toEqual([]);
    await page.context().close();

    const other = await openPage(browser, `${host.url}train.html`);
    await other.page.getByLabel("Open file").setInputFiles({
      name: "run.zip",
      mimeType: "application/zip",
      buffer: half.zip,
    });
    await until(other.page, "paused");
    expect((await stateOf(other.page)).step).toBe(step);
    await other.page.context().close();
  });

  test("a data set that is missing or none is said, with what to do", async () => {
    const { page } = await openPage(browser, `${host.url}train.html?experiment=cosmology&backend=cpu`);
    await click(page, "Start");
    await page.getByText("open its folder").waitFor();
    await page
      .getByLabel("Open file")
      .setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
    await click(page, "Start");
    await until(page, "failed");
    await page.getByText("open its folder again").waitFor();
    await page.context().close();
  });
});
