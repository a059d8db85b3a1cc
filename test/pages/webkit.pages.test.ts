// The pages in WebKit, Safari's engine, which has no WebGPU here: each does its work on the processor, within the page's policy.

import { afterAll, beforeAll, expect, test } from "vitest";
import { launchWebKit, type WebKit } from "../../src/build/webkit.mjs";
import { serveSite } from "./browser.ts";

let browser: WebKit;
let host: Awaited<ReturnType<typeof serveSite>>;
beforeAll(async () => {
  browser = await launchWebKit();
  host = await serveSite("headers");
});
afterAll(async () => {
  await browser?.close();
  host?.close();
});

/** A script that waits for a condition in the page, or for the page's failure, and returns the page's state. */
const until = (condition: string) => `
  const end = Date.now() + 120_000;
  while (!(${condition}) && globalThis.erwinPage?.state !== "failed") {
    if (Date.now() > end) throw new Error("still " + JSON.stringify(globalThis.erwinPage));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return erwinPage;`;

const begun = "globalThis.erwinPage && !document.querySelector('[data-when-ready]:disabled, #start:disabled')";
const done = "globalThis.erwinPage?.state === 'done'";

test("the start page is isolated, so that threads share memory", async () => {
  await browser.open(`${host.url}index.html`);
  expect(await browser.evaluate("return [crossOriginIsolated, erwinPage.state]")).toEqual([true, "idle"]);
});

test("the explorer draws the bunny, and the cloud that is picked next", async () => {
  await browser.open(`${host.url}explorer.html`);
  expect(await browser.evaluate(until(done))).toMatchObject({ state: "done" });
  const pick = `const sample = document.querySelector("#sample");
    sample.value = "galaxy";
    sample.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 500));`;
  expect(await browser.evaluate(pick + until(done))).toMatchObject({ state: "done" });
});

test("a training learns, pauses, and is kept over a reload", async () => {
  await browser.open(`${host.url}train.html`);
  await browser.evaluate(until(begun));
  await browser.evaluate("document.querySelector('#start').click()");
  const first = await browser.evaluate(until("erwinPage.loss"));
  expect(first).toMatchObject({ state: "running" });
  const later = await browser.evaluate(until(`erwinPage.step > ${first.step + 10}`));
  expect(later.loss).toBeLessThan(first.loss);
  await browser.evaluate("document.querySelector('#pause').click()");
  const { step } = await browser.evaluate(until("erwinPage.state === 'paused'"));
  await browser.open(`${host.url}train.html`);
  expect(await browser.evaluate(until("globalThis.erwinPage?.state === 'paused'"))).toMatchObject({ step });
});

test("the prediction page predicts its example", async () => {
  await browser.open(`${host.url}predict.html`);
  const example = "document.querySelector('#example')";
  await browser.evaluate(until(`globalThis.erwinPage && !${example}.disabled`));
  await browser.evaluate(`${example}.click()`);
  expect(await browser.evaluate(until(done))).toMatchObject({ state: "done" });
  const status = "return document.querySelector('#status').textContent";
  expect(await browser.evaluate(status)).toBe("Predicted plate-0.vtu.");
});

test("each example runs to its end", async () => {
  await browser.open(`${host.url}examples.html`);
  const count = await browser.evaluate(`${until(begun).replace("return erwinPage;", "")}
    return document.querySelectorAll("[data-when-ready]").length`);
  expect(count).toBeGreaterThan(2);
  for (let i = 0; i < count; i++) {
    const click = `document.querySelectorAll("[data-when-ready]")[${i}].click();
      await new Promise((resolve) => setTimeout(resolve, 200));`;
    expect(await browser.evaluate(click + until(done)), `example ${i}`).toMatchObject({ state: "done" });
  }
});

test("the benchmark begins, and is cancelled", async () => {
  await browser.open(`${host.url}benchmark.html`);
  await browser.evaluate(until(begun));
  await browser.evaluate("document.querySelector('#run').click()");
  await browser.evaluate(until("document.querySelector('#progress').value > 0"));
  await browser.evaluate("document.querySelector('#cancel').click()");
  expect(await browser.evaluate(until("erwinPage.state !== 'running'"))).toMatchObject({ state: "cancelled" });
});
