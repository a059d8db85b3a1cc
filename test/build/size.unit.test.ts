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

/** What Vite makes of a module: the scripts that it loads at once, and those that come on demand, by their names. */
async function bundle(source: string) {
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
  const chunks = output.filter((file) => file.type === "chunk");
  const reached = new Set<string>();
  const visit = (names: readonly string[]) => {
    for (const name of names) {
      const chunk = chunks.find(({ fileName }) => fileName === name);
      if (!chunk || reached.has(name)) continue;
      reached.add(name);
      visit(chunk.imports);
    }
  };
  visit(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  const codes = (atOnce: boolean) =>
    chunks.filter(({ fileName }) => reached.has(fileName) === atOnce).map(({ code }) => code);
  return { atOnce: codes(true), onDemand: codes(false) };
}

const from = (entry: string) => JSON.stringify(join(root, "dist", `${entry}.js`));
const gzipped = (codes: readonly string[]) => codes.reduce((sum, code) => sum + gzipSync(code).length, 0);

test("a bundle that builds graphs alone has nothing of the engine", async () => {
  const { atOnce, onDemand } = await bundle(`export { knnGraph } from ${from("erwin")};`);
  expect(atOnce.join("")).toContain("balltree");
  expect(gzipped([...atOnce, ...onDemand])).toBeLessThan(20_000);
});

test("a page that gives a surrogate arrays loads nothing that reads files, and as much more than one with a model as is written", async () => {
  const model = await bundle(`export { ErwinTransformer, requestDevice } from ${from("erwin")};`);
  const { atOnce, onDemand } = await bundle(
    `export { requestDevice } from ${from("erwin")}; export { Surrogate } from ${from("experiments")};`,
  );
  const ofReaders = /UnstructuredGrid|PK\\x03|CELL_TYPES/;
  expect(onDemand.join("")).toMatch(ofReaders);
  expect(atOnce.join("")).not.toMatch(ofReaders);
  const readme = readFileSync(join(root, "src", "experiments", "folder", "README.md"), "utf8");
  const [, written] = /adds (\d+) kB with gzip/.exec(readme) ?? [];
  expect(Math.abs(Number(written) - (gzipped(atOnce) - gzipped(model.atOnce)) / 1000)).toBeLessThan(3);
});
