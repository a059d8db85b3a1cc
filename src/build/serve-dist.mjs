// Serves the files of dist as they are, so that pages under test load the library as a page without a bundler would.
// The development server by itself would transform them.
import { existsSync, readFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { isolationHeaders } from "./isolation.mjs";
import { root } from "./steps.mjs";

/** @type {Record<string, string>} */
export const contentTypes = {
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
  ".css": "text/css",
};
const dist = join(root, "dist");

/**
 * A Vite plugin for the development server that Vitest runs.
 * @returns {import("vite").Plugin}
 */
export function serveDist() {
  return {
    name: "erwin-serve-dist",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const path = normalize(join(root, new URL(request.url ?? "/", "http://localhost").pathname));
        if (!path.startsWith(dist) || !existsSync(path)) return next();
        response.writeHead(200, {
          ...isolationHeaders,
          "Content-Type": contentTypes[extname(path)] ?? "application/octet-stream",
          "Cache-Control": "no-store",
        });
        response.end(readFileSync(path));
      });
    },
  };
}
