// Where the PyTorch peer runs: the host's own python3 where it has PyTorch (a machine for machine learning), else a Debian
// root folder of its own with Debian's PyTorch in it, since many hosts can install neither. Made once for all checkouts, in
// the user's cache folder. Linux, Debian's mirror and root are needed to make it, root to use it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { withLock } from "../../../build/lock.mjs";
import { CommandError, run } from "../../../build/run.mjs";
import { aptGetInstall, isDebian } from "../../../build/setup.mjs";

/** Debian 13 is the first with PyTorch 2.6. */
const suite = "trixie";
const packages = [
  "python3-torch",
  "python3-safetensors",
  "python3-numpy",
  // PyTorch calls the BLAS from its own OpenMP threads: OpenBLAS's build for OpenMP shares them, the others compete.
  "libopenblas0-openmp",
  // What torch.compile calls: a compiler, the headers of Python and PyTorch, and an import.
  "g++",
  "python3-dev",
  "python3-setuptools",
  "libtorch-dev",
];

const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
const folder = join(caches, "erwin", `${suite}-pytorch`);

/** A list of the packages in `folder`; written last, so a folder that has it is whole. */
const stamp = "erwin-packages.json";

/**
 * The words that run python3 with PyTorch, to put its arguments behind; undefined where it has no place yet.
 * @param {string[]} folders what it sees of the host's files, at the same paths; it starts in the first
 */
export function findPython(folders) {
  if (hostHasPyTorch()) return ["python3"];
  return isMade() ? inRoot(folder, folders, ["python3"]) : undefined;
}

/**
 * The same; its place is made if need be.
 * @param {string[]} folders
 */
export async function preparePython(folders) {
  const found = findPython(folders);
  if (found) return found;
  await withLock(makeRoot, `${folder}.lock`);
  return inRoot(folder, folders, ["python3"]);
}

function hostHasPyTorch() {
  return spawnSync("python3", ["-c", "import torch, safetensors"], { stdio: "ignore" }).status === 0;
}

function isMade() {
  const list = join(folder, stamp);
  if (!existsSync(list)) return false;
  // More than is asked for is fine: another checkout may have asked for it.
  const installed = JSON.parse(readFileSync(list, "utf8"));
  return packages.every((name) => installed.includes(name));
}

/** Makes the root folder. Under another name until it is whole: a failure leaves nothing that looks finished. */
async function makeRoot() {
  if (isMade()) return;
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new CommandError("making a place for PyTorch (python3 has none, and only root on Linux can make one)", null);
  }
  console.log(`pytorch: installing Debian's PyTorch in ${folder} (once; some minutes, 2 GB)`);
  if (spawnSync("debootstrap", ["--version"]).error) aptGetInstall(["debootstrap"]);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  runQuietly(["unshare", "--mount", "debootstrap", "--variant=minbase", suite, unfinished, debianMirror()]);
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages];
  runQuietly(inRoot(unfinished, [], ["env", "DEBIAN_FRONTEND=noninteractive", ...install]));
  runQuietly(inRoot(unfinished, [], ["apt-get", "clean"]));
  writeFileSync(join(unfinished, stamp), JSON.stringify(packages));
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
}

/** @param {string[]} command */
function runQuietly([program, ...args]) {
  run(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** The mirror that this host's own apt-get uses. */
function debianMirror() {
  const query = ["indextargets", "--no-release-info", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"];
  const { stdout } = spawnSync("apt-get", query, { encoding: "utf8" });
  // Without a dash: no archive of updates.
  const mirror = isDebian && /^(\S+) [a-z]+ main$/m.exec(stdout ?? "")?.[1];
  if (mirror) return mirror;
  throw new CommandError(
    "finding a Debian mirror in apt-get's configuration to get PyTorch from (or give python3 torch and safetensors)",
    null,
  );
}

/**
 * A command inside a root folder, with the host's devices and processes and some of its folders. All mounts belong to the
 * command's own mount namespace: they are gone when it ends, however it ends.
 * @param {string} root
 * @param {string[]} folders it starts in the first
 * @param {string[]} command
 */
function inRoot(root, folders, command) {
  for (const path of folders) mkdirSync(join(root, path), { recursive: true });
  const mounts = ["/proc", "/sys", "/dev", ...folders];
  const script = `root=$1 start=$2 count=$3; shift 3
    while [ $count -gt 0 ]; do mount --rbind "$1" "$root$1" || exit; shift; count=$((count - 1)); done
    exec chroot "$root" env --chdir="$start" "$@"`;
  const parameters = [root, folders[0] ?? "/", String(mounts.length), ...mounts];
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...parameters, ...command];
}
