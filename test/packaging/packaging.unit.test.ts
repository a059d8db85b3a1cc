// The packed library works in a bundler that follows its workers and modules, and in one beside whose bundle they are copied.
// All bundlers and hosts: `npm run test:packaging`.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import library from "../../package.json";
import { entryNames } from "../../src/build/entries.mjs";
import { root } from "../../src/build/steps.mjs";
import { runProjects } from "./projects.mjs";

test("a page built by webpack, and one built by esbuild, computes what it should", async () => {
  // Webpack's minifier takes three quarters of its time; all as users have it, and WebKit, are in `npm run test:packaging`.
  const options = {
    browsers: ["Chromium" as const],
    buildArguments: { webpack5: ["--no-optimization-minimize"] },
  };
  for await (const { name, result } of runProjects(["webpack5", "esbuild"], options)) {
    expect(result, name).toBe("right");
  }
});

// Parcel is one.
test("tools that know nothing of `exports` find the same files", () => {
  const { types, default: main } = library.exports["."];
  expect(library).toMatchObject({ main, module: main, types });
});

// As in the simulated page of Jest, jsdom.
test("the library can be imported where there is no TextDecoder", () => {
  const imports = entryNames
    .map((name) => `await import(${JSON.stringify(join(root, "dist", `${name}.js`))});`)
    .join(" ");
  const program = `delete globalThis.TextDecoder; ${imports}`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  expect(stderr).toBe("");
});

// As under SES: writing HDF5 set the language's own clock for a moment.
test("the library works where nobody may change the language's own objects, or make code of texts", () => {
  const options = ["--frozen-intrinsics", "--disallow-code-generation-from-strings"];
  const { stdout } = spawnSync(process.execPath, [...options, join(import.meta.dirname, "main.js")], {
    encoding: "utf8",
  });
  expect(stdout).toMatch(/^result: losses /);
});

// As Safari's lockdown mode has none. A graph said that memory was short, and the others threw a ReferenceError.
test("a host without WebAssembly is told what it lacks", () => {
  const program = `
    const { ErwinError, knnGraph, requestDevice } = await import(${JSON.stringify(join(root, "dist", "erwin.js"))});
    const { loadHdf5 } = await import(${JSON.stringify(join(root, "dist", "formats.js"))});
    const calls = [
      knnGraph(new Float32Array(30), { dimensionality: 3, k: 2 }),
      requestDevice({ backend: "cpu" }),
      loadHdf5(new Uint8Array(100)),
    ];
    for (const { reason } of await Promise.allSettled(calls)) console.log(reason instanceof ErwinError, reason.message);`;
  const { stdout } = spawnSync(process.execPath, ["--jitless", "--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  expect(stdout.match(/^true this host has no WebAssembly/gm)).toHaveLength(3);
});

// As in Safari: a class without it would have a method "undefined", and what compilers make of `using` would not find any.
test("what the library's objects own can be disposed of by `using` where the language has no Symbol.dispose", () => {
  const program = `
    const { Symbol: own } = globalThis;
    const names = Object.getOwnPropertyNames(own).filter((name) => !["dispose", "prototype", "length", "name"].includes(name));
    globalThis.Symbol = Object.assign(() => {}, Object.fromEntries(names.map((name) => [name, own[name]])));
    const { AdamW, ErwinTransformer, Tensor, requestDevice } = await import(${JSON.stringify(join(root, "dist", "erwin.js"))});
    const device = await requestDevice({ backend: "cpu" });
    const owners = [AdamW.prototype, ErwinTransformer.prototype, Tensor.prototype, device];
    console.log(...owners.map((owner) => typeof owner[own.for("Symbol.dispose")] + typeof owner[Symbol.dispose]));
    device.dispose();`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  expect(stdout.trim().split(" ")).toEqual(Array.from({ length: 4 }, () => "functionfunction"));
});

// @vercel/nft, by which Vercel, Next and Nuxt pack a server, sees the URL of a module that is not what an arrow function returns.
test("what packs a server's files sees the WebAssembly modules", () => {
  const references = readdirSync(join(root, "dist", "assets"))
    .filter((name) => name.endsWith(".js"))
    .flatMap((name) => asset(name).split("\n"))
    .filter((line) => /new URL\("\.\/[\w-]+\.wasm"/.test(line));
  expect(references.length).toBeGreaterThan(3);
  expect(references.filter((line) => line.includes("=> new URL"))).toEqual([]);
});

// As a page that names no encoding takes webpack's development bundle: an XML reader's classes of characters were a SyntaxError.
test("the library's scripts are ASCII, which every encoding reads alike", () => {
  const scripts = ["dist", "dist/assets"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".js"))
      .map((name) => join(root, folder, name)),
  );
  expect(scripts.length).toBeGreaterThan(entryNames.length);
  expect(scripts.filter((script) => readFileSync(script).some((byte) => byte > 0x7f))).toEqual([]);
});

/** The files in dist/assets that one of them imports, and those that these import. */
function imports(name: string, found = new Set<string>()): Set<string> {
  for (const [, file] of asset(name).matchAll(/from "\.\/([^"]+)"/g)) {
    if (!found.has(file)) imports(file, found.add(file));
  }
  return found;
}

