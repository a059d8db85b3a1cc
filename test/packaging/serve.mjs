// Servers for the projects: of what they have built, of a development server, and of the library itself.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathOf, sendFile, serve } from "../../src/build/serve-dist.mjs";

/** Serves the files of a folder. */
export function serveFolder(/** @type {string} */ folder) {
  return serve((request, response) => {
    const pathname = pathOf(request);
    sendFile(response, join(folder, pathname === "/" ? "index.html" : pathname));
  });
}

/**
 * Stands in for npm's registry and for a CDN of it, neither of which has the library as it is now.
 * @param {string} tarball what the registry gives
 * @param {string} library the folder of the same package.json, and of what the CDN gives
 */
export function serveLibrary(tarball, library) {
  const { name, version, ...fields } = JSON.parse(readFileSync(join(library, "package.json"), "utf8"));
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  return serve((request, response) => {
    const pathname = pathOf(request);
    if (pathname === "/erwin.tgz") return sendFile(response, tarball);
    if (pathname !== "/erwin") return sendFile(response, join(library, pathname.replace("/npm/erwin/", "/")));
    const dist = { tarball: `http://${request.headers.host}/erwin.tgz`, integrity };
    const versions = { [version]: { name, version, ...fields, dist } };
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  });
}

/** Starts the development server of a project with Vite. */
export async function serveDevelopment(/** @type {string} */ project) {
  const program = join(project, "node_modules", "vite", "bin", "vite.js");
  const env = { ...process.env, NO_COLOR: "1" };
  const server = spawn(process.execPath, [program, "--host", "127.0.0.1", "--port", "0"], { cwd: project, env });
  /** @type {string} */
  const url = await new Promise((resolve, reject) => {
    let output = "";
    server.stdout.on("data", (chunk) => {
      output += chunk;
      const [address] = /http:\/\/127\S+/.exec(output) ?? [];
      if (address) resolve(address);
    });
    server.on("exit", () => reject(new Error(`the development server ended: ${output}`)));
  });
  return { url, close: () => server.kill() };
}
