// Starts Deno: its program, and the environment that WebGPU needs.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "./run.mjs";
import { root } from "./steps.mjs";

/**
 * Deno's program from its npm package (by its own path, since the package's launcher needs an install script, which many
 * machines do not run), else the machine's "deno".
 */
export function denoProgram() {
  const libc = process.platform === "linux" ? "-glibc" : "";
  const file = process.platform === "win32" ? "deno.exe" : "deno";
  const path = join(root, "node_modules", "@deno", `${process.platform}-${process.arch}${libc}`, file);
  return existsSync(path) ? path : "deno";
}

/** Deno's environment; variables that are already set have precedence. */
export function denoEnvironment() {
  /** @type {NodeJS.ProcessEnv} */
  const env = { DENO_NO_UPDATE_CHECK: "1", ...process.env };
  if (process.platform === "linux") {
    // Without a Vulkan driver Deno would silently fall back on OpenGL, which computes something else.
    env.DENO_WEBGPU_BACKEND ??= "vulkan";
    // Vulkan drivers print a warning without this folder.
    env.XDG_RUNTIME_DIR ??= tmpdir();
  }
  return env;
}

/**
 * Runs a script with all permissions in the repository's root, to its end.
 * @param {string[]} args the script and its arguments
 * @param {"inherit" | "pipe"} output where its standard output goes
 */
function spawnDeno(args, output) {
  const result = spawnSync(denoProgram(), ["run", "-A", ...args], {
    cwd: root,
    stdio: ["inherit", output, "inherit"],
    env: denoEnvironment(),
    encoding: "utf8",
  });
  if (result.error) throw result.error;
  return result;
}

/**
 * Runs a script on this terminal; returns its exit code.
 * @param {string[]} args the script and its arguments
 */
export function runDeno(args) {
  return spawnDeno(args, "inherit").status ?? 1;
}

/**
 * Returns a script's standard output; throws if the script fails.
 * @param {string[]} args the script and its arguments
 */
export function readDeno(args) {
  const { status, stdout } = spawnDeno(args, "pipe");
  if (status !== 0) throw new CommandError(`deno run ${args[0]}`, status);
  return stdout;
}
