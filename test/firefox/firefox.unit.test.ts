// The library in a real Firefox, with and without cross-origin isolation: trees, a forward pass and a training step on the
// CPU backend, against the golden values and against Node.

import { disposeThreads, loadSafetensors, requestDevice, type SafetensorsFile } from "erwin";
import type { Browser } from "puppeteer-core";
import { beforeAll, describe, expect, test } from "vitest";
import { findFirefox, launchFirefox } from "../../src/build/firefox.mjs";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { isDebian } from "../../src/build/setup.mjs";
import { type FolderVisit, problemsOf } from "../jobs/directory-work.ts";
import { expectClose } from "../support/compare.ts";
import { type GoldenCase, loadGoldenCase, numbers } from "../support/golden.ts";
import { loadAgainAndAgain } from "./loads.mjs";
import type { Visit } from "./page.ts";
import { servePage } from "./server.mjs";
import { compute, forwardCase, trainingCase } from "./work.ts";

const firefox = findFirefox();
// On Debian the set-up installs it, so that its absence is a failure there.
const skipped = firefox === undefined && !isDebian;
const reason = skipped ? " (skipped: no Firefox here, or a snap; FIREFOX_PATH names one)" : "";
if (skipped) console.log(`Firefox${reason}`);

const threads = 2;
/** Two with a worker of the page's own, two without; test/firefox/loads.mjs loads hundreds of times. */
const loads = 4;

/** What a page in Firefox computed and what it said of its browser. */
interface Page {
  visit: Visit;
  results: SafetensorsFile;
}

async function visitPage(browser: Browser, headers: Record<string, string>): Promise<Page> {
  const server = await servePage(headers);
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    // As text: the test runner would rewrite the import in a function.
    const script = `import("/test/firefox/page.ts").then(({ visit }) => visit(${threads}))`;
    const visit = (await page.evaluate(script)) as Visit;
    await page.close();
    return { visit, results: loadSafetensors(new Uint8Array(Buffer.from(visit.base64, "base64"))) };
  } finally {
    server.close();
  }
}

async function visitFolder(browser: Browser): Promise<FolderVisit> {
  const server = await servePage({});
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    const script = 'import("/test/jobs/directory-work.ts").then(({ visitFolder }) => visitFolder())';
    const visit = (await page.evaluate(script)) as FolderVisit;
    await page.close();
    return visit;
  } finally {
    server.close();
  }
}

async function computeInNode(): Promise<SafetensorsFile> {
  using device = await requestDevice({ backend: "cpu", threads });
  const bytes = await compute(device, threads);
  await disposeThreads();
  return loadSafetensors(bytes);
}

describe.skipIf(skipped)(`Firefox${reason}`, () => {
  let isolated: Page;
  let plain: Page;
  let node: SafetensorsFile;
  const workers: unknown[] = [];
  let folder: FolderVisit;

  beforeAll(async () => {
    const browser = await launchFirefox();
    try {
      isolated = await visitPage(browser, isolationHeaders);
      plain = await visitPage(browser, {});
      folder = await visitFolder(browser);
      for await (const found of loadAgainAndAgain(browser, loads)) workers.push(found);
    } finally {
      await browser.close();
    }
    node = await computeInNode();
  });

  /** Names of the results that begin with `prefix`. */
  const names = (prefix: string) => [...node.tensors.keys()].filter((name) => name.startsWith(prefix));
  const values = (file: SafetensorsFile, name: string) => file.tensors.get(name)!.data as Float32Array;

  test("is cross-origin isolated with the headers, and shares memory between threads", () => {
    expect(isolated.visit).toMatchObject({ isolated: true, shares: true });
    expect(isolated.visit.description).toContain(`${threads} threads`);
  });

  test("computes on the CPU where there is no WebGPU adapter", () => {
    for (const { visit } of [isolated, plain]) if (!visit.adapter) expect(visit.automatic).toBe("cpu");
  });

  test("computes in a worker, load after load, on threads that the page starts and ends", () => {
    const description = `CPU, ${threads} threads, WebAssembly`;
    // The model's, two of the CPU backend, two of the trees.
    expect(workers).toEqual(Array(loads).fill({ isolated: true, description, same: true, started: 5, ended: 5 }));
  });

  test("predicts a folder of the private file system once, whoever shares it", () => {
    expect(problemsOf(folder)).toEqual([]);
  });

  test("builds the same trees as Node, bit for bit", () => {
    expect(names("tree.")).toHaveLength(6);
    for (const name of names("tree.")) expect(values(isolated.results, name), name).toEqual(values(node, name));
  });

  test("gives the stored output", async () => {
    const { golden } = await loadGoldenCase(forwardCase);
    const { shape } = isolated.results.tensors.get("forward.out")!;
    expectClose(values(isolated.results, "forward.out"), numbers(golden, "out_f64"), 1e-5, "out", {
      columns: shape[1],
    });
  });

  describe("a training step", () => {
    let golden: GoldenCase["golden"];
    beforeAll(async () => {
      ({ golden } = await loadGoldenCase(trainingCase));
    });

    test("has the stored loss, and that of Node", () => {
      const [expected] = Array.from(numbers(golden, "losses_f64"));
      const loss = values(isolated.results, "step.loss");
      expectClose(loss, [expected], 1e-5, "loss");
      expectClose(loss, values(node, "step.loss"), 1e-6, "loss in Node");
    });

    test("changes the weights as in Node", () => {
      const after = names("step.after.");
      expect(after.length).toBeGreaterThan(50);
      for (const name of after) {
        const [actual, expected] = [values(isolated.results, name), values(node, name)];
        const stable = golden.tensors.get(name.replace("step.after", "stable"))?.data as Uint8Array | undefined;
        if (name.endsWith("num_batches_tracked")) expect(actual, name).toEqual(expected);
        // Where a gradient is zero but for rounding, Adam makes full steps of the rounding, which differs where only one of
        // the two has fused multiply-add.
        else expectClose(onlyStable(actual, stable), onlyStable(expected, stable), 1e-6, name);
      }
    });
  });

  test("gives the same bits on one thread, on a page without the headers", () => {
    expect(plain.visit).toMatchObject({ isolated: false, shares: false });
    expect(plain.visit.description).toContain("1 thread,");
    expect([...plain.results.tensors]).toEqual([...isolated.results.tensors]);
  });
});

function onlyStable(values: Float32Array, stable: Uint8Array | undefined): Float32Array {
  return values.filter((_, i) => stable?.[i] !== 0);
}
