// The training page, clicked through in Chromium and in Firefox: twenty steps, a pause, a reload, and the same bits as without them;
// own files; a flow that is predicted frame by frame; two tabs.

import { readFileSync } from "node:fs";
import { unzipSync, zipSync } from "fflate";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { findFirefox, launchFirefox } from "../../src/build/firefox.mjs";
import { folderGenerator } from "../../src/experiments/folder/write.ts";
import { saveSafetensors } from "../../src/formats/safetensors/safetensors.ts";
import { figure } from "../../src/pages/shared/format.ts";
import { axeViolations, launchChromium, load, openPage, serveSite, shareOfScripts } from "./browser.ts";

const RUN_MS = 240_000;
const query = "train.html?experiment=overfit&backend=cpu&steps=20";

const stateOf = (page: Page) =>
  page.evaluate(() => {
    const { state, step = 0, error } = globalThis.erwinPage;
    return { state, step, error };
  });
const click = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
/** Clicks twice in the same place; the second click is on what the first one has put there. */
async function doubleClick(page: Page, selector: string): Promise<void> {
  const element = page.locator(selector);
  await element.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await element.boundingBox())!;
  await page.mouse.move(x + width / 2, y + height / 2);
  for (const clickCount of [1, 2]) {
    await page.mouse.down({ clickCount });
    await page.mouse.up({ clickCount });
    if (clickCount === 1) await element.waitFor({ state: "hidden" });
  }
}
const until = (page: Page, state: string) =>
  page.waitForFunction((wanted) => [wanted, "failed"].includes(globalThis.erwinPage?.state), state, {
    timeout: RUN_MS,
  });
const untilStep = (page: Page, step: number) =>
  page.waitForFunction((wanted) => (globalThis.erwinPage.step ?? 0) >= wanted, step, { timeout: RUN_MS });

/**
 * Makes a training's worker wait after so many of its turns between steps until it is told to pause, or by `allow` to go on: a run
 * would otherwise have ended before a page on a busy machine hears of its first steps.
 */
const holding = (turns: number) => `{
  const { postMessage } = MessagePort.prototype;
  const held = [];
  let left = ${turns};
  const allow = (more) => {
    left = more;
    for (const turn of held.splice(0)) turn();
  };
  MessagePort.prototype.postMessage = function (...given) {
    const take = () => postMessage.apply(this, given);
    // Nothing else sends null.
    if (given[0] !== null || left-- > 0) take();
    else held.push(take);
  };
  addEventListener("message", ({ data }) => data.type === "pause" && allow(${turns}));
  new BroadcastChannel("turns").addEventListener("message", ({ data }) => allow(data));
}`;
/** Runs in the page: lets such a run go on for so many turns. */
const allow = (turns: number) => new BroadcastChannel("turns").postMessage(turns);
/** Runs in the page: lets it go on to its end, and tells whether it is there. */
function goOn(): boolean {
  new BroadcastChannel("turns").postMessage(Number.POSITIVE_INFINITY);
  return ["done", "failed"].includes(globalThis.erwinPage.state);
}
const finish = (page: Page) => vi.waitUntil(() => page.evaluate(goOn), RUN_MS);
/** Lets it go on turn by turn, some ten a second, until it is time. */
const goOnUntil = (page: Page, isTime: () => Promise<boolean>) =>
  vi.waitUntil(
    async () => {
      if (await isTime()) return true;
      await page.evaluate(allow, 1);
      return false;
    },
    { timeout: RUN_MS, interval: 200 },
  );

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

/** Returns the titles of what the stage shows. */
const captionsOf = (page: Page) => page.locator("#prediction-captions strong").allTextContents();

/** Returns the colours of what a canvas shows. */
function coloursIn(canvas: HTMLElement | SVGElement): number[] {
  const copy = new OffscreenCanvas(200, 100).getContext("2d")!;
  copy.drawImage(canvas as HTMLCanvasElement, 0, 0, 200, 100);
  return [...new Set(new Uint32Array(copy.getImageData(0, 0, 200, 100).data.buffer))];
}

