// Rolls the declarations of each entry into a single file: dist/erwin.d.ts, and so on.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { typescript } from "./run.mjs";
import { root } from "./steps.mjs";

/** The declarations need Symbol.dispose, which a program's own settings may leave out. */
const banner = '/// <reference lib="esnext.disposable" />';

/** Comlink is bundled into the build, so its types have to be in the declarations too. */
const bundled = ["comlink"];

export async function buildDeclarations() {
  // The folder is not below node_modules: the bundler takes files there for another package's and leaves them out.
  const folder = join(root, "dist", ".declarations");
  rmSync(folder, { recursive: true, force: true });
  typescript(["--noEmit", "false", "--emitDeclarationOnly", "--noCheck", "--outDir", folder]);
  const { rollup } = await import("rollup");
  const { dts } = await import("rollup-plugin-dts");
  const entries = {
    erwin: "src/index.d.ts",
    bench: "src/bench/index.d.ts",
    formats: "src/formats/index.d.ts",
    experiments: "src/experiments/index.d.ts",
    jobs: "src/jobs/index.d.ts",
  };
  for (const [name, input] of Object.entries(entries)) {
    const bundle = await rollup({
      input: join(folder, input),
      plugins: [dts({ includeExternal: bundled })],
      onwarn: (warning) => console.warn(`build: declarations: ${warning.message}`),
    });
    await bundle.write({ file: join(root, "dist", `${name}.d.ts`), format: "es", banner });
    await bundle.close();
  }
  rmSync(folder, { recursive: true, force: true });
}
