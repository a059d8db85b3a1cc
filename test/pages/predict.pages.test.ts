// The prediction page in Chromium and in Firefox: its example, a model and files that are opened in any order, a sequence, a run of the
// training page, and copies of the files that hold what the library predicts.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { unzipSync, zipSync } from "fflate";
import type { Browser, Page } from "playwright-core";
import type { ElementHandle } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFirefox, launchFirefox } from "../../src/build/firefox.mjs";
import { root } from "../../src/build/steps.mjs";
import { folderGenerator } from "../../src/experiments/folder/write.ts";
import type { TypedArray } from "../../src/formats/bytes/bytes.ts";
import { loadNpz, saveNpz } from "../../src/formats/numpy/npz.ts";
import { loadVtp, loadVtu } from "../../src/formats/vtk/vtu.ts";
import { axeViolations, launchChromium, load, type OpenPage, openPage, serveSite } from "./browser.ts";

const RUN_MS = 120_000;

/** The built library, with which the files' predictions are computed once more. */
const built = (name: string) => import(/* @vite-ignore */ pathToFileURL(join(root, `dist/${name}.js`)).href);
const { ErwinTransformer, requestDevice } = (await built("erwin")) as typeof import("erwin");
const { FOLDER, folderExperiment, MemorySource, openRun, resolveOptions, Surrogate } = (await built(
  "experiments",
)) as typeof import("erwin/experiments");

type Files = Record<string, Uint8Array>;
const device = await requestDevice({ backend: "cpu", threads: 1 });
const plates: Files = {};
for await (const { path, bytes } of folderGenerator.files({ samples: 3, points: 60, frames: 1, seed: 5 }, () => {})) {
  plates[path] = bytes;
}
const size = {
  cIn: 4,
  cHidden: [8, 8],
  ballSizes: [32, 32],
  strides: [2],
  encDepths: [1, 1],
  encNumHeads: [2, 2],
  decDepths: [1],
  decNumHeads: [2],
};
/** What a training of no steps would write. */
async function trained(config: object, files: Files): Promise<Uint8Array> {
  const experiment = folderExperiment({ ...config, model: size, splits: { train: ["*"] } });
  const options = resolveOptions(experiment.options) as never;
  const source = new MemorySource(new Map(Object.entries(files)), "data");
  const { model } = await openRun(FOLDER, experiment as never, { device, options, source });
  return model.save();
}
const ofPlates = await trained({ dimensions: 2, inputs: ["conductivity"], targets: ["temperature"] }, plates);

/** Five frames of a cloud that becomes warmer. */
const frames: Files = Object.fromEntries(
  [0, 1, 2, 3, 4].map((frame) => {
    const some = (count: number, seed: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(seed + 7 * i * i));
    const heat = some(40, 2).map((value) => value + frame / 10);
    const arrays = { positions: { shape: [40, 3], data: some(120, 1) }, heat: { shape: [40], data: heat } };
    return [`run_${frame}.npz`, saveNpz(arrays)];
  }),
);
/** Two frames on a grid of 12 x 24 points; of the land, the west of it, no values are known. */
const [north, east] = [12, 24];
const onGrid: Files = Object.fromEntries(
  [0, 1].map((frame) => {
    const axis = (count: number) => ({ shape: [count], data: Float32Array.from({ length: count }, (_, i) => 15 * i) });
    const heat = Float32Array.from({ length: north * east }, (_, i) =>
      i % east < 8 ? Number.NaN : 280 + frame + Math.sin(i),
    );
    return [
      `sea_${frame}.npz`,
      saveNpz({ lat: axis(north), lon: axis(east), heat: { shape: [north, east], data: heat } }),
    ];
  }),
);
const ofGrids = await trained(
  {
    grid: ["lat", "lon"],
    coordinates: ["lon", "lat"],
    targets: [{ name: "heat", missing: "nan" }],
    sequence: true,
  },
  onGrid,
);
const ofSequences = await trained({ targets: ["heat"], sequence: true }, frames);
/** A sphere of VTK, whose points have a height and whose cells a pressure. */
const ball = new Uint8Array(readFileSync(join(root, "test/formats/cells/sphere.vtp")));
const ofHeights = await trained({ targets: ["height"] }, { "ball.vtp": ball });
const ofCells = await trained({ location: "cells", targets: ["p"], graph: "mesh" }, { "ball.vtp": ball });