const asset = (name: string) => readFileSync(join(root, "dist", "assets", name), "utf8");

// Parcel makes a second bundle of a worker of 27.7 kB, not yet of 27.3, and fails to load it.
test.each(["pool", "kernels"])("a thread of the %s needs little code", (name) => {
  const worker = `${name}-worker.js`;
  const size = [worker, ...imports(worker)].reduce((sum, file) => sum + asset(file).length, 0);
  expect(size).toBeLessThan(27_000);
});

// Vite 7 makes one file of a worker, and refused every page that imported erwin/experiments for a worker's parts that came on demand.
test("workers load nothing on demand", () => {
  const workers = readdirSync(join(root, "dist", "assets")).filter((name) => name.endsWith("-worker.js"));
  expect(workers.length).toBeGreaterThan(3);
  const parts = workers.flatMap((worker) => [worker, ...imports(worker)]);
  expect(parts.filter((part) => /\bimport\s*\(/.test(asset(part)))).toEqual([]);
});

// As where a server has a newer version of the page, and in service workers, which load no scripts while they run.
test("without the script that reads files a surrogate predicts arrays, and an error of the library says what is missing", () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-without-readers-"));
  try {
    cpSync(join(root, "dist"), folder, {
      recursive: true,
      filter: (path) => !/\/(site|reading-[\w-]+\.js)$/.test(path),
    });
    const of = (width: number) => ({
      mean: Array(width).fill(0),
      deviation: Array(width).fill(1),
      least: Array(width).fill(-1),
      most: Array(width).fill(1),
    });
    const statistics = {
      samples: 1,
      points: 30,
      dimensions: 3,
      positions: of(3),
      inputs: {},
      targets: { heat: of(1) },
      globals: {},
    };
    const program = `
      const { requestDevice, WorkerError } = await import(${JSON.stringify(join(folder, "erwin.js"))});
      const { folderExperiment, resolveOptions, Surrogate } = await import(${JSON.stringify(join(folder, "experiments.js"))});
      const device = await requestDevice({ backend: "cpu" });
      const experiment = folderExperiment({ targets: ["heat"], model: "small" }, { statistics: ${JSON.stringify(statistics)} });
      const model = experiment.build(experiment.config(resolveOptions(experiment.options))).initialize({ device });
      const surrogate = await Surrogate.load(await model.save(), { device });
      const { heat } = await surrogate.predict({ positions: Array.from({ length: 90 }, (_, i) => Math.sin(i * i)) });
      const error = await surrogate.predictFile(new File(["x,y,z,heat\\n1,2,3,4"], "a.csv")).catch((error) => error);
      console.log(heat.prediction.length, error instanceof WorkerError, error.message);
      process.exit();`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^30 true what reads files could not be loaded: .*reading-[^;]*; it is a script of its own/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
