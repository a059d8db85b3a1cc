// The licence texts of all that is bundled are shipped with it: that of the library, and that of the pages.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../src/build/steps.mjs";

const library = {
  bunny: /Stanford/,
  comlink: /Apache License/,
  delaunator: /ISC License/,
  fflate: /MIT License/,
  h5wasm: /hdfgroup/i,
  "h5wasm-plugins": /Apache License.*The HDF Group.*Blosc.*Zstandard.*Yann Collet.*Masui/s,
  "laz-perf": /Hobu.*Apache License/s,
  pbf: /Redistribution and use/,
  yaml: /Permission to use, copy, modify/,
};
const pages = { three: /The MIT License/, uplot: /The MIT License/ };

test.each([
  ["dist", library],
  ["dist/site", pages],
])("%s holds them", (folder, packages) => {
  const texts = readFileSync(join(root, folder, "THIRD-PARTY-LICENSES"), "utf8").split(`\n${"-".repeat(80)}\n\n`);
  for (const [name, words] of Object.entries(packages)) {
    expect(texts.find((text) => text.startsWith(`${name} `)) ?? "", name).toMatch(words);
  }
});
