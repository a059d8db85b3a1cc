// The published declarations, as a strict program with the language of 2022 sees them; what one entry makes, another takes.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { root } from "../../src/build/steps.mjs";

test.each([
  ["a page", ["es2022", "dom"], []],
  ["Node", ["es2022"], ["node"]],
])("compile in a strict program of %s that checks them and names no newer library", (_, lib, types) => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-types-"));
  try {
    const settings = {
      target: "es2022",
      lib,
      module: "esnext",
      moduleResolution: "bundler",
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      // What a program exports has a type that its own declarations can name.
      declaration: true,
      types,
      typeRoots: [join(root, "node_modules", "@types")],
      paths: Object.fromEntries(
        [
          ["erwin", "erwin"],
          ["erwin/bench", "bench"],
          ["erwin/formats", "formats"],
          ["erwin/experiments", "experiments"],
          ["erwin/jobs", "jobs"],
        ].map(([entry, file]) => [entry, [join(root, "dist", `${file}.d.ts`)]]),
      ),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: settings, files: ["main.ts"] }));
    writeFileSync(
      join(folder, "main.ts"),
      `import { type ErwinTransformer, exportOnnx, nn, requestDevice } from "erwin";
       export * from "erwin/bench";
       export * from "erwin/formats";
       export { experiments } from "erwin/experiments";
       export * from "erwin/jobs";
       export const layer = new nn.Linear(3, 4);
       export const device = await requestDevice({ backend: "cpu" });
       import type { ExperimentRun } from "erwin/experiments";
       import type { PredictOptions } from "erwin/jobs";
       export const applied = (model: ErwinTransformer): Pick<PredictOptions, "model"> => ({ model });
       export const exported = ({ model }: ExperimentRun) => exportOnnx(model);
       device[Symbol.dispose]();`,
    );
    const tsc = join(root, "node_modules", "@typescript", "native", "bin", "tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "--project", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
