// A package registry with one package, the library as npm packs it: `npm install erwin` and `deno add npm:erwin` run as they
// will once it is published.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";

const execute = promisify(execFile);

/** @param folder for the packed library */
export async function serveRegistry(folder: string): Promise<{ url: string; close(): void }> {
  const words = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await execute("npm", words, { cwd: root });
  const [{ filename, shasum, integrity }] = JSON.parse(stdout);
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { name, version } = manifest;
  return serve(({ url, headers }, response) => {
    const path = url?.slice(1);
    if (path === filename) return void response.end(readFileSync(join(folder, filename)));
    if (path !== name) return void response.writeHead(404).end("{}");
    const dist = { tarball: `http://${headers.host}/${filename}`, shasum, integrity };
    const versions = { [version]: { ...manifest, dist } };
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  });
}