/** Runs in the page: puts a value into one of its databases. */
async function put([database, store, key, value]: readonly [string, string, string, unknown]): Promise<void> {
  const request = indexedDB.open(database);
  await new Promise((resolve) => request.addEventListener("success", resolve));
  const transaction = request.result.transaction(store, "readwrite");
  transaction.objectStore(store).put(value, key);
  await new Promise((resolve) => transaction.addEventListener("complete", resolve));
  request.result.close();
}

/** Puts something in the place of a file of the kept run. */
const putFile = (page: Page, name: string, content: unknown) =>
  page.evaluate(put, ["erwin-training", "files", name, content] as const);

/** Notes, in a page without locks, that the run is another tab's, which does not answer: one that ended, or is in the browser's memory. */
const giveToNobody = (page: Page) => page.evaluate(put, ["erwin-training-tab", "tabs", "erwin-training", -1] as const);

const ready = (page: Page) => page.locator("#start:enabled").waitFor();

describe("Chromium, isolated by headers", () => {
  let browser: Browser;
  let host: Awaited<ReturnType<typeof serveSite>>;
  let holdingHost: typeof host;
  beforeAll(async () => {
    browser = await launchChromium();
    [host, holdingHost] = [await serveSite("headers"), await serveSite("headers", holding(6))];
  });
  afterAll(async () => {
    await browser.close();
    host.close();
    holdingHost.close();
  });

  test("twenty steps on the processor, and the same bits with a pause and a reload in between", async () => {
    const whole = await openPage(browser, `${host.url}${query}`);
    // Loaded again with the next prediction.
    await whole.page.route(/assets\/stage-.*\.js$/, (route) => route.abort(), { times: 1 });
    // Clicked twice, it starts once, and does not pause.
    const share = await shareOfScripts(whole.page, async () => {
      await doubleClick(whole.page, "#start");
      await until(whole.page, "done");
    });
    console.log(`scripts of the page took ${(100 * share).toFixed(0)} % of the time of training`);
    expect(share).toBeLessThan(0.4);
    expect(await whole.page.locator("#message").textContent()).toBe("");
    expect(await stateOf(whole.page)).toEqual({ state: "done", step: 20, error: undefined });
    const expected = (await saveRun(whole.page)).files;
    const losses = lossesOf(expected);
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(losses.at(-1)!.loss).toBeLessThan(losses[0]!.loss / 2);
    // The legend has the last loss, and where the pointer is, the one there.
    const legend = whole.page.locator("#chart .u-series", { hasText: /^loss(?! )/ }).locator(".u-value");
    expect(await legend.textContent()).toBe(figure(losses.at(-1)!.loss));
    await whole.page.locator("#chart .u-over").hover({ position: { x: 1, y: 50 } });
    await vi.waitUntil(async () => (await legend.textContent()) === figure(losses[0]!.loss), 10_000);
    await whole.page.mouse.move(0, 0);
    await vi.waitUntil(async () => (await legend.textContent()) === figure(losses.at(-1)!.loss), 10_000);
    await whole.page.getByText("normal x of bunny, after 20 steps").waitFor();
    expect(await captionsOf(whole.page)).toEqual(["Prediction", "Truth", "Error"]);
    const colours = () => whole.page.locator("#prediction-stage").evaluate(coloursIn);
    const drawn = await vi.waitUntil(async () => (await colours()).length > 100 && (await colours()), 10_000);
    await whole.page.locator("#prediction-stage").press("ArrowLeft");
    await vi.waitUntil(async () => String(await colours()) !== String(drawn), 10_000);
    for (const colorScheme of ["light", "dark"] as const) {
      await whole.page.emulateMedia({ colorScheme });
      expect(await axeViolations(whole.page), colorScheme).toEqual([]);
    }
    expect(whole.problems).toEqual([]);
    await whole.page.context().close();

    const { page, problems } = await openPage(browser, `${holdingHost.url}${query}`);
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
    await untilStep(page, step + 1);
    await finish(page);
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

    // A run whose device is missing goes on with the one that is chosen then.
    const config = JSON.parse(new TextDecoder().decode(half.files["config.json"]));
    const ofGpu = new TextEncoder().encode(JSON.stringify({ ...config, backend: "webgpu" }));
    const withoutGpu = await launchChromium({ webgpu: false });
    const last = await openPage(withoutGpu, `${host.url}train.html`);
    await last.page.getByLabel("Open file").setInputFiles({
      name: "run.zip",
      mimeType: "application/zip",
      buffer: Buffer.from(zipSync({ ...half.files, "config.json": ofGpu })),
    });
    await until(last.page, "paused");
    await click(last.page, "Resume");
    await last.page.getByText("choose the processor").waitFor();
    await last.page.getByLabel("Device").selectOption("cpu");
    await click(last.page, "Resume");
    await last.page.getByText("Done: 20 steps").waitFor({ timeout: RUN_MS });
    const ended = await saveRun(last.page);
    expect(lossesOf(ended.files)).toEqual(losses);
    expect(JSON.parse(new TextDecoder().decode(ended.files["config.json"])).backend).toBe("cpu");
    await withoutGpu.close();
  });

  test("a hidden page pauses, and goes on by itself; another tab is told, and leaves the run as it is", async () => {
    const { page } = await openPage(browser, `${holdingHost.url}${query}`);
    await page.evaluate(() => {
      let hidden = false;
      Object.defineProperty(document, "hidden", { get: () => hidden });
      Object.assign(globalThis, {
        setHidden(now: boolean) {
          hidden = now;
          document.dispatchEvent(new Event("visibilitychange"));
        },
      });
    });
    const setHidden = (hidden: boolean) =>
      page.evaluate((now) => (globalThis as unknown as { setHidden(now: boolean): void }).setHidden(now), hidden);
    await click(page, "Start");
    await untilStep(page, 2);
    await setHidden(true);
    await until(page, "paused");
    const { step } = await stateOf(page);
    expect(step).toBeLessThan(20);

    const other = await page.context().newPage();
    await other.goto(`${holdingHost.url}${query}`);
    await ready(other);
    await click(other, "Start");
    await other.getByText("Another tab").waitFor();
    expect((await stateOf(other)).state).toBe("paused");

    await setHidden(false);
    await until(page, "running");
    await finish(page);
    const losses = lossesOf((await saveRun(page)).files);
    expect(losses.map((entry) => entry.step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));

    // A tab that shows less than has been trained meanwhile does not replace it unseen.
    await click(other, "Start");
    await other.getByText("Another tab has trained the run").waitFor();
    expect(await other.locator("#status").textContent()).toContain("20 of 20 steps");
    await other.close();

    // The previous run is kept as a curve.
    await click(page, "Start");
    await untilStep(page, 1);
    await page.getByText(/run of \d/).waitFor();
    const asked = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    expect((await asked).type(), "whoever leaves a run that is under way is asked").toBe("beforeunload");
    await page.context().close();
  });

  test("a run that is left at once, without warning or while the browser asks can go on", async () => {
    const slowHost = await serveSite("headers", holding(1));
    const { page } = await openPage(browser, `${slowHost.url}${query}00`);
    const leave = async () => {
      await page.goto("about:blank");
      await load(page, `${slowHost.url}train.html`);
      await until(page, "paused");
      await ready(page);
      return (await stateOf(page)).step;
    };
    await click(page, "Start");
    await page.waitForFunction(() => globalThis.erwinPage.state === "running");
    expect(await leave()).toBe(0);
    expect(await page.locator("#status").textContent()).toContain("0 of 2,000 steps. “Resume” continues it");
    expect(await page.locator("#save").isDisabled()).toBe(true);

    // Two seconds later, and before the first hundred steps, there is a checkpoint.
    await click(page, "Resume");
    await goOnUntil(page, () => page.locator("#save").isEnabled());
    const kept = await leave();
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(100);

    // While the browser asks, the run pauses with a checkpoint; it goes on where the answer is to stay.
    await click(page, "Resume");
    const hasStep = async (wanted: number) => ((await stateOf(page)).step ?? 0) >= wanted;
    await goOnUntil(page, () => hasStep(kept + 3));
    const asked = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    await (await asked).dismiss();
    const { step } = await stateOf(page);
    await goOnUntil(page, () => hasStep(step + 3));
    expect((await stateOf(page)).state).toBe("running");
    await page.context().close();
    slowHost.close();
  });

  test("tabs of a host without https, which have no locks, leave each other's run alone", async () => {
    const insecure = await launchChromium({ args: ["--host-resolver-rules=MAP erwin.test 127.0.0.1"] });
    const url = `${holdingHost.url.replace("127.0.0.1", "erwin.test")}${query}`;
    const context = await insecure.newContext();
    const open = async () => {
      const page = await context.newPage();
      await page.goto(url);
      await ready(page);
      return page;
    };
    const [page, other] = [await open(), await open()];
    expect(await page.evaluate(() => [isSecureContext, navigator.locks])).toEqual([false, undefined]);
    await Promise.all([click(page, "Start"), click(other, "Start")]);
    const isTold = (tab: Page) => tab.getByText("Another tab").isVisible();
    await vi.waitUntil(async () => (await isTold(page)) || (await isTold(other)), RUN_MS);
    const [told, training] = (await isTold(page)) ? [page, other] : [other, page];
    expect(await isTold(training)).toBe(false);
    expect((await stateOf(told)).state).toBe("idle");
    await until(training, "running");
    await finish(training);
    expect((await stateOf(training)).state).toBe("done");
    // The run is over; who starts another is first shown this one.
    await click(told, "Start");
    await told.getByText("Another tab has trained the run").waitFor();
    await click(told, "Start");
    await until(told, "running");
    await finish(told);
    // A tab that ended without giving the run back does not answer, and keeps it from nobody.
    await giveToNobody(told);
    await click(told, "Start");
    await until(told, "running");
    await finish(told);
    expect((await stateOf(told)).state).toBe("done");
    await insecure.close();
  });

  test("a page that is left and comes back goes on with its run, which is its own without locks, too", async () => {
    const args = ["--host-resolver-rules=MAP erwin.test 127.0.0.1"];
    const keeping = await launchChromium({ keepsPages: true, args });
    const context = await keeping.newContext();
    const url = holdingHost.url.replace("127.0.0.1", "erwin.test");
    const page = await context.newPage();
    await page.addInitScript(() =>
      addEventListener("pageshow", ({ persisted }) => persisted && (document.title = "back")),
    );
    page.on("dialog", (dialog) => dialog.accept());
    await page.goto(`${url}${query}`);
    await ready(page);
    await click(page, "Start");
    await goOnUntil(page, () => page.locator("#save").isEnabled());
    const { step = 0 } = await stateOf(page);
    await page.goto(`${url}index.html`);
    await page.goBack({ waitUntil: "commit" });
    await page.waitForFunction(() => document.title === "back");
    const hasGoneOn = async () => ((await stateOf(page)).step ?? 0) > step;
    await goOnUntil(page, hasGoneOn);
    expect((await stateOf(page)).state).toBe("running");
    const other = await context.newPage();
    await other.goto(`${url}train.html`);
    await ready(other);
    await click(other, "Resume");
    await other.getByText("Another tab of this browser has started a run").waitFor();
    await other.close();
    // As another tab takes it from a page that is in memory, and does not answer.
    await giveToNobody(page);
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await page.getByText("Another tab of this browser has started a run").waitFor();
    expect((await stateOf(page)).state).toBe("paused");
    await keeping.close();
  });

  test("own files are trained on, with the config that is proposed and changed", async () => {
    const files: { name: string; mimeType: string; buffer: Buffer }[] = [];
    const options = { samples: 10, seed: 1, points: 150, frames: 1 };
    for await (const { path, bytes } of folderGenerator.files(options, () => {})) {
      files.push({ name: path, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) });
    }
    const { page, problems } = await openPage(browser, `${host.url}train.html?backend=cpu`);
    await page.getByLabel("Open file").setInputFiles(files);
    await page.getByLabel("flux").selectOption("not used");
    await page.getByLabel("Graph").selectOption("8 nearest points");
    await page.locator("#option-steps").fill("20");
    await page.getByText("The whole config").click();
    const config = page.getByLabel("Config in YAML");
    const written = parse(await config.inputValue()) as { targets: object; graph: object };
    expect(written).toMatchObject({ targets: { temperature: {} }, graph: { kind: "knn", k: 8 } });
    expect(Object.keys(written.targets)).toEqual(["temperature"]);
    expect(await axeViolations(page)).toEqual([]);
    await config.fill((await config.inputValue()).replace("temperature", "temprature"));
    await click(page, "Start");
    await until(page, "failed");
    await page.getByText("temprature").first().waitFor();
    await config.fill((await config.inputValue()).replace("temprature", "temperature"));
    await page.locator("#option-steps").fill("20");
    await click(page, "Start");
    await page.waitForFunction(() => globalThis.erwinPage.state === "running");
    await until(page, "done");
    const { files: saved } = await saveRun(page);
    const losses = lossesOf(saved);
    expect(losses).toHaveLength(20);
    expect(losses.at(-1)!.loss).toBeLessThan(losses[0]!.loss);
    expect(new TextDecoder().decode(saved["model.safetensors"])).toContain("temperature");
    await page.getByText(/temperature of plate-\d\.vtu, after 20 steps/).waitFor();
    expect(await captionsOf(page)).toEqual(["Prediction", "Truth", "Error"]);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a flow that is made here is predicted frame by frame, and its error drawn", async () => {
    const { page, problems } = await openPage(browser, `${host.url}train.html?experiment=eagle&backend=cpu`);
    await page.locator("#generate-samples").fill("3");
    await click(page, "Make samples");
    await page.getByText("3 samples, made here").waitFor();
    expect(await page.locator("#option-steps").inputValue()).toBe("400");
    await page.locator("#option-steps").fill("2");
    await click(page, "Start");
    await until(page, "done");
    const frame = page.getByRole("slider", { name: "Frame" });
    await frame.waitFor();
    // What is proposed for these samples ends with a rollout of 20 steps.
    expect(await frame.getAttribute("max")).toBe("19");
    await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>("#prediction-frame")?.value) > 3);
    await click(page, "Stop");
    await page.getByText("error of velocity x").waitFor();
    expect(problems).toEqual([]);

    // Its samples can be generated again, so that the run can continue after a reload.
    await page.locator("#option-steps").fill("4");
    await click(page, "Start");
    await untilStep(page, 1);
    await click(page, "Pause");
    await until(page, "paused");
    await page.reload();
    await until(page, "paused");
    await ready(page);
    // Another experiment that is looked at meanwhile changes nothing; a second click while the samples are generated neither.
    await page.getByLabel("Experiment").selectOption("overfit");
    await click(page, "Resume");
    await click(page, "Resume");
    await until(page, "done");
    expect((await stateOf(page)).step).toBe(4);
    expect(await page.getByLabel("Experiment").inputValue()).toBe("eagle");
    await page.context().close();
  });

  test("chains that are made here are HDF5 files, which the training reads", async () => {
    const { page, problems } = await openPage(browser, `${host.url}train.html?experiment=md&backend=cpu`);
    await page.locator("#generate-samples").fill("3");
    await click(page, "Make samples");
    await page.getByText("3 samples, made here").waitFor();
    await page.locator("#option-steps").fill("2");
    await click(page, "Start");
    await until(page, "done");
    expect(await stateOf(page)).toEqual({ state: "done", step: 2, error: undefined });
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a browser that tells of a software adapter by its name alone, as older ones do, has the processor chosen", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(() => Reflect.deleteProperty(GPUAdapterInfo.prototype, "isFallbackAdapter"));
    await page.goto(`${host.url}train.html`);
    await ready(page);
    expect(await page.locator("#backend").inputValue()).toBe("cpu");
    await context.close();
  });

  test("a run on WebGPU goes to its end", async () => {
    const { page } = await openPage(browser, `${host.url}train.html`);
    await ready(page);
    // SwiftShader computes on the processor, more slowly than the library does.
    expect(await page.getByLabel("Device").inputValue()).toBe("cpu");
    await load(page, `${host.url}train.html?experiment=overfit&backend=webgpu&steps=6`);
    await click(page, "Start");
    await until(page, "done");
    expect(await stateOf(page)).toEqual({ state: "done", step: 6, error: undefined });
    expect(await page.locator("#device").textContent()).toContain("WebGPU");
    const losses = lossesOf((await saveRun(page)).files);
    expect(losses.at(-1)!.loss).toBeLessThan(losses[0]!.loss);
    await page.context().close();
  });

  test("a data set that is missing or none is said, with what to do, and a file that is no saved run", async () => {
    const { page } = await openPage(
      browser,
      `${host.url}train.html?experiment=cosmology&backend=tpu&steps=many&batchSize=2`,
    );
    await page.getByText("The page's address asks for backend=tpu, steps=many, which there is not").waitFor();
    expect(await page.locator("#option-batchSize").inputValue()).toBe("2");
    await page.getByLabel("Device").selectOption("cpu");
    // A wrong value is shown, also in what is folded away; a number that is not needed does no harm.
    await page.locator("#generate-samples").fill("1");
    await page.getByText("More options").click();
    await page.locator("#option-warmup").fill("1.5");
    await page.getByText("More options").click();
    await click(page, "Start");
    await page.getByText("Warmup must be a whole number").waitFor();
    expect(await page.locator("#option-warmup").evaluate((field) => field === document.activeElement)).toBe(true);
    await page.locator("#option-warmup").fill("10");
    await click(page, "Start");
    await page.getByText("open its folder").waitFor();
    await page
      .getByLabel("Open file")
      .setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
    await click(page, "Start");
    await until(page, "failed");
    await page.getByText("open its folder again").waitFor();
    await page
      .getByLabel("Open file")
      .setInputFiles({ name: "a.zip", mimeType: "application/zip", buffer: Buffer.from("PK") });
    await page.getByText("The saved run a.zip: not a ZIP archive").waitFor();
    const table = Buffer.from(`x,y,z,u,wall\n${"0,1,2,3,inlet\n".repeat(8)}`);
    await page.getByLabel("Experiment").selectOption("folder");
    await page.getByLabel("Open file").setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer: table });
    await page.getByText('wall (a.csv: row 2, column 5: "inlet" is not a number)').waitFor();
    const model = saveSafetensors(new Map([["a.weight", { shape: [1], data: new Float32Array(1) }]]), { config: "{}" });
    await page
      .getByLabel("Open file")
      .setInputFiles({ name: "m.safetensors", mimeType: "application/octet-stream", buffer: Buffer.from(model) });
    await page.getByText("m.safetensors: expected a sample, found a model").waitFor();
    await page.context().close();
  });

  test("a page whose storage is full says so, trains all the same, and asks before the run is lost", async () => {
    const { page } = await openPage(browser, `${host.url}train.html?experiment=overfit&backend=cpu&steps=2`);
    const devTools = await page.context().newCDPSession(page);
    await devTools.send("Storage.overrideQuotaForOrigin", { origin: new URL(host.url).origin, quotaSize: 50_000 });
    await click(page, "Start");
    await page.getByText("for this site is full").waitFor();
    await until(page, "done");
    expect(await page.locator("#status").textContent()).toContain("The run is on this page alone");
    const asked = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    await (await asked).dismiss();
    const { files } = await saveRun(page);
    expect(Object.keys(files).sort()).toEqual([
      "config.json",
      "last.safetensors",
      "metrics.jsonl",
      "model.safetensors",
    ]);
    expect(lossesOf(files).map(({ step }) => step)).toEqual([1, 2]);
    await page.context().close();
  });

  test("a run begins where the browser's database does not answer, nor locks are there, or it cannot be read", async () => {
    const silent = () => {
      IDBFactory.prototype.open = () => ({}) as IDBOpenDBRequest;
      Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
      // No second of the test's is as long as one of the page's, which waits for the database.
      const { setInterval } = globalThis;
      globalThis.setInterval = ((turn: () => void, ms: number) => setInterval(turn, ms / 20)) as typeof setInterval;
    };
    const damaged = () => {
      IDBDatabase.prototype.transaction = () => {
        throw new DOMException("Internal error.", "UnknownError");
      };
    };
    const wordless = () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("", "UnknownError");
      };
    };
    const harms = [
      [silent, "no answer for 10 s"],
      [damaged, "Internal error"],
      [wordless, "(UnknownError)"],
    ] as const;
    for (const [harm, reason] of harms) {
      const context = await browser.newContext();
      await context.addInitScript(harm);
      const page = await context.newPage();
      await load(page, `${host.url}train.html?experiment=overfit&backend=cpu&steps=1`);
      await ready(page);
      await page.getByText("A run can be trained all the same").waitFor();
      expect(await page.locator("#message").textContent()).toContain(reason);
      await click(page, "Start");
      await until(page, "done");
      expect(await page.locator("#status").textContent()).toContain("The run is on this page alone");
      expect(await page.locator("#incomplete").isVisible()).toBe(false);
      await context.close();
    }
  });

  test("a kept run that is damaged is said, with what helps, and can be replaced", async () => {
    const { page } = await openPage(browser, `${holdingHost.url}${query}`);
    await click(page, "Start");
    await goOnUntil(page, () => page.locator("#save").isEnabled());
    await click(page, "Pause");
    await until(page, "paused");
    /** Puts something in the place of a file, and loads the page again. */
    const damage = async (name: string, content: unknown) => {
      await putFile(page, name, content);
      await page.reload();
      await ready(page);
    };
    const told = (text: string) => page.locator("#message", { hasText: text }).waitFor();
    await damage("last.safetensors", new Uint8Array(5));
    await click(page, "Resume");
    await told("last.safetensors: truncated: expected at least 8 bytes, found 5. The run that is kept cannot go on");
    expect(await page.locator("#resume").isVisible(), "resuming it would fail again").toBe(false);
    await damage("metrics.jsonl", "no bytes");
    await told("metrics.jsonl: expected a file's bytes, found a value of type string. The run that is kept cannot");
    await click(page, "Start");
    await page.waitForFunction(() => globalThis.erwinPage.state === "running");
    await finish(page);
    expect(await stateOf(page)).toEqual({ state: "done", step: 20, error: undefined });
    await page.context().close();
  });

  test("a pause that takes long can be cut short", async () => {
    // More steps than a fast machine takes before the button changes.
    const { page } = await openPage(browser, `${host.url}${query}00`);
    await page.evaluate(() => {
      // As if the worker's device hung.
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (...given: unknown[]) {
        if ((given[0] as { type?: string }).type !== "pause") post.apply(this, given as Parameters<typeof post>);
      };
    });
    await click(page, "Start");
    await click(page, "Pause");
    await click(page, "End now");
    await page.getByText("A run of overfit is kept in this browser").waitFor();
    expect((await stateOf(page)).state).toBe("paused");
    expect(await page.locator("#pause").textContent()).toBe("Pause");
    await page.context().close();
  });

  test("a run whose worker is ended from outside stops with a word, and can go on", async () => {
    const { page } = await openPage(browser, `${holdingHost.url}${query}`);
    await click(page, "Start");
    // Its first checkpoint comes after a second.
    await goOnUntil(page, () => page.locator("#save").isEnabled());
    // As the developer tools end it, or a browser whose memory is short: no event tells of it.
    const training = page.workers().find((worker) => /worker-[^/]*\.js$/.test(worker.url()))!;
    await training.evaluate(() => close());
    await until(page, "failed");
    expect((await stateOf(page)).error).toContain("the browser has ended the page's training");
    expect(await page.locator("#message").textContent()).toContain("“Resume” continues from the last checkpoint");
    await click(page, "Resume");
    await page.waitForFunction(() => globalThis.erwinPage.state === "running");
    await finish(page);
    expect(await stateOf(page)).toMatchObject({ state: "done", step: 20 });
    await page.context().close();
  });

  test("a page without storage or an adapter, and one whose script fails, at once or later, or does not arrive, say so", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
      };
      GPU.prototype.requestAdapter = async () => null;
    });
    await page.goto(`${host.url}train.html`);
    await page.getByText("allow this site to keep data").waitFor();
    await ready(page);
    expect(await page.getByLabel("Device").inputValue()).toBe("cpu");
    // The first of several errors is told, and what is no error of the page is not.
    await page.evaluate(() => {
      dispatchEvent(new ErrorEvent("error", { message: "ResizeObserver loop limit exceeded" }));
      for (const text of ["one", "another"]) setTimeout(() => Promise.reject(new Error(text)));
    });
    await page.getByText("Something on this page has failed: one. Reload").waitFor();
    const library = /assets\/page-.*\.js$/;
    await page.route(library, (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await page.reload();
    await page.getByText("This page does not work in this browser: Uncaught SyntaxError").waitFor();
    await page.route(library, (route) => route.abort());
    await page.reload();
    await page.getByText("This page could not be loaded completely").waitFor();
    await context.close();
  });
});

