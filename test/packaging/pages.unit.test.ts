// Pages with the library on another origin, under strict policies, and with what is not there. With a bundler, in Firefox and in
// all ways: `npm run test:packaging`.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, describe, expect, test } from "vitest";
import { pathOf, sendFile, serve } from "../../src/build/serve-dist.mjs";
import { root } from "../../src/build/steps.mjs";
import { closeBrowsers } from "./browsers.mjs";
import { pages, strictPolicy, trustedTypes, visit } from "./pages.mjs";

afterAll(closeBrowsers);

test.each([
  ["another-origin", true],
  ["trusted-types", true],
  ["trusted-types-another-origin", false],
])("a page computes what it should: %s, cross-origin isolated: %s", async (name, isolated) => {
  const page = pages.find((page) => page.name === name)!;
  expect(await visit(page, { isolated })).toBe("right");
});

/** The errors of a graph, a device and a worker on a page that cannot have them. */
async function failures(page: Partial<Parameters<typeof visit>[0]>): Promise<Record<string, string>> {
  const [result] = (await visit({ name: "", description: "", script: "failures.js", ...page })).split("\n");
  return JSON.parse(result);
}

describe("an error of the library says what is in the way:", () => {
  test("a policy against WebAssembly", async () => {
    const errors = await failures({ policy: () => strictPolicy.replace(" 'wasm-unsafe-eval'", "") });
    for (const error of Object.values(errors)) expect(error).toMatch(/^ErwinError: .*add 'wasm-unsafe-eval'/);
  });

  test("a policy against requests", async () => {
    const errors = await failures({ policy: () => `${strictPolicy}; connect-src 'none'` });
    for (const error of Object.values(errors)) expect(error).toMatch(/^ErwinError: .*\.wasm could .*\(connect-src\)/);
  });

  test("trusted types without setAssets, and without the library's policy", async () => {
    const policies = [`${strictPolicy}; ${trustedTypes}`, `${strictPolicy}; ${trustedTypes.replace("erwin", "other")}`];
    const [untold, forbidden] = [
      await failures({ policy: () => policies[0] }),
      await failures({ policy: () => policies[1], assets: "/dist/assets/" }),
    ];
    for (const error of [...Object.values(untold), ...Object.values(forbidden)])
      expect(error).toMatch(/^ErwinError: .*trusted types.*setAssets.*trusted-types erwin/);
  });

  test("a page and a cut file in place of modules", async () => {
    const half = readFileSync(join(root, "dist", "assets", "kernels-relaxed.wasm")).subarray(0, 20_000);
    const errors = await failures({
      replaced: {
        "/dist/assets/balltree.wasm": { type: "text/html", body: "<!doctype html><title>Not here</title>" },
        "/dist/assets/kernels-relaxed.wasm": { type: "application/wasm", body: half },
      },
    });
    expect(errors.graph).toMatch(/^ErwinError: .*balltree\.wasm.*"<!doctype html>.*text\/html/);
    for (const error of [errors.device, errors.worker])
      expect(error).toMatch(/^ErwinError: .*kernels-relaxed\.wasm.*ends after 20000 bytes/);
  });

  // Vite bundles a library so, with the modules in its script. Its worker script has no address of its own where another one imports it.
  test("a library in another one's bundle, on another origin: only the model's worker has to be told where the files are", async () => {
    const folder = mkdtempSync(join(tmpdir(), "erwin-library-"));
    const entry = join(folder, "entry.js");
    const text = readFileSync(join(import.meta.dirname, "failures.js"), "utf8");
    writeFileSync(entry, text.replace('"erwin"', JSON.stringify(join(root, "dist", "erwin.js"))));
    const lib = { entry, formats: ["es" as const], fileName: () => "library.js" };
    await build({ root: folder, base: "./", configFile: false, logLevel: "silent", build: { lib } });
    const library = await serve((request, response) =>
      sendFile(response, join(folder, "dist", pathOf(request)), { "Access-Control-Allow-Origin": "*" }),
    );
    try {
      const script = { type: "text/javascript", body: `import "${library.url}library.js";` };
      const { graph, device, worker } = await failures({ replaced: { "/failures.js": script } });
      expect([graph, device]).toEqual(["no error", "no error"]);
      expect(worker).toMatch(/^ErwinError: .{100,250} setAssets\(\) says where they are$/);
    } finally {
      library.close();
      rmSync(folder, { recursive: true });
    }
  });
});
