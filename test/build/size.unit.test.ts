// What a page downloads stays small, and is what the README says.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";
import { downloadSize } from "../../src/build/size.mjs";
import { root } from "../../src/build/steps.mjs";

test("JavaScript, workers and WebAssembly of a forward pass in a worker are under 200 kB with gzip", () => {
  const { files, library, modelWorker } = downloadSize();
  const names = [...files.keys()].join(" ");
  // Whatever the build calls them: the entry, the threads of trees and kernels, and their modules.
  for (const part of [/^erwin\.js/, /pool\S*\.js/, /kernels\S*\.js/, /balltree\S*\.wasm/, /kernels\S*\.wasm/])
    expect(names).toMatch(part);
  expect(library + modelWorker).toBeLessThan(200_000);
});

test("the README states these sizes", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [, library, worker] = /download is (\d+) kB with gzip.*another (\d+) kB/s.exec(readme) ?? [];
  const size = downloadSize();
  expect(Math.abs(Number(library) - size.library / 1000)).toBeLessThan(5);
  expect(Math.abs(Number(worker) - size.modelWorker / 1000)).toBeLessThan(5);
});

test("a bundle that builds graphs alone has nothing of the engine", async () => {
  const source = `export { knnGraph } from ${JSON.stringify(join(root, "dist", "erwin.js"))};`;
  const result = await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, rollupOptions: { input: "entry", preserveEntrySignatures: "strict" } },
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === "entry" ? "\0entry" : null),
        load: (id) => (id === "\0entry" ? source : null),
      },
    ],
  });
  const { output } = result as Extract<typeof result, { output: unknown }>;
  const code = output.map((file) => (file.type === "chunk" ? file.code : "")).join("");
  expect(code).toContain("balltree");
  expect(gzipSync(code).length).toBeLessThan(20_000);
});
