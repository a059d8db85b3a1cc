// The command line in Node finds the WebGPU of the npm package webgpu, with the toggles that it enables, computes on it, and ends.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Device } from "erwin";
import { afterEach, expect, it } from "vitest";
import { findSwiftShader } from "../../src/build/chromium.mjs";
import { root } from "../../src/build/steps.mjs";
import { UsageError } from "../../src/cli/command.ts";
import { describeDawn, installDawn, withGpu } from "../../src/cli/node-gpu.ts";
import { cliPath } from "./command.ts";

const host = globalThis as { navigator?: { gpu?: unknown } };
const navigatorBefore = host.navigator;
afterEach(() => Object.defineProperty(host, "navigator", { value: navigatorBefore, configurable: true }));

const device = { backend: "webgpu" } as Device;
const toggles = async () => describeDawn(device)?.toggles;

it("Dawn's toggles are told where they are in force", async () => {
  const usual = await withGpu(toggles);
  expect(usual).toContain("allow_unsafe_apis");
  expect(await withGpu(toggles, ["disable_robustness"])).toEqual([...usual!, "disable_robustness"]);
  expect(host.navigator?.gpu).toBeUndefined();

  // Here another program has installed WebGPU before, as dawn.mjs does in Deno.
  const remove = await installDawn(["one"]);
  const outer = host.navigator?.gpu;
  expect(await withGpu(toggles)).toEqual([...usual!, "one"]);
  expect(await withGpu(toggles, ["two"])).toEqual([...usual!, "two"]);
  expect(host.navigator?.gpu).toBe(outer);
  remove!();
  expect(host.navigator?.gpu).toBeUndefined();
});

it("a host's own WebGPU takes no toggles, and tells none", async () => {
  Object.defineProperty(host, "navigator", { value: { gpu: {} }, configurable: true });
  await expect(withGpu(toggles, ["disable_robustness"])).rejects.toThrow(UsageError);
  expect(await withGpu(toggles)).toBeUndefined();
});

const driver = findSwiftShader();

it.skipIf(driver === undefined)("Node has a GPU where the package is installed", () => {
  const outputOf = (...given: string[]) => {
    const env = { ...process.env, VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: tmpdir(), NO_COLOR: "1" };
    const options = { encoding: "utf8", cwd: root, env, timeout: 140_000 } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, given, options);
    expect(status, stderr).toBe(0);
    return stdout;
  };
  // The device has computed its first product, whose result is known.
  const info = outputOf(cliPath, "info", "--backend", "webgpu");
  expect(info).toMatch(/backend +webgpu\n.*device +SwiftShader.* \(software\)/);

  // A program has it by the lines of the README.
  const [lines] = /^ {4}import .* from "webgpu";\n(?: {4}.*\n)+/m.exec(
    readFileSync(join(root, "src/cli/README.md"), "utf8"),
  )!;
  const asking = "console.log((await navigator.gpu.requestAdapter()).info.description);";
  expect(outputOf("--input-type=module", "--eval", lines + asking)).toMatch(/^SwiftShader/);
});
