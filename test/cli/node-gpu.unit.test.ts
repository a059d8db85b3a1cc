// The command line in Node finds the WebGPU of the npm package webgpu, computes on it, and ends.

import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { findSwiftShader } from "../../src/build/chromium.mjs";
import { cliPath } from "./command.ts";

const driver = findSwiftShader();

it.skipIf(driver === undefined)("Node has a GPU where the package is installed", () => {
  const { status, stdout } = spawnSync(process.execPath, [cliPath, "info", "--backend", "webgpu"], {
    encoding: "utf8",
    env: { ...process.env, VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: tmpdir(), NO_COLOR: "1" },
    timeout: 100_000,
  });
  expect(status).toBe(0);
  // Its first product, which has a known result, has been computed.
  expect(stdout).toMatch(/backend +webgpu\n.*device +SwiftShader.* \(software\)/);
});
