// The command line in Node finds the WebGPU of the npm package webgpu, with the toggles that it enables, computes on it, and ends.

import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import type { Device } from "erwin";
import { afterEach, expect, it } from "vitest";
import { findSwiftShader } from "../../src/build/chromium.mjs";
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
  const { status, stdout } = spawnSync(process.execPath, [cliPath, "info", "--backend", "webgpu"], {
    encoding: "utf8",
    env: { ...process.env, VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: tmpdir(), NO_COLOR: "1" },
    timeout: 100_000,
  });
  expect(status).toBe(0);
  // The device has computed its first product, whose result is known.
  expect(stdout).toMatch(/backend +webgpu\n.*device +SwiftShader.* \(software\)/);
});
