// A plugin of the library's build that writes the licences of the packages that are bundled into it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./steps.mjs";

/** Returns the folder of the package that a module belongs to; undefined for the library's own modules. */
const packageFolder = (/** @type {string} */ id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];

/** Returns a package's name and licence: the text if the package has one, else the `license` field. */
function licenceOf(/** @type {string} */ folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder);
  const file = files.find((name) => /^licen[cs]e/i.test(name)) ?? files.find((name) => /^readme/i.test(name));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/** Returns the licence of the package whose module is a file of its own; its text, which that lacks, is that of another one's. */
function lazPerfOf(/** @type {Iterable<string | undefined>} */ folders) {
  const other = [...folders].find((folder) => folder?.endsWith("/comlink"));
  if (!other) throw new Error("no bundled package has the text of the Apache License");
  const head = licenceOf(other.replace(/comlink$/, "laz-perf")).trimEnd();
  const holders = "Copyright 2007-2014 Martin Isenburg, rapidlasso, and 2014 Uday Verma, Hobu, Inc.";
  return `${head}\n\n${holders}\n\n${readFileSync(join(other, "LICENSE"), "utf8").trim()}\n`;
}

/** Returns the licences of the package whose filters are in modules beside HDF5's (wasm/hdf5/library.mjs), and of what these consist of. */
function filtersOf(/** @type {string} */ folder) {
  const others = [join(folder, "COPYING"), join(root, "wasm", "hdf5", "filters-licences.txt")];
  return [licenceOf(folder).trimEnd(), ...others.map((file) => readFileSync(file, "utf8").trim()), ""].join("\n\n");
}

/** @returns {import("vite").Plugin} */
export function thirdPartyLicences() {
  return {
    name: "erwin-licences",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const folders = new Set(chunks.flatMap(({ moduleIds }) => moduleIds.map(packageFolder)));
      const library = [...folders].find((folder) => folder?.endsWith("/h5wasm"));
      const filters = library ? [filtersOf(`${library}-plugins`)] : [];
      const unpacker = bundle["assets/laz-perf.wasm"] && lazPerfOf(folders);
      const packages = [...folders].filter((folder) => folder && existsSync(join(folder, "package.json"))).sort();
      const source = packages
        .map((folder) => licenceOf(/** @type {string} */ (folder)))
        .concat(filters, unpacker ?? [])
        .join(`\n${"-".repeat(80)}\n\n`);
      this.emitFile({ type: "asset", fileName: "THIRD-PARTY-LICENSES", source });
    },
  };
}
