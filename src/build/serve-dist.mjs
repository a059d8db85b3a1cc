// Serves the files of dist unchanged, so that pages under test load the library as a page without a bundler does.
// The development server by itself would transform them.
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { isolationHeaders } from "./isolation.mjs";
import { root } from "./steps.mjs";

/** @type {Record<string, string>} */
export const contentTypes = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};
const dist = join(root, "dist", "/");
const site = join(dist, "site", "/");

/**
 * Starts a server for a page on this machine.
 * @param {import("node:http").RequestListener} answer
 * @param {number} wanted the port; by default, and if this one is in use, a free port
 */
export async function serve(answer, wanted = 0) {
  const server = createServer(answer);
  const listen = (/** @type {number} */ port) =>
    new Promise((resolve, reject) => {
      server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined));
    });
  await listen(wanted).catch(() => listen(0));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      // Browsers keep their connections open, which would delay the end of the server.
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Returns a port of this machine that nothing listens on. */
export async function freePort() {
  const { url, close } = await serve(() => {});
  close();
  return Number(new URL(url).port);
}

/** @param {import("node:http").IncomingMessage} request */
export const pathOf = (request) => new URL(request.url ?? "/", "http://localhost").pathname;

/**
 * Answers with a file's contents and these headers, or that it is not there.
 * @param {import("node:http").ServerResponse} response
 * @param {string} path
 * @param {Record<string, string>} headers
 */
export function sendFile(response, path, headers = {}) {
  if (!isFile(path)) return void response.writeHead(404, headers).end();
  const type = contentTypes[extname(path)] ?? "application/octet-stream";
  response.writeHead(200, { ...headers, "Content-Type": type }).end(readFileSync(path));
}

const isFile = (/** @type {string} */ path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/**
 * Answers a request for /dist/ (with an empty page) or for a file in it; returns false for other requests.
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
export function sendDistFile(request, response) {
  const path = normalize(join(root, pathOf(request)));
  const headers = { ...isolationHeaders, "Cache-Control": "no-store" };
  if (path === dist) {
    response.writeHead(200, { ...headers, "Content-Type": "text/html" }).end("<!doctype html><title>erwin</title>");
    return true;
  }
  if (!path.startsWith(dist) || !isFile(path)) return false;
  sendFile(response, path, headers);
  return true;
}

/**
 * Answers a request for a file of the site with these headers, as a static host would.
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {Record<string, string>} headers
 */
export function sendSiteFile(request, response, headers = isolationHeaders) {
  const pathname = pathOf(request);
  const path = normalize(join(site, pathname.endsWith("/") ? `${pathname}index.html` : pathname));
  if (path.startsWith(site)) sendFile(response, path, { ...headers, "Cache-Control": "no-cache" });
  else response.writeHead(404, headers).end();
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
