// Runs a program that reports its progress, and ends it with all its child processes if it makes none for too long.
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";

/**
 * Runs a program to its end; throws if it fails or stands still.
 * @param {{ command: string[], env: NodeJS.ProcessEnv }} program
 * @param {object} options
 * @param {string} options.progress a file in which the program writes where it is, whenever it advances
 * @param {number} options.patience the time in milliseconds for which the file may stay the same
 * @param {boolean} [options.later] whether its output is printed only at its end
 * @param {import("node:child_process").SpawnOptions} [options.spawn] options for starting it, such as its folder
 */
export async function runWatched({ command: [name, ...args], env }, { progress, patience, later, spawn: more }) {
  rmSync(progress, { force: true });
  const stdio = /** @type {import("node:child_process").StdioOptions} */ (
    later ? ["ignore", "pipe", "pipe"] : "inherit"
  );
  const child = spawn(name, args, { ...more, env, stdio });
  /** @type {Buffer[]} */
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => output.push(chunk));

  /** @type {string | undefined} */
  let stoodAt;
  const watch = watchProgress(progress, patience, (place) => {
    stoodAt = place;
    endTree(/** @type {number} */ (child.pid));
  });
  const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve)).finally(() =>
    clearInterval(watch),
  );
  process.stdout.write(Buffer.concat(output));
  if (stoodAt !== undefined)
    throw new Error(`it stood still for ${patience / 60_000} minutes and was ended, at: ${stoodAt}`);
  if (status !== 0) throw new Error(`it ended with exit code ${status}`);
}

/**
 * @param {string} file
 * @param {number} patience
 * @param {(place: string) => void} whenStill receives the contents of the file
 */
function watchProgress(file, patience, whenStill) {
  let place = "";
  let since = Date.now();
  const watch = setInterval(() => {
    const now = readText(file);
    if (now !== place) {
      place = now;
      since = Date.now();
    } else if (Date.now() - since > patience) {
      clearInterval(watch);
      whenStill(place || "its start");
    }
  }, patience / 100);
  return watch;
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/**
 * Ends a process and all its descendants. They include browsers, which have process groups of their own.
 * @param {number} id
 */
function endTree(id) {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(id), "/T", "/F"]);
    return;
  }
  const parents = parentsOfProcesses();
  const ids = [id];
  for (const parent of ids) for (const [child, its] of parents) if (its === parent) ids.push(child);
  for (const each of ids) {
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // The process has ended already.
    }
  }
}

/** Returns the parent of each process. */
function parentsOfProcesses() {
  if (process.platform === "linux") {
    const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    // The name in brackets, which precedes the parent's id, may contain any characters.
    return ids.map((id) => [Number(id), Number(/.*\) \w (\d+)/s.exec(readText(`/proc/${id}/stat`))?.[1])]);
  }
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  return stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
}
