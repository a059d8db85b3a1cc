// The URLs of the library's files if its user sets them.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, expect, test } from "vitest";
import { balltreeModule, kernelsModule, poolScript } from "../../src/assets.ts";
import { ConfigError, WorkerError } from "../../src/errors.ts";
import { type Assets, setAssets } from "../../src/host/given-assets.ts";
import { located } from "../../src/host/moved.ts";
import { modelScript } from "../../src/worker/script.ts";

afterEach(() => setAssets(undefined));

test("a folder has all files, with and without a slash, and is a path in Node", () => {
  for (const folder of ["https://example.org/erwin", "https://example.org/erwin/"]) {
    setAssets(folder);
    const found = [balltreeModule(), poolScript().url, modelScript().url];
    expect(found.map(String)).toEqual(
      ["balltree.wasm", "pool-worker.js", "model-worker.js"].map((name) => `https://example.org/erwin/${name}`),
    );
  }
  setAssets("vendor");
  expect(kernelsModule().href).toBe(pathToFileURL(join("vendor", "kernels.wasm")).href);
});

test("files that are not named stay where they are", () => {
  const before = poolScript().url.href;
  setAssets({ "balltree.wasm": new URL("https://example.org/balltree-1234.wasm") });
  expect(balltreeModule().href).toBe("https://example.org/balltree-1234.wasm");
  expect(poolScript().url.href).toBe(before);
});

test("the name of a file that there is not is refused, and changes nothing", () => {
  setAssets("https://example.org/");
  expect(() => setAssets({ "baltree.wasm": "x" } as Assets)).toThrow(ConfigError);
  expect(() => setAssets({ "baltree.wasm": "x" } as Assets)).toThrow("did you mean balltree.wasm?");
  expect(() => setAssets("https://")).toThrow(ConfigError);
  expect(balltreeModule().href).toBe("https://example.org/balltree.wasm");
});

test("a bundle that does not know its own address is told of setAssets", () => {
  const address = { url: undefined as unknown as string };
  const call = () => located(() => new URL("./balltree.wasm", address.url));
  expect(call).toThrow(WorkerError);
  expect(call).toThrow("setAssets() says where they are");
});
