// WebGPU in a real Firefox, by its own implementation (wgpu): a forward pass and training steps, on a page and in a worker,
// against the CPU backend.

import { beforeAll, describe, expect, test } from "vitest";
import { findFirefox, launchFirefox } from "../../src/build/firefox.mjs";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { isDebian } from "../../src/build/setup.mjs";
import { expectClose } from "../support/compare.ts";
import type { GpuVisit } from "./gpu-page.ts";
import { servePage } from "./server.mjs";

const firefox = findFirefox();
// On Debian the set-up installs it and an adapter in software, so that their absence is a failure there.
const skipped = firefox === undefined && !isDebian;
const reason = skipped ? " (skipped: no Firefox here, or a snap; FIREFOX_PATH names one)" : "";

describe.skipIf(skipped)(`WebGPU in Firefox${reason}`, () => {
  let visit: GpuVisit;

  beforeAll(async () => {
    const browser = await launchFirefox({ webgpu: true, protocolTimeout: 280_000 });
    const server = await servePage(isolationHeaders);
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      // As text: the test runner would rewrite the import in a function.
      visit = (await page.evaluate(
        'import("/test/firefox/gpu-page.ts").then(({ visitGpu }) => visitGpu())',
      )) as GpuVisit;
    } finally {
      server.close();
      await browser.close();
    }
  });

  test("an adapter in software, which Firefox does not name, is not chosen by itself", () => {
    expect(visit.automatic).toBe(visit.software ? "cpu" : "webgpu");
  });

  test("a forward pass gives what the processor does, and the same bits in a worker", () => {
    expectClose(visit.webgpu.output, visit.cpu.output, 1e-5, "output");
    expect(visit.worker).toEqual(visit.webgpu.output);
  });

  test("on the page's GPUDevice it gives the same bits, into a buffer of the page's", () => {
    expect(visit.shared).toEqual(visit.webgpu.output);
    expect(visit.heard).toEqual([]);
  });

  test("training steps have the losses of the processor", () => {
    const [first, , last] = visit.webgpu.losses;
    expect(last).toBeLessThan(first!);
    expectClose(visit.webgpu.losses, visit.cpu.losses, 1e-4, "losses");
  });
});
