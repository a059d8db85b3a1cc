// Packs what measuring or testing takes on a machine that has a GPU and its driver, but no network, no Node and no npm packages:
// the build, Deno, Dawn's binding for Node (which Deno loads, too), the Vulkan loader, and with --tests the tests' runner.
//
//   node src/bench/machine/pack.mjs FOLDER [--tests]
//
// sets up, builds, and writes about 38 MB into FOLDER (57 with the tests). Carry there the repository's files and FOLDER. Then,
// as root in the repository's root:
//
//   . FOLDER/unpack.sh                                             once for each bash
//   deno run -A src/bench/machine/measure.ts --out FILE            measures (measure.ts)
//   deno run -A node_modules/vitest/vitest.mjs run --project host  tests
//
// In place of `deno run -A dist/cli.js`, `deno run -A src/bench/machine/dawn.mjs dist/cli.js` runs on Dawn, as Chrome does.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../build/build.mjs";
import { denoProgram } from "../../build/deno.mjs";
import { CommandError, main, run } from "../../build/run.mjs";
import { setup } from "../../build/setup.mjs";
import { root } from "../../build/steps.mjs";

/** Debian's packages of the Vulkan loader, and of what NVIDIA's driver asks for. */
const LOADERS = ["libvulkan1", "libglvnd0", "libegl1", "libgl1", "libglx0"];

/** npm packages that the runner of the tests does without: they build, lint, or start browsers and other engines. */
const NOT_FOR_TESTS = [
  /^\./,
  /^@(deno|biomejs|typescript|types|puppeteer|rollup)$/,
  /^(webgpu|binaryen|typescript|assemblyscript|puppeteer|chromium|devtools|onnxruntime|bare-|zod|protobufjs|rollup|bunny)/,
];

/** Runs on the machine itself, sourced by bash. */
const UNPACK = `# Unpacks what lies beside this file; made by src/bench/machine/pack.mjs.
packed=$(dirname "$BASH_SOURCE")
tar -xJf "$packed/engine.tar.xz"
[ ! -e "$packed/tests.tar.xz" ] || tar -xJf "$packed/tests.tar.xz"
if ! ldconfig -p | grep -q libvulkan.so.1; then
  for package in "$packed"/*.deb; do dpkg -x "$package" /; done
  ldconfig
fi
export PATH="$PWD/node_modules/.deno:$PATH" DENO_WEBGPU_BACKEND=vulkan DENO_NO_UPDATE_CHECK=1 XDG_RUNTIME_DIR=/tmp
# Where NVIDIA's driver is unless the loader finds it by itself.
for driver in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
  if [ -e "$driver" ] && [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ] && [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ]; then
    export VK_DRIVER_FILES="$driver"
  fi
done
`;

/**
 * Packs files below a folder.
 * @param {string} file
 * @param {string} folder
 * @param {string[]} paths
 */
function pack(file, folder, paths) {
  run("tar", ["-C", folder, "-cJf", file, ...paths], { cwd: root, env: { ...process.env, XZ_OPT: "-6 -T0" } });
}

await main(async () => {
  const { values, positionals } = parseArgs({ options: { tests: { type: "boolean" } }, allowPositionals: true });
  if (positionals.length !== 1) throw new CommandError("pack.mjs FOLDER [--tests]", 2);
  const folder = resolve(positionals[0]);
  setup();
  await build();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const stage = mkdtempSync(join(tmpdir(), "erwin-pack-"));
  try {
    cpSync(join(root, "dist"), join(stage, "dist"), { recursive: true });
    cpSync(denoProgram(), join(stage, "node_modules/.deno/deno"));
    const dawn = join("node_modules", "webgpu");
    for (const part of ["package.json", "index.js", `dist/${process.platform}-${process.arch}`]) {
      cpSync(join(root, dawn, part), join(stage, dawn, part), { recursive: true });
    }
    pack(join(folder, "engine.tar.xz"), stage, ["dist", "node_modules"]);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  if (values.tests) {
    const names = readdirSync(join(root, "node_modules")).filter(
      (name) => !NOT_FOR_TESTS.some((one) => one.test(name)),
    );
    pack(
      join(folder, "tests.tar.xz"),
      root,
      names.map((name) => `node_modules/${name}`),
    );
  }
  execFileSync("apt-get", ["download", ...LOADERS], { cwd: folder, stdio: "ignore" });
  writeFileSync(join(folder, "unpack.sh"), UNPACK);
});
