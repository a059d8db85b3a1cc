// The pages of src/pages, built to dist/site: what any static host needs, the library's files included. They are copied as they
// were built, to dist/site/erwin, and the pages load them at run time.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { thirdPartyLicences } from "./licences.mjs";
import { root } from "./steps.mjs";

const pages = join(root, "src", "pages");
const dist = join(root, "dist");
const site = join(dist, "site");
/** The entries of the package that pages import by its name, and their files' names. */
const libraryFiles = new Map([
  ["erwin", "erwin.js"],
  ["erwin/bench", "bench.js"],
  ["erwin/experiments", "experiments.js"],
  ["erwin/formats", "formats.js"],
]);
/** Files with fixed names in the site's own folder: a service worker controls what is beside and below it. */
const fixedNames = ["service-worker", "theme"];

/** Builds the site beside dist and moves it there when it is complete. */
export async function buildSite() {
  const { build } = await import("vite");
  const outDir = join(dist, ".site");
  const names = readdirSync(pages).filter((name) => name.endsWith(".html"));
  const scripts = fixedNames.map((name) => [name, join(pages, "shared", `${name}.ts`)]);
  await build({
    root: pages,
    configFile: false,
    base: "./",
    publicDir: false,
    logLevel: "warn",
    plugins: [layout(), themeScript(), libraryByName(), thirdPartyLicences()],
    worker: { format: "es", plugins: () => [libraryByName()], rollupOptions: { output: { paths: libraryPath } } },
    build: {
      target: "es2022",
      outDir,
      emptyOutDir: true,
      reportCompressedSize: false,
      // A policy that lets pages connect to their own host alone forbids data: URLs.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: {
        input: Object.fromEntries([...names.map((name) => [name.replace(".html", ""), join(pages, name)]), ...scripts]),
        output: {
          paths: libraryPath,
          entryFileNames: ({ name }) => (fixedNames.includes(name) ? "[name].js" : "assets/[name]-[hash].js"),
        },
      },
    },
  });
  mkdirSync(join(outDir, "erwin"));
  for (const name of [...libraryFiles.values(), "assets", "THIRD-PARTY-LICENSES"]) {
    cpSync(join(dist, name), join(outDir, "erwin", name), { recursive: true });
  }
  mkdirSync(site, { recursive: true });
  // The API reference is there, too (reference.mjs).
  for (const name of readdirSync(site)) if (name !== "api") rmSync(join(site, name), { recursive: true });
  cpSync(outDir, site, { recursive: true });
  rmSync(outDir, { recursive: true });
}

/** All chunks are in the folder assets. */
const libraryPath = (/** @type {string} */ id) => (libraryFiles.has(id) ? `../erwin/${libraryFiles.get(id)}` : id);

/**
 * Leaves imports of the library as they are: `libraryPath` gives them their addresses.
 * @returns {import("vite").Plugin}
 */
function libraryByName() {
  return {
    name: "erwin-by-name",
    enforce: "pre",
    resolveId: (id) => (libraryFiles.has(id) ? { id, external: true } : null),
  };
}

/**
 * Puts the content of each page into shared/layout.html. A page's first line is a comment with its title, and its description.
 * @returns {import("vite").Plugin}
 */
function layout() {
  return {
    name: "erwin-layout",
    transformIndexHtml: {
      order: "pre",
      handler(html, { path }) {
        const page = path.replace(/^\/|\.html$/g, "");
        const [, title, description] = /^<!-- (.*?) \| (.*?) -->/.exec(html) ?? [];
        if (!title) this.error(`src/pages${path} must begin with a comment: <!-- Title | description -->`);
        const values = { page, title, description, content: html.slice(html.indexOf("-->") + 3).trim() };
        const whole = Object.entries(values).reduce(
          (text, [name, value]) => text.replaceAll(`{{${name}}}`, () => value),
          readFileSync(join(pages, "shared", "layout.html"), "utf8"),
        );
        return whole.replace(`<a href="./${page}.html"`, `<a href="./${page}.html" aria-current="page"`);
      },
    },
  };
}

/**
 * Adds the script that applies the chosen colours before the first paint: it is no module, which would wait for the document.
 * @returns {import("vite").Plugin}
 */
function themeScript() {
  return {
    name: "erwin-theme",
    transformIndexHtml: {
      order: "post",
      handler: () => [{ tag: "script", attrs: { src: "./theme.js" }, injectTo: "head" }],
    },
  };
}
