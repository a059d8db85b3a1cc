// Rolls the declarations of the public API into the single file dist/erwin.d.ts.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { typescript } from "./run.mjs";
import { root } from "./steps.mjs";

/** Comlink is bundled into the build, so its types have to be in the declarations too. */
const bundled = ["comlink"];

export async function buildDeclarations() {
  // Not below node_modules: the bundler takes files there for another package's and leaves them out.
  const folder = join(root, "dist", ".declarations");
  rmSync(folder, { recursive: true, force: true });
  typescript(["--noEmit", "false", "--emitDeclarationOnly", "--noCheck", "--outDir", folder]);
  const { rollup } = await import("rollup");
  const { dts } = await import("rollup-plugin-dts");
  const bundle = await rollup({
    input: join(folder, "src", "index.d.ts"),
    plugins: [dts({ includeExternal: bundled })],
    onwarn: (warning) => console.warn(`build: declarations: ${warning.message}`),
  });
  await bundle.write({ file: join(root, "dist", "erwin.d.ts"), format: "es" });
  await bundle.close();
  rmSync(folder, { recursive: true, force: true });
}
