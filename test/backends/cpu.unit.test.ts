// The CPU backend in Node, from the built library: outputs, gradients and training steps of golden cases, and that a process
// which disposes its device ends by itself.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { disposeThreads, requestDevice } from "erwin";
import { afterAll, expect, test } from "vitest";
import { expectGolden, expectGoldenSteps, goldenPass } from "./passes.ts";

const device = await requestDevice({ backend: "cpu", threads: 2 });
afterAll(async () => {
  device.dispose();
  await disposeThreads();
});

test.each(["c_3d_rot_eval", "d_mixed_strides_train"])("%s gives the stored output and gradients", async (name) => {
  await expectGolden(name, await goldenPass(device, name));
});

test("fused multiply-adds are used where the module that has them is valid", () => {
  const module = readFileSync(new URL("../../dist/assets/kernels-relaxed.wasm", import.meta.url));
  expect(device.info.features.includes("relaxed-simd")).toBe(WebAssembly.validate(module));
});

test("three steps of AdamW follow the stored trajectory", () => expectGoldenSteps(device));

test("a process ends once its device is disposed", () => {
  const library = JSON.stringify(new URL("../../dist/erwin.js", import.meta.url).href);
  const folder = mkdtempSync(join(tmpdir(), "erwin-"));
  const file = join(folder, "program.mjs");
  writeFileSync(
    file,
    `import { requestDevice, Tensor } from ${library};
     const device = await requestDevice({ backend: "cpu", threads: 2 });
     const x = Tensor.from(device, new Float32Array([1, 2, 3]));
     console.log([...(await x.data())].join(" "));
     device.dispose();`,
  );
  try {
    expect(execFileSync(process.execPath, [file], { timeout: 20_000 }).toString().trim()).toBe("1 2 3");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
