// npm packages that only the comparison needs, each in a folder of this one with its own lock file.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../build/run.mjs";

/** @param {"onnxruntime" | "jax-js"} peer */
export function installPeer(peer) {
  const cwd = fileURLToPath(new URL(peer, import.meta.url));
  // onnxruntime's install script would download libraries for CUDA.
  if (!existsSync(join(cwd, "node_modules"))) run("npm", ["ci", "--ignore-scripts", "--no-fund"], { cwd });
}
