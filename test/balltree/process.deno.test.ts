// Threads and the lifetime of a process: idle threads do not keep it alive, and a thread that cannot start is an error, not a hang.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { pathOf, sendFile, serve } from "../../src/build/serve-dist.mjs";

const folder = mkdtempSync(join(tmpdir(), "erwin-threads-"));
afterAll(() => rmSync(folder, { recursive: true }));
cpSync(fileURLToPath(new URL("../../dist", import.meta.url)), folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
writeFileSync(
  join(folder, "script.js"),
  `import { buildBallTree } from "./erwin.js";
   const positions = Float32Array.from({ length: 60000 }, (_, k) => Math.sin(k));
   await buildBallTree(positions, { dimensionality: 3, threads: 2 }).then(
     (tree) => console.log(tree.treeIdx.length),
     (error) => console.log(error.name, error.details.url),
   );`,
);

/** Runs a script in Deno or Node until it exits. */
function run(program: "deno" | "node"): string {
  const [command, args] = program === "deno" ? [process.execPath, ["run", "-A", "script.js"]] : ["node", ["script.js"]];
  const result = spawnSync(command, args, { cwd: folder, encoding: "utf8", timeout: 100_000 });
  expect(result.status, result.stderr).toBe(0);
  return result.stdout.trim();
}

test("a process with idle threads ends by itself", () => {
  expect(run("deno")).toBe("32768");
  expect(run("node")).toBe("32768");
});

test("a process that loads the library from the web ends by itself, too", async () => {
  const server = await serve((request, response) => sendFile(response, join(folder, pathOf(request))));
  try {
    const options = { timeout: 100_000, stdio: ["ignore", "pipe", "inherit"] as ["ignore", "pipe", "inherit"] };
    const deno = spawn(process.execPath, ["run", "-A", `${server.url}script.js`], options);
    let output = "";
    deno.stdout.on("data", (text) => {
      output += text;
    });
    expect(await once(deno, "close")).toEqual([0, null]);
    expect(output.trim()).toBe("32768");
  } finally {
    server.close();
  }
});

test("a worker script that is missing is a WorkerError that names it", () => {
  const assets = join(folder, "assets");
  const script = readdirSync(assets).find((name) => name.startsWith("pool-"))!;
  rmSync(join(assets, script));
  expect(run("deno")).toContain(`WorkerError file://`);
  expect(run("node")).toContain(script);
});