const firefox = findFirefox();

test.skipIf(!firefox)(
  "Firefox: twenty steps with falling loss, and the same bits with a reload in between",
  async () => {
    const host = await serveSite("headers");
    const holdingHost = await serveSite("headers", holding(6));
    const firefoxBrowser = await launchFirefox();
    try {
      const page = await firefoxBrowser.newPage();
      const settled = () =>
        page.waitForFunction(() => ["done", "failed", "paused"].includes(globalThis.erwinPage?.state), {
          timeout: RUN_MS,
        });
      const open = async ({ url } = holdingHost) => {
        await page.goto(`${url}${query}`);
        await page.waitForSelector("#start:enabled");
      };
      await open(host);
      await page.click("#start");
      await settled();
      const whole = await page.evaluate(runOfBrowser);
      expect(whole.state).toBe("done");
      expect(whole.losses).toHaveLength(20);
      expect(whole.losses.at(-1)).toBeLessThan(whole.losses[0]! / 2);

      await open();
      await page.click("#start");
      await page.waitForFunction(() => (globalThis.erwinPage.step ?? 0) >= 4);
      await page.click("#pause");
      await settled();
      expect((await page.evaluate(runOfBrowser)).state).toBe("paused");
      await open();
      await page.click("#resume");
      await page.waitForFunction(() => globalThis.erwinPage.state === "running");
      await vi.waitUntil(() => page.evaluate(goOn), RUN_MS);
      expect(await page.evaluate(runOfBrowser)).toEqual(whole);
    } finally {
      await firefoxBrowser.close();
      host.close();
      holdingHost.close();
    }
  },
);

