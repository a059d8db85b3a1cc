// The entries of the package, which the exports of package.json name.

/** The source of each entry, by the name of its files in dist. */
export const entries = {
  erwin: "src/index.ts",
  bench: "src/bench/index.ts",
  formats: "src/formats/index.ts",
  experiments: "src/experiments/index.ts",
  jobs: "src/jobs/index.ts",
};

export const entryNames = Object.keys(entries);

/**
 * Returns the name by which programs import an entry.
 * @param {string} entry
 */
export const importName = (entry) => (entry === "erwin" ? entry : `erwin/${entry}`);
