// The tests' runners. `unit`: pure functions in Node. `browser` and `host`: the same *.host.test.ts files in
// Chromium and in Deno, on the built library, which they import by the package's name. `dawn`: those of mixed precision in
// Node, on an adapter with matrix units (src/build/matrix-units.mjs). `pages`: the site, clicked through (npm run test:pages).
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { findChromium, testArguments } from "./src/build/chromium.mjs";
import { entryNames, importName } from "./src/build/entries.mjs";
import { isolationHeaders } from "./src/build/isolation.mjs";
import { serveDist } from "./src/build/serve-dist.mjs";

/** The built library by the names of its entries. */
const alias = entryNames.map((name) => ({
  find: new RegExp(`^${importName(name)}$`),
  replacement: fileURLToPath(new URL(`dist/${name}.js`, import.meta.url)),
}));
const resolve = { alias };
/** Loaded by the host itself as it is, not through Vitest's transforms. */
const server = { deps: { external: alias.map(({ replacement }) => replacement) } };

const shared = {
  // Compiling a model's shaders on a software adapter takes half a minute, and on a busy machine several.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  teardownTimeout: 10_000,
  // What is polled happens at once, but a busy machine may keep it waiting.
  expect: { poll: { timeout: 60_000 } },
  // Files share their runner's devices and the kernels these have compiled (test/support/models.ts). Said of each
  // project: they do not take it from the root.
  isolate: false,
};

export default defineConfig({
  test: {
    // One file at a time: two device processes on a small machine slow each other down more than they gain.
    fileParallelism: false,
    projects: [
      {
        resolve,
        test: { ...shared, name: "unit", environment: "node", include: ["test/**/*.unit.test.ts"] },
      },
      {
        resolve,
        test: {
          ...shared,
          name: "host",
          environment: "node",
          include: ["test/**/*.host.test.ts", "test/**/*.deno.test.ts"],
          server,
        },
      },
      {
        resolve,
        test: {
          ...shared,
          name: "pages",
          environment: "node",
          include: ["test/pages/**/*.pages.test.ts"],
        },
      },
      {
        resolve,
        test: {
          ...shared,
          name: "dawn",
          environment: "node",
          include: ["test/backends/precision.host.test.ts", "test/**/*.dawn.test.ts"],
          setupFiles: "test/support/dawn-setup.ts",
          server,
        },
      },
      {
        resolve,
        plugins: [serveDist()],
        server: { headers: isolationHeaders },
        test: {
          ...shared,
          name: "browser",
          include: ["test/**/*.host.test.ts", "test/**/*.browser.test.ts"],
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: findChromium(), args: testArguments() } }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});
