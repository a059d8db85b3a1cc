// Serves the built library, the golden files and the tests' own scripts to a page, as a plain file server would.
import { existsSync, readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { transformWithOxc } from "vite";
import { contentTypes, serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";

/** The page: nothing but the place of the library, which scripts import by the package's name. */
const page = `<!doctype html><title>erwin</title>
<script type="importmap">{ "imports": { "erwin": "/dist/erwin.js", "erwin/jobs": "/dist/jobs.js" } }</script>`;

const folders = ["dist", "test"].map((folder) => join(root, folder, "/"));

/**
 * Starts a server that sends `headers` with everything, which decide whether the page is cross-origin isolated.
 * @param {Record<string, string>} headers
 */
export const servePage = (headers) =>
  serve(async (request, response) => {
    const path = normalize(join(root, new URL(request.url ?? "/", "http://localhost").pathname));
    /** @type {(status: number, type: string, body: string | Uint8Array) => unknown} */
    const answer = (status, type, body) =>
      response.writeHead(status, { ...headers, "Content-Type": type, "Cache-Control": "no-store" }).end(body);
    if (path === root) answer(200, "text/html", page);
    else if (!folders.some((folder) => path.startsWith(folder)) || !existsSync(path)) answer(404, "text/plain", "");
    else if (extname(path) === ".ts") answer(200, "text/javascript", await withoutTypes(path));
    else answer(200, contentTypes[extname(path)] ?? "application/octet-stream", readFileSync(path));
  });

/** @param {string} path */
const withoutTypes = async (path) =>
  (await transformWithOxc(readFileSync(path, "utf8"), path, { sourcemap: false })).code;
