// A Debian root folder for programs that this machine's own system cannot install, made once for all checkouts, in the user's
// cache folder. Linux, Debian's mirror and root are needed to make one, root to use it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { CommandError, run } from "./run.mjs";
import { aptGetInstall, isDebian } from "./setup.mjs";

/** The project's part of the user's cache folder. */
export const userCache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "erwin");

/** The file that lists a root folder's packages; it is written last, so a folder that has it is complete. */
const stamp = "erwin-packages.json";

/**
 * @typedef {object} DebianRoot
 * @property {string} suite Debian's suite
 * @property {string} purpose the purpose in one word, for the folder's name and for messages
 * @property {string} size the time and the size of download and folder, in words
 * @property {readonly string[]} packages
 * @property {string} [instead] an alternative where none can be made
 * @property {string} [folder] the folder, if not one in the user's cache folder
 */

/** @param {DebianRoot} root */
const folderOf = ({ suite, purpose, folder }) => folder ?? join(userCache, `${suite}-${purpose}`);

/** @param {DebianRoot} root */
export function isMade(root) {
  const list = join(folderOf(root), stamp);
  if (!existsSync(list)) return false;
  // Additional packages are fine: another checkout may need them.
  const installed = JSON.parse(readFileSync(list, "utf8"));
  return root.packages.every((name) => installed.includes(name));
}

/**
 * Makes the root folder unless it exists.
 * @param {DebianRoot} root
 */
export async function prepareRoot(root) {
  if (!isMade(root)) await withLock(() => make(root), `${folderOf(root)}.lock`);
}

/**
 * Returns a command that runs in an existing root folder, with the host's devices and processes and some of its folders.
 * @param {DebianRoot} root
 * @param {string[]} folders the host's folders that it can use, at the same paths; it starts in the first
 * @param {string[]} command
 */
export const inRoot = (root, folders, command) => inFolder(folderOf(root), folders, command);

/**
 * Makes the folder under another name until it is complete: a failure leaves nothing that looks finished.
 * @param {DebianRoot} root
 */
async function make(root) {
  if (isMade(root)) return;
  const { suite, purpose, size, packages, instead } = root;
  const advice = instead ? `, or ${instead}` : "";
  const folder = folderOf(root);
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new CommandError(`making a Debian folder for ${purpose} (be root on Linux${advice})`, null);
  }
  console.log(`${purpose}: installing Debian's packages in ${folder} (once; ${size})`);
  if (spawnSync("debootstrap", ["--version"]).error) await aptGetInstall(["debootstrap"]);
  const mirror = debianMirror();
  if (!mirror) throw new CommandError(`finding a Debian mirror in apt-get's configuration (have one${advice})`, null);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  runQuietly(["unshare", "--mount", "debootstrap", "--variant=minbase", suite, unfinished, mirror]);
  const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages];
  runQuietly(inFolder(unfinished, [], ["env", "DEBIAN_FRONTEND=noninteractive", ...install]));
  runQuietly(inFolder(unfinished, [], ["apt-get", "clean"]));
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
  // Suites with a dash are archives of updates.
  return isDebian ? /^(\S+) [a-z]+ main$/m.exec(stdout ?? "")?.[1] : undefined;
}

/**
 * All mounts belong to the command's own mount namespace, so they vanish when it ends, however it ends.
 * @param {string} root
 * @param {string[]} folders
 * @param {string[]} command
 */
function inFolder(root, folders, command) {
  for (const path of folders) mkdirSync(join(root, path), { recursive: true });
  const mounts = ["/proc", "/sys", "/dev", ...folders];
  const script = `root=$1 start=$2 count=$3; shift 3
    while [ $count -gt 0 ]; do mount --rbind "$1" "$root$1" || exit; shift; count=$((count - 1)); done
    exec chroot "$root" env --chdir="$start" "$@"`;
  const parameters = [root, folders[0] ?? "/", String(mounts.length), ...mounts];
  return ["unshare", "--mount", "sh", "-c", script, "sh", ...parameters, ...command];
}
