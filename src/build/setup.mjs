// Installs the programs and packages that building and testing need and this machine lacks: system packages by apt-get, npm
// packages from the lock, Chromium from its download where no system package has it. It may run at any time, and does and prints
// nothing when nothing is missing. It uses Node's own modules only.
//
//   node src/build/setup.mjs
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { downloadChromium, findChromium } from "./chromium.mjs";
import { findFirefox } from "./firefox.mjs";
import { onPath } from "./programs.mjs";
import { allEnded, CommandError, main, run, runBeside } from "./run.mjs";
import { root } from "./steps.mjs";

/** @param {string} folder */
const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

function hasVulkanLoader() {
  const folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib"];
  for (const name of list("/usr/lib")) if (name.includes("-linux-")) folders.push(`/usr/lib/${name}`);
  return folders.some((folder) => existsSync(join(folder, "libvulkan.so.1")));
}

function hasVulkanDriver() {
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return true;
  return ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].some((folder) => list(folder).length > 0);
}

/** The description of this Linux distribution. */
const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";

export const isDebian = /^ID=debian$/m.test(release);

/**
 * The requirements: how to check each, the Debian package that provides it, systems that lack that package, and where else to get it,
 * unless the set-up downloads it. Only some tests need an `optional` one; the rest works without it.
 * @type {{ what: string, package: string, there: () => boolean, from?: string, optional?: boolean, lackedBy?: RegExp }[]}
 */
const needs = [
  { what: "Emscripten (emcc)", package: "emscripten", there: () => onPath("emcc"), from: "https://emscripten.org" },
  {
    what: "Chromium",
    package: "chromium",
    there: () => findChromium() !== undefined,
    optional: true,
    // Ubuntu's package only installs a snap, which containers cannot run.
    lackedBy: /^ID=ubuntu$/m,
  },
  {
    what: "Firefox",
    package: "firefox-esr",
    there: () => findFirefox() !== undefined,
    optional: true,
    // On these systems Firefox is a snap, or the distribution's own package of another name.
    lackedBy: /^ID(_LIKE)?=.*ubuntu/m,
    from: "Firefox as a system program that is not a snap (or its path in FIREFOX_PATH); its tests are skipped until then",
  },
];
if (process.platform === "linux") {
  needs.push(
    {
      what: "xz",
      package: "xz-utils",
      there: () => onPath("xz"),
      optional: true,
      from: "XZ Utils, with which bench:gpu packs what it takes to another machine",
    },
    {
      what: "a Vulkan driver",
      package: "mesa-vulkan-drivers",
      there: hasVulkanDriver,
      from: "Mesa or the GPU's maker",
    },
    {
      what: "the Vulkan loader",
      package: "libvulkan1",
      there: hasVulkanLoader,
      from: "the Vulkan loader (libvulkan.so.1)",
    },
  );
}

const missing = () => needs.filter((need) => !need.there());

/**
 * The command that runs apt-get here without questions, as root or by sudo, which asks for a password only on a terminal; undefined where
 * none can.
 */
function aptGet() {
  if (!onPath("apt-get")) return undefined;
  // Behind sudo, which passes no environment on.
  const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
  if (process.getuid?.() === 0) return command;
  if (!onPath("sudo")) return undefined;
  // The password is asked for before anything else writes to the terminal.
  if (process.stdin.isTTY) run("sudo", ["-v"]);
  return ["sudo", "-n", ...command];
}

async function installSystemPackages() {
  const names = missing()
    .filter((need) => !need.lackedBy?.test(release))
    .map((need) => need.package);
  if (names.length > 0 && process.platform === "linux") await aptGetInstall(names);

  const still = missing().filter((need) => need.from);
  for (const need of still) console.log(`setup: please install ${need.what}: ${need.from}`);
  // On systems other than Linux, a part of the work may still be possible.
  if (process.platform === "linux" && still.some((need) => !need.optional)) throw new CommandError("setup", 1);
}

/** Downloads Chromium where no package of the system has brought it. */
async function provideChromium() {
  if (findChromium() !== undefined) return;
  console.log("setup: downloading Chromium, which came by no system package");
  try {
    await downloadChromium({ libraries: process.platform === "linux" && aptGet() !== undefined });
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.log(`setup: please install Chromium or Chrome as a system program (or set CHROMIUM_PATH): ${reason}`);
  }
}

/** @param {string[]} names */
export async function aptGetInstall(names) {
  const apt = aptGet();
  if (!apt) {
    console.log(`setup: cannot install system packages here; as root on Debian: apt-get install ${names.join(" ")}`);
    return;
  }
  console.log(`setup: installing ${names.join(", ")} by apt-get`);
  /** @type {import("node:child_process").SpawnOptions} */
  const options = { stdio: ["inherit", "ignore", "inherit"] };
  const [program, ...args] = apt;
  await runBeside(program, [...args, "update", "-qq"], options);
  await runBeside(program, [...args, "install", "-y", "-qq", "--no-install-recommends", ...names], options);
}

/** Installs node_modules from the lock where it is missing or older. */
export async function installPackages() {
  const installed = join(root, "node_modules", ".package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.log("setup: installing npm packages");
  // No package needs an install script: native parts are packages of their own.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  // Under npm, the same npm is used; it is a script for Node on every system.
  if (process.env.npm_execpath?.endsWith("npm-cli.js")) {
    await runBeside(process.execPath, [process.env.npm_execpath, ...args]);
  } else await runBeside("npm", args, { shell: process.platform === "win32" });
}

/**
 * Installs what is missing: npm packages, and beside them the system's, which take longer.
 * @param {(programs: Promise<void>) => unknown} work what needs npm packages only, until it has waited for the system's: `programs`
 */
export async function setup(work = () => {}) {
  const programs = installSystemPackages();
  const packages = installPackages();
  // What downloads Chromium is an npm package, and calls apt-get for the libraries: one after the other.
  const browser = Promise.all([programs, packages]).then(provideChromium);
  await allEnded([browser, packages.then(() => work(programs))]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(() => setup());