const asUploads = (files: Files) =>
  Object.entries(files).map(([name, bytes]) => ({
    name,
    mimeType: "application/octet-stream",
    buffer: Buffer.from(bytes),
  }));
const give = (page: Page, id: string, files: Files) => page.locator(`#${id}`).setInputFiles(asUploads(files));
const settled = (page: Page) =>
  page.waitForFunction(() => !["idle", "running"].includes(globalThis.erwinPage?.state), undefined, {
    timeout: RUN_MS,
  });
const stateOf = (page: Page) => page.evaluate(() => [globalThis.erwinPage.state, globalThis.erwinPage.error]);
const statusOf = (page: Page) => page.locator("#status").textContent();
const click = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

async function saved(page: Page, button: string): Promise<{ name: string; bytes: Uint8Array }> {
  const [download] = await Promise.all([page.waitForEvent("download", { timeout: RUN_MS }), click(page, button)]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** Returns the prediction of the library for a file of plates. */
async function expected(name: string): Promise<Float32Array> {
  using surrogate = await Surrogate.load(ofPlates, { device });
  const { temperature } = await surrogate.predictFile(new File([plates[name] as Uint8Array<ArrayBuffer>], name));
  return Float32Array.from(temperature.prediction);
}
/** Hosts differ in whether they fuse multiplications and additions. */
function expectClose(found: TypedArray | undefined, known: ArrayLike<number>): void {
  expect(found).toHaveLength(known.length);
  const largest = Array.from(known).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  Array.from(found as Float32Array).forEach((value, i) =>
    expect(Math.abs(value - known[i]!)).toBeLessThan(1e-5 * largest),
  );
}
const arrayIn = (bytes: Uint8Array, name: string) => loadVtu(bytes).pointData.get(name)?.data;

let browser: Browser;
let host: Awaited<ReturnType<typeof serveSite>>;
let opened: OpenPage;
beforeAll(async () => {
  browser = await launchChromium();
  host = await serveSite("headers");
  opened = await openPage(browser, `${host.url}predict.html`);
});
afterAll(async () => {
  await browser.close();
  host.close();
  device.dispose();
});

describe("in Chromium", () => {
  const fresh = async () => {
    await load(opened.page, `${host.url}predict.html`);
    await opened.page.locator("#example:enabled").waitFor();
    await opened.page.locator("#backend").selectOption("cpu");
    await settled(opened.page);
    return opened.page;
  };

  test("the example shows a prediction like the truth, accessible in both colours", async () => {
    const page = await fresh();
    await click(page, "Try an example");
    await page.waitForFunction(() => globalThis.erwinPage.state === "running");
    await settled(page);
    expect(await stateOf(page)).toEqual(["done", undefined]);
    expect(await statusOf(page)).toBe("Predicted plate-0.vtu.");
    const captions = page.locator("#prediction-captions p");
    await expect.poll(() => captions.allTextContents()).toHaveLength(3);
    expect((await captions.allTextContents())[2]).toMatch(/^Error [\d.]+, root mean square$/);
    // Of temperatures from 293 to 461 K.
    expect(Number.parseFloat((await captions.nth(2).textContent())!.slice(6))).toBeLessThan(20);
    expect(await page.locator("#sample option").count()).toBe(6);
    for (const colours of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: colours });
      expect(await axeViolations(page)).toEqual([]);
    }
    expect(opened.problems).toEqual([]);
  });

  test("on a phone, where results are below the form, what is opened brings them into view", async () => {
    const page = await fresh();
    await page.setViewportSize({ width: 320, height: 700 });
    try {
      const isInView = (id: string) =>
        page.evaluate((id) => {
          const { top, bottom } = document.getElementById(id)!.getBoundingClientRect();
          return bottom > 0 && top < innerHeight;
        }, id);
      expect(await isInView("progress-card")).toBe(false);
      await click(page, "Try an example");
      await expect.poll(() => isInView("prediction-stage"), { timeout: RUN_MS }).toBe(true);
      // Another sample is chosen beside its field, which stays where it is.
      await page.locator("#sample").scrollIntoViewIfNeeded();
      const before = await page.evaluate(() => scrollY);
      await page.locator("#sample").selectOption({ index: 1 });
      await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-1.vtu.");
      expect(await page.evaluate(() => scrollY)).toBe(before);
    } finally {
      await page.setViewportSize({ width: 1280, height: 720 });
    }
  });

  test("files before the model; copies hold the library's prediction; another sample, another device", async () => {
    const page = await fresh();
    await give(page, "open-files", Object.fromEntries(Object.entries(plates).slice(0, 1)));
    await settled(page);
    expect(await statusOf(page)).toBe("1 file is ready for a model.");
    await give(page, "open-files", plates);
    await settled(page);
    expect(await statusOf(page)).toBe("3 files are ready for a model.");
    await give(page, "open-model", { "model.safetensors": ofPlates });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-0.vtu.");
    expect(await page.locator("#model-facts").textContent()).toBe(
      "Seespositions (2 components), conductivityPredictstemperature",
    );
    const one = await saved(page, "Save prediction");
    expect(one.name).toBe("plate-0.vtu");
    expectClose(arrayIn(one.bytes, "prediction"), await expected("plate-0.vtu"));
    expect(arrayIn(one.bytes, "kind")).toEqual(arrayIn(plates["plate-0.vtu"]!, "kind"));
    const all = await saved(page, "Save all");
    expect(all.name).toBe("predictions.zip");
    const copies = unzipSync(all.bytes);
    expect(Object.keys(copies)).toEqual(Object.keys(plates));
    for (const [name, bytes] of Object.entries(copies)) {
      expectClose(arrayIn(bytes, "prediction"), await expected(name));
    }
    await page.locator("#sample").selectOption({ index: 2 });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-2.vtu.");
    await page.locator("#backend").selectOption("webgpu");
    await expect.poll(() => page.locator("#device").textContent(), { timeout: RUN_MS }).toMatch(/^WebGPU/);
    await settled(page);
    expect(await statusOf(page)).toBe("Predicted plate-2.vtu.");
    const onGpu = (await saved(page, "Save prediction")).bytes;
    expectClose(arrayIn(onGpu, "prediction"), await expected("plate-2.vtu"));
  });

  test("a sequence is predicted frame by frame, and saved as a zip of its frames", async () => {
    const page = await fresh();
    // A model and files at once.
    await give(page, "open-files", { "flow.safetensors": ofSequences, ...frames });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted run.");
    expect(await page.locator("#sample").textContent()).toBe("run, 5 frames");
    expect(await page.locator("#prediction-sequence").isVisible()).toBe(true);
    const copies = unzipSync((await saved(page, "Save prediction")).bytes);
    expect(Object.keys(copies)).toEqual(Object.keys(frames));
    using surrogate = await Surrogate.load(ofSequences, { device });
    const given = loadNpz(frames["run_0.npz"]!);
    const state = { positions: given.get("positions")!.data, heat: given.get("heat")!.data } as never;
    const next = await surrogate.predict(state);
    const second = loadNpz(copies["run_1.npz"]!);
    expectClose(second.get("prediction")!.data, next.heat.prediction);
    // One frame by itself is taken to the next.
    await give(page, "open-files", { "run_0.npz": frames["run_0.npz"]! });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted run_0.npz.");
    const single = loadNpz((await saved(page, "Save prediction")).bytes);
    expectClose(single.get("prediction")!.data, next.heat.prediction);
  });

  /** How many of the pixels of each third of the stage are of the ground, of the colour of no value, and of other colours. */
  const countedOn = (page: Page) =>
    page.evaluate(() => {
      const stage = document.querySelector<HTMLCanvasElement>("#prediction-stage")!;
      const copy = document.createElement("canvas");
      const { width, height } = Object.assign(copy, { width: stage.width, height: stage.height });
      const context = copy.getContext("2d")!;
      context.drawImage(stage, 0, 0);
      const row = Math.floor(height / 2);
      const { data } = context.getImageData(0, row, width, 1);
      const [red, green, blue] = context.getImageData(0, height - 1, 1, 1).data;
      return [0, 1, 2].map((side) => {
        const found = { ground: 0, grey: 0, coloured: 0, runs: "" };
        for (let x = Math.ceil((side * width) / 3) + 2; x < ((side + 1) * width) / 3 - 2; x++) {
          const [r, g, b] = data.subarray(4 * x, 4 * x + 3);
          const isGround = r === red && g === green && b === blue;
          const kind = isGround ? "ground" : r === 136 && g === 136 && b === 136 ? "grey" : "coloured";
          found[kind]++;
          if (!found.runs.endsWith(kind)) found.runs += ` ${kind}`;
        }
        return found;
      });
    });

  test("a mesh is drawn as a surface, of values of points and of cells", async () => {
    const page = await fresh();
    for (const [name, ofMesh] of Object.entries({ "points.safetensors": ofHeights, "cells.safetensors": ofCells })) {
      await give(page, "open-files", { [name]: ofMesh, "ball.vtp": ball });
      await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted ball.vtp.");
      const runs = async () => (await countedOn(page)).map((side) => side.runs.trim());
      await expect.poll(runs, { timeout: RUN_MS }).toEqual(Array(3).fill("ground coloured ground"));
      const error = (await page.locator("#prediction-captions p").nth(2).textContent())!;
      expect(error).toMatch(/^Error [\d.]+, root mean square$/);
    }
    const { bytes } = await saved(page, "Save prediction");
    expect(loadVtp(bytes).cellData.get("prediction")?.shape).toEqual([24]);
    expect(opened.problems).toEqual([]);
  });

  test("a grid is drawn as a surface, and grey where there is no value, which counts for nothing", async () => {
    const page = await fresh();
    await give(page, "open-files", { "sea.safetensors": ofGrids, ...onGrid });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted sea.");
    const slider = page.locator("#prediction-frame");
    await slider.fill("1");
    const legend = page.locator("#prediction-legend");
    await expect.poll(() => legend.textContent()).toMatch(/^prediction and truth .*error .*no value$/);
    // The scale is that of the values there are.
    expect(await legend.locator(".scale").first().textContent()).toBe("279282");
    const error = (await page.locator("#prediction-captions p").nth(2).textContent())!;
    expect(Number.parseFloat(error.slice("Error ".length))).toBeLessThan(5);
    const runs = async () => (await countedOn(page)).map((side) => side.runs.trim());
    // No ground is seen between the points, which are ten pixels and more from each other.
    await expect.poll(runs, { timeout: RUN_MS }).toEqual(Array(3).fill("ground grey coloured ground"));
    for (const { grey, coloured } of await countedOn(page)) {
      // Seven of its 23 columns of quads lie between points without a value.
      expect(grey / (grey + coloured)).toBeCloseTo(7 / 23, 1);
    }
    expect(await axeViolations(page)).toEqual([]);
    expect(opened.problems).toEqual([]);
    // Where no value is missing, no legend speaks of it; nor of an error where there is no truth.
    await give(page, "open-files", { "flow.safetensors": ofSequences, ...frames });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted run.");
    await expect.poll(() => legend.textContent()).not.toContain("no value");
    expect(await legend.textContent()).toContain("error");
  });

  test("labels that do not count are grey, and no part of the share that is wrong", async () => {
    const page = await fresh();
    const truth = Int32Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? -1 : i % 3));
    const arrays = { positions: loadNpz(frames["run_0.npz"]!).get("positions")!, kind: { shape: [40], data: truth } };
    const cells: Files = { "cells.npz": saveNpz(arrays as never) };
    const ofKinds = await trained({ targets: [{ name: "kind", classes: 3, ignore: -1 }] }, cells);
    await give(page, "open-files", { "kinds.safetensors": ofKinds, ...cells });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted cells.npz.");
    await expect
      .poll(() => page.locator("#prediction-legend").textContent())
      .toBe("Each class has a colour; red points are of the wrong one.not counted");
    const { bytes } = await saved(page, "Save prediction");
    const predicted = loadNpz(bytes).get("prediction")!.data;
    const wrong = truth.filter((label, i) => label !== -1 && label !== predicted[i]).length;
    const error = (await page.locator("#prediction-captions p").nth(2).textContent())!;
    expect(Number.parseFloat(error.slice("Error ".length))).toBeCloseTo((100 * wrong) / 30, 0);
    expect(opened.problems).toEqual([]);
  });

  test("a sequence goes on past its last frame, and so does a single one; the truth is shown where there is some", async () => {
    const page = await fresh();
    const predictSteps = async (text: string) => {
      await page.locator("#steps").fill(text);
      await page.locator("#steps").press("Enter");
      await settled(page);
      return stateOf(page);
    };
    const namesOf = (bytes: Uint8Array) => [...loadNpz(bytes).keys()];
    await give(page, "open-files", { "flow.safetensors": ofSequences, ...frames });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted run.");
    expect(await page.locator("#steps").getAttribute("placeholder")).toBe("all frames");
    expect(await predictSteps("7")).toEqual(["done", undefined]);
    const captions = page.locator("#prediction-captions p");
    const slider = page.locator("#prediction-frame");
    expect(await slider.getAttribute("max")).toBe("7");
    for (const [frame, sides] of [
      [4, ["Prediction", "Truth", "Error"]],
      [7, ["Prediction"]],
    ] as const) {
      await slider.fill(String(frame));
      await expect.poll(() => captions.locator("strong").allTextContents()).toEqual(sides);
    }
    expect(await page.locator("#error-chart").isVisible()).toBe(true);
    expect(await axeViolations(page)).toEqual([]);
    const copies = unzipSync((await saved(page, "Save prediction")).bytes);
    expect(Object.keys(copies)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => `run_${i}.npz`));
    expect(namesOf(copies["run_4.npz"]!)).toEqual(["positions", "heat", "prediction", "error"]);
    expect(namesOf(copies["run_7.npz"]!)).toEqual(["positions", "prediction"]);
    for (const wrong of ["0", "-1", "1.5", "1e9"]) {
      expect(await predictSteps(wrong)).toEqual([
        "failed",
        expect.stringContaining("steps must be a whole number from 1 to 1000000, not"),
      ]);
    }

    await page.locator("#steps").fill("2");
    await give(page, "open-files", { "run_0.npz": frames["run_0.npz"]!, "other.npz": frames["run_3.npz"]! });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted other.npz.");
    expect(await page.locator("#steps").getAttribute("placeholder")).toBe("the next frame");
    // A click ends the typing of the number, too.
    const all = unzipSync((await saved(page, "Save all")).bytes);
    expect(Object.keys(all)).toEqual([
      ...["other.npz", "other_1.npz", "other_2.npz"].map((name) => `other.npz/${name}`),
      ...["run_0.npz", "run_1.npz", "run_2.npz"].map((name) => `run_0.npz/${name}`),
    ]);
    const next = (bytes: Uint8Array) => loadNpz(bytes).get("prediction")!.data as Float32Array;
    expectClose(next(all["run_0.npz/run_2.npz"]!), next(copies["run_2.npz"]!));
    // A model of single samples has no steps.
    await give(page, "open-files", { "model.safetensors": ofPlates, ...plates });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-0.vtu.");
    expect(await page.locator("#steps").isVisible()).toBe(false);
    expect(opened.problems).toEqual([]);
  });

  test("what cannot be opened is named, and what was there stays", async () => {
    const page = await fresh();
    await give(page, "open-model", { "run.zip": zipSync({ "config.json": new Uint8Array(2) }) });
    await settled(page);
    expect((await stateOf(page))[1]).toContain("run.zip: holds no model.safetensors");
    await give(page, "open-model", { "run.zip": zipSync({ "model.safetensors": ofPlates }) });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("The model is ready for files.");
    await give(page, "open-files", { "notes.txt": new Uint8Array(3) });
    await settled(page);
    expect((await stateOf(page))[1]).toContain("holds no sample");
    await give(page, "open-files", { "broken.vtu": new Uint8Array(30), ...plates });
    await expect.poll(() => stateOf(page), { timeout: RUN_MS }).toMatchObject(["failed", /broken\.vtu/]);
    await page.locator("#sample").selectOption("plate-1.vtu");
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-1.vtu.");
    using erwin = await ErwinTransformer.create(size, { device });
    await give(page, "open-model", { "erwin.safetensors": await erwin.save() });
    await expect.poll(() => stateOf(page), { timeout: RUN_MS }).toMatchObject(["failed", /holds no model of fields/]);
    // The model before it predicts on, also on another device, the chosen sample at first.
    await page.locator("#sample").selectOption("plate-2.vtu");
    await expect.poll(() => stateOf(page), { timeout: RUN_MS }).toEqual(["done", undefined]);
    await page.locator("#backend").selectOption("webgpu");
    await expect.poll(() => page.locator("#device").textContent(), { timeout: RUN_MS }).toMatch(/^WebGPU/);
    await settled(page);
    expect(await statusOf(page)).toBe("Predicted plate-2.vtu.");
    const one = await saved(page, "Save prediction");
    expectClose(arrayIn(one.bytes, "prediction"), await expected(one.name));
  });

  test("what is computed can be cancelled", async () => {
    const page = await fresh();
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, i) => [`plate-${1000 + i}.vtu`, plates["plate-0.vtu"]!]),
    );
    await give(page, "open-files", { "model.safetensors": ofPlates, ...many });
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-1000.vtu.");
    await click(page, "Save all");
    await page.waitForFunction(() => document.querySelector<HTMLProgressElement>("#progress")!.value > 0);
    await click(page, "Cancel");
    await settled(page);
    expect([await statusOf(page), ...(await stateOf(page))]).toEqual(["Cancelled.", "cancelled", undefined]);
    expect(await page.locator("#working").isVisible()).toBe(false);
    const one = await saved(page, "Save prediction");
    expectClose(arrayIn(one.bytes, "prediction"), await expected("plate-0.vtu"));
  });

  test("a run that the training page keeps is offered", async () => {
    let page = await fresh();
    expect(await page.locator("#kept-model").isVisible()).toBe(false);
    const config = { experiment: "folder", backend: "cpu", options: {}, folder: { targets: ["temperature"] } };
    await page.evaluate(
      async ([config, model]) => {
        const request = indexedDB.open("erwin-training", 2);
        const database = await new Promise<IDBDatabase>((resolve) => {
          request.onsuccess = () => resolve(request.result);
        });
        const writing = database.transaction("files", "readwrite");
        writing.objectStore("files").put(new TextEncoder().encode(config), "config.json");
        writing.objectStore("files").put(Uint8Array.from(model), "model.safetensors");
        await new Promise((resolve) => {
          writing.oncomplete = resolve;
        });
        database.close();
      },
      [JSON.stringify(config), [...ofPlates]] as const,
    );
    page = await fresh();
    await click(page, "Take the run of this browser");
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("The model is ready for files.");
    await give(page, "open-files", plates);
    await expect.poll(() => statusOf(page), { timeout: RUN_MS }).toBe("Predicted plate-0.vtu.");
    expect(opened.problems).toEqual([]);
  });
});

