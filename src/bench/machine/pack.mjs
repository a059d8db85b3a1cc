// Packs all that is needed to measure or test on a machine with a GPU and its driver, but no network, Node or npm packages: the
// build, Deno, Dawn's binding for Node (which Deno loads, too), jax-js, the Vulkan loader, and on request the test runner. Run by
// run.mjs, as `npm run bench:gpu -- --pack FOLDER [--tests]`; measure.ts explains its use on that machine.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { denoProgram } from "../../build/deno.mjs";
import { CommandError, run } from "../../build/run.mjs";
import { root } from "../../build/steps.mjs";

/** Debian's packages of the Vulkan loader, and of the libraries that NVIDIA's driver needs. */
const LOADERS = ["libvulkan1", "libglvnd0", "libegl1", "libgl1", "libglx0"];

/** npm packages that the test runner does not need: they build, lint, or start browsers and other engines. */
const NOT_FOR_TESTS = [
  /^\./,
  /^@(deno|biomejs|typescript|types|puppeteer|rollup)$/,
  /^(webgpu|binaryen|typescript|assemblyscript|puppeteer|chromium|devtools|onnxruntime|bare-|zod|protobufjs|rollup|bunny)/,
];

/** The paths of the Linux programs in the repository, before packing and after unpacking. */
const DENO = "node_modules/@deno/linux-x64-glibc";
const DAWN = "node_modules/webgpu";

/** The archives and their contents, as paths in the repository. */
export const archives = {
  "engine.tar.xz": () => [
    "dist",
    DENO,
    ...["package.json", "index.js", "dist/linux-x64"].map((part) => `${DAWN}/${part}`),
  ],
  // Installed only when a comparison needs it, or this.
  "peers.tar.xz": () => ["src/bench/peers/jax-js/node_modules/@jax-js/jax"],
  "tests.tar.xz": () =>
    readdirSync(join(root, "node_modules"))
      .filter((name) => !NOT_FOR_TESTS.some((one) => one.test(name)))
      .map((name) => `node_modules/${name}`),
};

const SCRIPT = "unpack.sh";

/** The script that bash sources in the repository's root on that machine. */
const UNPACK = `# Unpacks the archives beside this file; made by src/bench/machine/pack.mjs.
packed=$(dirname "$BASH_SOURCE")
for archive in "$packed"/*.tar.xz; do tar -xJf "$archive"; done
if ! ldconfig -p | grep -q libvulkan.so.1; then
  for package in "$packed"/*.deb; do dpkg -x "$package" /; done
  ldconfig
fi
export PATH="$PWD/${DENO}:$PATH" DENO_WEBGPU_BACKEND=vulkan DENO_NO_UPDATE_CHECK=1 XDG_RUNTIME_DIR=/tmp
# Where NVIDIA's driver is unless the loader finds it by itself.
for driver in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
  if [ -e "$driver" ] && [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ] && [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ]; then
    export VK_DRIVER_FILES="$driver"
  fi
done
`;

/** @param {string} folder the archives' folder, in which the script is written */
export function writeUnpack(folder) {
  writeFileSync(join(folder, SCRIPT), UNPACK);
}

/**
 * Fills a folder, which it empties first, with about 38 MB, or 57 MB with the tests.
 * @param {string} name
 * @param {boolean} tests whether the test runner is packed, too
 */
export function pack(name, tests) {
  if (relative(root, denoProgram()) !== `${DENO}/deno`)
    throw new CommandError("packing elsewhere than on Linux, x64", 2);
  const folder = resolve(name);
  const isOther = existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(join(folder, SCRIPT));
  if (isOther) throw new CommandError(`packing into ${name}, which holds something else,`, 2);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [archive, paths] of Object.entries(archives)) {
    if (archive === "tests.tar.xz" && !tests) continue;
    run("tar", ["-cJf", join(folder, archive), ...paths()], { env: { ...process.env, XZ_OPT: "-6 -T0" } });
  }
  if (spawnSync("apt-get", ["download", ...LOADERS], { cwd: folder, stdio: "ignore" }).status !== 0) {
    console.log(
      `pack: without ${LOADERS.join(", ")}, which apt-get does not get here; the other machine must have them`,
    );
  }
  writeUnpack(folder);
}
