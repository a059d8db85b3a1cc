// A Node without process.getBuiltinModule, before 20.16 and 22.3, is told so: the library cannot read its files there.

import { pathToFileURL } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { oldNode } from "../../src/host/environment.ts";
import { readModule } from "../../src/host/module-file.ts";

afterEach(() => vi.unstubAllGlobals());

test("an old Node is named, with the versions that are needed", async () => {
  expect(oldNode()).toBeUndefined();
  vi.stubGlobal("process", { versions: { node: "22.2.0" } });
  await expect(readModule(pathToFileURL("/somewhere/kernels.wasm"))).rejects.toThrow(
    /^Node 22\.2\.0 is too old: erwin needs 20\.16, or 22\.3 and later\.$/,
  );
  // Elsewhere it is the file that is missing.
  vi.stubGlobal("process", undefined);
  await expect(readModule(new URL("file:///somewhere/kernels.wasm"))).rejects.toThrow(
    /kernels\.wasm could not be loaded/,
  );
});