const firefox = findFirefox();

test.skipIf(!firefox)("Firefox predicts the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-predict-"));
  const paths = Object.entries({ "model.safetensors": ofPlates, ...plates }).map(([name, bytes]) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  });
  const firefoxBrowser = await launchFirefox();
  try {
    const page = await firefoxBrowser.newPage();
    await page.evaluateOnNewDocument(() => {
      const { createObjectURL } = URL;
      URL.createObjectURL = (content: Blob) => {
        Object.assign(globalThis, { saved: content });
        return createObjectURL.call(URL, content);
      };
    });
    await page.goto(`${host.url}predict.html`);
    await page.waitForSelector("#example:enabled");
    await page.select("#backend", "cpu");
    const input = (await page.$("#open-files")) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(...paths);
    const until = (wanted: string) =>
      page.waitForFunction(
        (text) => document.querySelector("#status")!.textContent === text,
        { timeout: RUN_MS },
        wanted,
      );
    await until("Predicted plate-0.vtu.");
    await page.click("#save");
    await until("Saved plate-0.vtu.");
    const bytes = await page.evaluate(async () => [
      ...new Uint8Array(await (globalThis as unknown as { saved: Blob }).saved.arrayBuffer()),
    ]);
    expectClose(arrayIn(Uint8Array.from(bytes), "prediction"), await expected("plate-0.vtu"));
  } finally {
    await firefoxBrowser.close();
    rmSync(folder, { recursive: true });
  }
});
