// Serves the built library, the golden files and the tests' own scripts to a page, as a plain file server would.
import { existsSync, readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { transformWithOxc } from "vite";
import { pathOf, sendFile, serve } from "../../src/build/serve-dist.mjs";
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
    const path = normalize(join(root, pathOf(request)));
    const all = { ...headers, "Cache-Control": "no-store" };
    const isScript = extname(path) === ".ts" && existsSync(path);
    if (path === root) response.writeHead(200, { ...all, "Content-Type": "text/html" }).end(page);
    else if (!folders.some((folder) => path.startsWith(folder))) response.writeHead(404, all).end();
    else if (isScript)
      response.writeHead(200, { ...all, "Content-Type": "text/javascript" }).end(await withoutTypes(path));
    else sendFile(response, path, all);
  });

/** @param {string} path */
const withoutTypes = async (path) =>
  (await transformWithOxc(readFileSync(path, "utf8"), path, { sourcemap: false })).code;
