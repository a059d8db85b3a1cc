// Pages as strict servers and CDNs make them: with the library on another origin, under a Content Security Policy, with trusted
// types, each with and without cross-origin isolation.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, version } from "vite";
import { isolationHeaders } from "../../src/build/isolation.mjs";
import { contentTypes, pathOf, sendFile, serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";
import { closeBrowsers, describeBrowser, resultOf } from "./browsers.mjs";

const dist = join(root, "dist");
const scripts = ["start.js", "main.js", "say.js", "page.js", "failures.js"];

/**
 * @typedef {object} Page
 * @property {string} name
 * @property {string} description
 * @property {"beside" | "elsewhere"} [library] on the page's own origin, where a bundle has it, or on another
 * @property {(library: string) => string} [policy] its Content Security Policy, by the library's origin
 * @property {string} [assets] what it gives to `setAssets`
 * @property {boolean} [built] by Vite
 * @property {string} [script] what it loads in place of start.js
 * @property {Record<string, { type: string, body: string | Uint8Array }>} [replaced] what the server gives in place of files
 */

export const strictPolicy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:";
/** A page of this policy cannot be cross-origin isolated. */
const sandbox = "sandbox allow-scripts";
export const trustedTypes = "require-trusted-types-for 'script'; trusted-types erwin";

/** @type {Page[]} */
export const pages = [
  {
    name: "another-origin",
    description: "A page whose import map names the library on another origin",
    library: "elsewhere",
  },
  {
    name: "sandbox",
    description: "A sandboxed page, which has no origin, as editors and notebooks show; the library is on another",
    library: "elsewhere",
    policy: () => sandbox,
  },
  {
    name: "policy",
    description: `A page without an import map under \`${strictPolicy}\``,
    policy: () => strictPolicy,
  },
  {
    name: "trusted-types",
    description: `The same with \`${trustedTypes}\` and \`setAssets\``,
    policy: () => `${strictPolicy}; ${trustedTypes}`,
    assets: "/dist/assets",
  },
  {
    name: "trusted-types-another-origin",
    description: "Trusted types, the library on another origin and no `setAssets`",
    library: "elsewhere",
    policy: (origin) =>
      `default-src 'self'; script-src 'self' 'unsafe-inline' ${origin} 'wasm-unsafe-eval'; connect-src ${origin}; worker-src blob: ${origin}; ${trustedTypes}`,
  },
  {
    name: "vite-policy",
    description: "What Vite builds, under the strict policy",
    built: true,
    policy: () => strictPolicy,
  },
  {
    name: "vite-trusted-types",
    description: "The same with trusted types, `erwin assets` and `setAssets`",
    built: true,
    policy: () => `${strictPolicy}; ${trustedTypes}`,
    assets: "/files/",
  },
];

/**
 * Yields what each page comes to: in Chromium, those without a bundler in Firefox and WebKit too.
 * @param {Page[]} chosen
 * @returns {AsyncGenerator<import("./table.mjs").Outcome>}
 */
export async function* runPages(chosen = pages) {
  try {
    for (const page of chosen) {
      for (const browser of /** @type {const} */ (["Chromium", "Firefox", "WebKit"])) {
        if (browser !== "Chromium" && page.built) continue;
        for (const isolated of page.policy?.("") === sandbox ? [false] : [true, false]) {
          const result = await visit(page, { isolated, browser }).catch((error) => String(error.message));
          const description = `${page.description}${isolated ? ", cross-origin isolated" : ""}`;
          const packages = page.built ? [`vite ${version}`] : [];
          yield { name: page.name, description, packages, command: "", host: await describeBrowser(browser), result };
        }
      }
    }
  } finally {
    await closeBrowsers();
  }
}

/**
 * What a page comes to: "right", or what went wrong.
 * @param {Page} page
 * @param {{ isolated?: boolean, browser?: import("./browsers.mjs").BrowserName }} options
 */
export async function visit(page, { isolated = false, browser = "Chromium" } = {}) {
  const folder = page.built ? await builtPage() : undefined;
  const library = await serve((request, response) => {
    const shared = { ...isolationHeaders, "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store" };
    sendFile(response, join(dist, pathOf(request)), shared);
  });
  const origin = new URL(library.url).origin;
  const headers = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    ...(isolated && isolationHeaders),
    ...(page.policy && { "Content-Security-Policy": page.policy(origin) }),
  };
  const server = await serve((request, response) => {
    const path = pathOf(request);
    const own = contentOf(page, path, origin);
    if (own) response.writeHead(200, { ...headers, "Content-Type": own.type }).end(own.body);
    else if (folder) sendFile(response, join(folder, path === "/" ? "index.html" : path), headers);
    else sendFile(response, join(root, path.startsWith("/dist/") ? path : "nothing"), headers);
  });
  try {
    const wishes = new URLSearchParams({ isolated: String(isolated), ...(page.assets && { assets: page.assets }) });
    return await resultOf(browser, `${server.url}?${wishes}`);
  } finally {
    for (const each of [server, library]) each.close();
  }
}

/**
 * What the server makes itself: what stands in place of a file and, where nothing is built, the page and its scripts.
 * @param {Page} page
 * @param {string} path
 * @param {string} origin
 */
function contentOf(page, path, origin) {
  const replaced = page.replaced?.[path];
  if (replaced || page.built) return replaced;
  if (path === "/") return { type: contentTypes[".html"], body: html(page, origin) };
  if (scripts.includes(path.slice(1))) return { type: contentTypes[".js"], body: script(page, path) };
}

/**
 * @param {Page} page
 * @param {string} origin
 */
function html({ library, script = "start.js" }, origin) {
  const files = { erwin: "erwin", "erwin/experiments": "experiments", "erwin/formats": "formats" };
  const map = {
    imports: Object.fromEntries(Object.entries(files).map(([name, file]) => [name, `${origin}/${file}.js`])),
  };
  const importMap = library === "elsewhere" ? `<script type="importmap">${JSON.stringify(map)}</script>` : "";
  return `<!doctype html><meta charset="utf-8"><title>erwin</title><link rel="icon" href="/favicon.ico">
${importMap}<script type="module" src="/${script}"></script>`;
}

/**
 * A script of this folder; without an import map it names the library's files.
 * @param {Page} page
 * @param {string} path
 */
function script({ library }, path) {
  const text = readFileSync(join(import.meta.dirname, path), "utf8");
  if (library === "elsewhere") return text;
  return text.replace(/from "erwin(?:\/(\w+))?"/g, (_, part) => `from "/dist/${part ?? "erwin"}.js"`);
}

/** @type {Promise<string> | undefined} */
let building;

/** The folder of a page that Vite has built, with the library's files copied to files/. */
function builtPage() {
  building ??= buildPage();
  return building;
}

async function buildPage() {
  const folder = mkdtempSync(join(tmpdir(), "erwin-pages-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const name of scripts) cpSync(join(import.meta.dirname, name), join(folder, name));
  writeFileSync(join(folder, "index.html"), html({ name: "", description: "", library: "beside" }, ""));
  const installed = join(folder, "node_modules", "erwin");
  for (const name of ["dist", "package.json"]) cpSync(join(root, name), join(installed, name), { recursive: true });
  await build({ root: folder, configFile: false, logLevel: "silent" });
  const output = join(folder, "dist");
  execFileSync(process.execPath, [join(installed, "dist", "cli.js"), "assets", join(output, "files")]);
  return output;
}
