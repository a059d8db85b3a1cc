// Builds the pages of src/pages to dist/site, which any static host can serve. The library's files are copied as they were built, to
// dist/site/erwin, and the pages load them at run time.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hdf5Script } from "../../wasm/hdf5/library.mjs";
import { exampleModules, exampleText, writeExampleModel } from "./examples.mjs";
import { thirdPartyLicences } from "./licences.mjs";
import { root } from "./steps.mjs";

const pages = join(root, "src", "pages");
const dist = join(root, "dist");
const site = join(dist, "site");
/** The package's entries that pages import by name, and the names of their files. */
const libraryFiles = new Map([
  ["erwin", "erwin.js"],
  ["erwin/bench", "bench.js"],
  ["erwin/experiments", "experiments.js"],
  ["erwin/formats", "formats.js"],
]);
/** Files with fixed names in the site's root folder: a service worker controls only its own folder and those below. */
const fixedNames = ["service-worker", "theme", "incomplete"];

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
    plugins: [layout(), plainScripts(), libraryByName(), thirdPartyLicences()],
    worker: {
      format: "es",
      plugins: () => [libraryByName(), exampleModules(), hdf5Script(), entriesByThemselves()],
      rollupOptions: { output: { paths: libraryPath } },
    },
    build: {
      target: "es2022",
      outDir,
      emptyOutDir: true,
      reportCompressedSize: false,
      // The largest script is three.js, which pages load after what they show first.
      chunkSizeWarningLimit: 1000,
      // The pages' policy allows connections to their own host only, which excludes data: URLs.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: {
        // Only says what took how long, where TypeScript runs beside it.
        checks: { bundlerTimings: false },
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
  // An example loads this file from the folder of its script.
  await writeExampleModel(join(outDir, "assets", "model.safetensors"));
  mkdirSync(site, { recursive: true });
  // The API reference in the same folder stays (reference.mjs).
  for (const name of readdirSync(site)) if (name !== "api") rmSync(join(site, name), { recursive: true });
  cpSync(outDir, site, { recursive: true });
  rmSync(outDir, { recursive: true });
}

/** All chunks are in the folder assets. */
const libraryPath = (/** @type {string} */ id) => (libraryFiles.has(id) ? `../erwin/${libraryFiles.get(id)}` : id);

/**
 * Leaves imports of the library unresolved, because `libraryPath` gives them their addresses.
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
 * Keeps what a worker's own script shares with its other chunks out of that script, which they would otherwise import: WebKit runs a
 * worker's script again when it is imported, and both copies would answer the page.
 * @returns {import("vite").Plugin}
 */
function entriesByThemselves() {
  return { name: "erwin-worker-entries", options: (options) => ({ ...options, preserveEntrySignatures: "strict" }) };
}

/**
 * Puts the content of each page into shared/layout.html, with the parts that several pages have. The first line of a page is a comment
 * with its title and its description.
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
        const shared = (/** @type {string} */ name) => readFileSync(join(pages, "shared", `${name}.html`), "utf8");
        const whole = Object.entries(values)
          .reduce((text, [name, value]) => text.replaceAll(`{{${name}}}`, () => value), shared("layout"))
          .replace(/{{part (.*?)}}/g, (_, name) => shared(name));
        const withExamples = whole.replace(/{{example (.*?)}}/g, (_, section) => exampleText(section));
        return withExamples.replace(`<a href="./${page}.html"`, `<a href="./${page}.html" aria-current="page"`);
      },
    },
  };
}

/**
 * Adds the scripts that apply the chosen colours before the first paint, and say when another script cannot be loaded. They are not
 * modules, which would wait for the document.
 * @returns {import("vite").Plugin}
 */
function plainScripts() {
  return {
    name: "erwin-plain-scripts",
    transformIndexHtml: {
      order: "post",
      handler: () =>
        ["theme", "incomplete"].map((name) => ({ tag: "script", attrs: { src: `./${name}.js` }, injectTo: "head" })),
    },
  };
}
