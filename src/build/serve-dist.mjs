// Serves the files of dist unchanged, so that pages under test load the library as a page without a bundler does.
// The development server by itself would transform them.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
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
const dist = join(root, "dist", "/");

/**
 * Starts a server for a page on this machine, on a free port.
 * @param {import("node:http").RequestListener} answer
 */
export async function serve(answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      // Browsers keep their connections open.
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * Answers a request for /dist/ (with an empty page) or for a file in it; false where it is for something else.
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
export function sendDistFile(request, response) {
  const path = normalize(join(root, new URL(request.url ?? "/", "http://localhost").pathname));
  if (!path.startsWith(dist) || !existsSync(path)) return false;
  const isPage = path === dist;
  response.writeHead(200, {
    ...isolationHeaders,
    "Content-Type": isPage ? "text/html" : (contentTypes[extname(path)] ?? "application/octet-stream"),
    "Cache-Control": "no-store",
  });
  response.end(isPage ? "<!doctype html><title>erwin</title>" : readFileSync(path));
  return true;
}

/**
 * A Vite plugin for the development server that Vitest runs.
 * @returns {import("vite").Plugin}
 */
export function serveDist() {
  return {
    name: "erwin-serve-dist",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (!sendDistFile(request, response)) next();
      });
    },
  };
}
