// Every page of the site in Chromium: within its policy, accessible in both colours, small, and on the screen without the engine.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../src/build/steps.mjs";
import { SIGN_OF_LIFE } from "../../src/host/silence.ts";
import { QUESTION } from "../../src/pages/shared/signs-of-life.ts";
import { axeViolations, launchChromium, load, type OpenPage, openPage, serveSite } from "./browser.ts";

const site = join(root, "dist/site");
const names = readdirSync(site).filter((name) => name.endsWith(".html"));
const withoutEngine = ["index.html", "benchmark.html"];
/** A phone's, or that of a screen at 400 %. */
const narrow = { width: 320, height: 740 };
const wide = { width: 1280, height: 720 };
const colours = ["light", "dark"] as const;

let browser: Browser;
let host: Awaited<ReturnType<typeof serveSite>>;
let plainHost: typeof host;
/** One for all tests but that of the service worker: to open a page takes much longer than to load another into it. */
let opened: OpenPage;
beforeAll(async () => {
  browser = await launchChromium();
  [host, plainHost] = [await serveSite("headers"), await serveSite("none")];
  opened = await openPage(browser, `${host.url}${names[0]}`);
});
afterAll(async () => {
  await browser.close();
  host.close();
  plainHost.close();
});

describe.each(names)("%s", (name) => {
  beforeAll(async () => {
    opened.problems.splice(0);
    await opened.page.setViewportSize(narrow);
    await load(opened.page, `${host.url}${name}`);
  });

  test("is no wider than a phone of 320 pixels, or a screen at 400 %, and has whole legends", async () => {
    const { page } = opened;
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(narrow.width);
    // Also with a long name in its texts, such as a file's.
    const widthWithName = await page.evaluate(() => {
      const names = [...document.querySelectorAll("main p")].map((text) => {
        const name = document.createTextNode("long_name_".repeat(9));
        text.append(name);
        return name;
      });
      const { scrollWidth } = document.documentElement;
      for (const name of names) name.remove();
      return scrollWidth;
    });
    expect(widthWithName).toBeLessThanOrEqual(narrow.width);
    // The pages' names are in one line, also on a tablet.
    const links = await page.locator(".site-header nav a").all();
    for (const width of [768, 720, narrow.width]) {
      await page.setViewportSize({ ...narrow, width });
      const tops = await Promise.all(links.map(async (link) => (await link.boundingBox())!.y));
      expect(new Set(tops).size).toBe(1);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      // On a tablet tables are whole.
      const frames = page.locator(".table-frame:visible");
      const hidden = await frames.evaluateAll((all) => all.map((frame) => frame.scrollWidth - frame.clientWidth));
      if (width > narrow.width) expect(Math.max(0, ...hidden)).toBe(0);
    }
    if (name === "benchmark.html") {
      // The legend of a chart has its first line, too.
      await page.locator(".u-legend").first().getByText("AMD EPYC, 2 cores").waitFor();
      // Its lines are told apart where the system's colours are forced.
      await page.emulateMedia({ forcedColors: "active" });
      const markers = page.locator(".u-legend").first().locator(".u-marker");
      const colours = await markers.evaluateAll((all) => all.map((one) => getComputedStyle(one).borderTopColor));
      expect(new Set(colours).size).toBeGreaterThan(4);
      await page.emulateMedia({ forcedColors: "none" });
    }
    // What can be chosen is whole beside its arrow.
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll("select")]
        .filter((select) => select.checkVisibility())
        .filter((select) => {
          const { font, paddingLeft, paddingRight } = getComputedStyle(select);
          const context = document.createElement("canvas").getContext("2d")!;
          context.font = font;
          const room = select.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
          return context.measureText(select.selectedOptions[0]?.text ?? "").width > room + 1;
        })
        .map(({ id }) => id),
    );
    expect(cut).toEqual([]);
  });

  test("shows on a phone what is to be compared, and no number in two lines", async () => {
    const { page } = opened;
    if (name === "benchmark.html") {
      const { x, width } = (await page.getByRole("columnheader", { name: "GFLOP/s" }).boundingBox())!;
      expect(x + width).toBeLessThan(narrow.width);
    }
    // As below a training's prediction.
    const lines = await page.evaluate(() => {
      const [legend, entry, scale] = ["legend", "", "scale"].map((className) =>
        Object.assign(document.createElement("span"), { className }),
      );
      legend!.style.cssText = "display: block; width: 8rem";
      scale!.append("-0.999", Object.assign(document.createElement("i"), { className: "ramp" }), "1");
      entry!.append("prediction and truth ", scale!);
      legend!.append(entry!);
      document.querySelector("main")!.append(legend!);
      const range = document.createRange();
      range.selectNode(scale!.firstChild!);
      const lines = range.getClientRects().length;
      legend!.remove();
      return lines;
    });
    expect(lines).toBe(1);
  });

  test("downloads little, and the first pages are on the screen without the engine", async () => {
    const files = await opened.page.evaluate(() =>
      performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
    );
    // Results of others are data, no part of the page.
    const own = [`/${name}`, ...new Set(files)].filter((file) => !file.endsWith(".json"));
    const size = own.reduce((sum, file) => sum + gzipSync(readFileSync(join(site, file))).length, 0);
    expect(size).toBeLessThan(600_000);
    if (withoutEngine.includes(name)) expect(files.filter((file) => file.includes("/erwin/"))).toEqual([]);
  });

  test("is accessible in both colours, and keeps to its policy", async () => {
    await opened.page.setViewportSize(wide);
    for (const colorScheme of colours) {
      await opened.page.emulateMedia({ colorScheme });
      expect(await axeViolations(opened.page), colorScheme).toEqual([]);
    }
    expect(opened.problems).toEqual([]);
  });
});