test.skipIf(!firefox)("Firefox: a run on WebGPU goes to its end with falling loss", async () => {
  const host = await serveSite("headers");
  const firefoxBrowser = await launchFirefox({ webgpu: true });
  try {
    const page = await firefoxBrowser.newPage();
    await page.goto(`${host.url}train.html?experiment=overfit&backend=webgpu&steps=6`);
    await page.waitForSelector("#start:enabled");
    await page.click("#start");
    await page.waitForFunction(() => ["done", "failed"].includes(globalThis.erwinPage?.state), { timeout: RUN_MS });
    const { state, losses } = await page.evaluate(runOfBrowser);
    expect(state).toBe("done");
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(await page.$eval("#device", (device) => device.textContent)).toContain("WebGPU");
  } finally {
    await firefoxBrowser.close();
    host.close();
  }
});

/** Runs in the page: returns its state, and the losses and weights of the run that the browser keeps. */
async function runOfBrowser() {
  const answerOf = <Result>(request: IDBRequest<Result>) =>
    new Promise<Result>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await answerOf(indexedDB.open("erwin-training"));
  const file = (name: string) => answerOf(database.transaction("files").objectStore("files").get(name));
  const [metrics, weights] = [await file("metrics.jsonl"), await file("model.safetensors")];
  database.close();
  const losses = new TextDecoder()
    .decode(metrics)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; loss: number })
    .filter(({ kind }) => kind === "training")
    .map(({ loss }) => loss);
  const digest = weights && Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", weights)));
  return { state: globalThis.erwinPage.state, losses, digest };
}