test("a service worker isolates pages where the host does not", async () => {
  const { page, problems } = await openPage(browser, `${plainHost.url}benchmark.html`, { isolation: "service worker" });
  expect(await page.evaluate(() => [crossOriginIsolated, globalThis.erwinPage.state])).toEqual([true, "idle"]);
  // With the shift key a reload passes over the service worker.
  const session = await page.context().newCDPSession(page);
  for (let time = 0; time < 2; time++) {
    await page.evaluate(() => Object.assign(globalThis, { isBefore: true }));
    await session.send("Page.reload", { ignoreCache: true });
    await page.waitForFunction(() => !("isBefore" in globalThis) && "erwinPage" in globalThis && crossOriginIsolated);
  }
  expect(problems).toEqual([]);
  await page.context().close();
});

test("on paper a dark page is light, with its charts, and its header covers nothing", async () => {
  const page = await opened.page.context().newPage();
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`${host.url}benchmark.html`);
  await page.locator(".u-legend").first().getByText("AMD EPYC, 2 cores").waitFor();
  const look = () =>
    page.evaluate(() => {
      const { color } = getComputedStyle(document.body);
      const chart = document.querySelector<HTMLCanvasElement>(".chart canvas")!.toDataURL();
      return { color, chart, position: getComputedStyle(document.querySelector("header")!).position };
    });
  let light = await look();
  for (const colorScheme of ["dark", "light", "dark"] as const) {
    const before = await look();
    await page.emulateMedia({ colorScheme });
    await expect.poll(async () => (await look()).color).not.toBe(before.color);
    // The charts are drawn a moment later.
    await expect.poll(async () => (await look()).chart).not.toBe(before.chart);
    if (colorScheme === "light") light = await look();
  }
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  await expect.poll(look).toEqual({ ...light, position: "static" });
  // A sheet of A4 between its margins: nothing of a table is beside its frame, where it would be cut off or all made smaller.
  await page.setViewportSize({ width: 718, height: 1000 });
  const beside = () =>
    page.locator(".table-frame").evaluateAll((frames) => frames.map((frame) => frame.scrollWidth - frame.clientWidth));
  expect((await beside()).length).toBeGreaterThan(0);
  await expect.poll(beside).toEqual((await beside()).map(() => 0));
  await page.close();
});

test("charts: where the browser's language is none, and as often as another quantity is chosen", async () => {
  const page = await opened.page.context().newPage();
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "language", { get: () => "C" }));
  await page.goto(`${host.url}benchmark.html`);
  await page.locator(".u-legend").first().getByText("AMD EPYC, 2 cores").waitFor();
  const listenersAdded = await page.evaluate(() => {
    let added = 0;
    document.addEventListener = () => added++;
    for (const choice of document.querySelectorAll<HTMLElement>("input[name=quantity]")) choice.click();
    return added;
  });
  expect(listenersAdded).toBe(0);
  expect(await page.getByRole("img", { name: /: Share of the measured roofline/ }).count()).toBe(2);
  const [dashes] = await page.locator(".u-legend").evaluateAll((legends) =>
    legends.map((legend) => {
      const markers = [...legend.querySelectorAll<HTMLElement>(".u-marker")];
      return markers.map(({ style }) => style.borderTopStyle + style.borderTopColor).filter((line) => line !== "");
    }),
  );
  expect(new Set(dashes).size).toBe(dashes!.length);
  await page.close();
});

test("without either a page says that there is one thread", async () => {
  await load(opened.page, `${plainHost.url}benchmark.html`, "none");
  expect(await opened.page.locator("#hint").textContent()).toContain("one thread only");
});

test("no script of the site or the library imports a worker's own, which WebKit would run a second time", () => {
  for (const [folder, workers, imports] of [
    [join(site, "assets"), /^(data-)?worker-.*\.js$/, /from"\.\/(data-)?worker-|import\(`\.\/(data-)?worker-/],
    [join(site, "erwin/assets"), /^(pool|kernels|model|data)-worker\.js$/, /(from|import\()\s*["`].*-worker\.js/],
  ] as const) {
    const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
    expect(scripts.filter((name) => workers.test(name)).length).toBeGreaterThan(3);
    expect(scripts.filter((name) => imports.test(readFileSync(join(folder, name), "utf8")))).toEqual([]);
  }
});

test("every worker of the site says that it is alive", async () => {
  const workers = readdirSync(join(site, "assets")).filter((name) => /^(data-)?worker-.*\.js$/.test(name));
  // Of the benchmark, the explorer, the examples, the predictions, and two of the training page.
  expect(workers).toHaveLength(6);
  const { page } = opened;
  // A file without the pages' policy, by which only the pages' own scripts may start workers.
  await page.goto(`${host.url}assets/${workers[0]}`);
  const answers = await page.evaluate(
    ([question, ...names]) => {
      const ask = (name: string) =>
        new Promise((resolve) => {
          const worker = new Worker(`/assets/${name}`, { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => resolve(message);
          worker.postMessage(question);
        });
      return Promise.all(names.map(ask));
    },
    [QUESTION, ...workers],
  );
  expect(answers).toEqual(workers.map(() => SIGN_OF_LIFE));
});

test("the colours that a visitor chooses stay", async () => {
  const { page } = opened;
  await page.emulateMedia({ colorScheme: "light" });
  await load(page, `${host.url}index.html`);
  const toggle = page.getByRole("button", { name: "Dark colours" });
  await toggle.click();
  await load(page, `${host.url}benchmark.html`);
  expect(await toggle.getAttribute("aria-pressed")).toBe("true");
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(background).toBe("rgb(15, 18, 24)");
  await page.evaluate(() => localStorage.clear());
});
