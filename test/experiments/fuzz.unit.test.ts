// The loaders of the four experiments on damaged data sets either return a sample or throw a FormatError that names a file, in bounded
// time and memory. ERWIN_FUZZ=10000 sets the number of attempts per data set; the default is a few hundred.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { cosmology } from "../../src/experiments/cosmology/experiment.ts";
import { type ByteRange, MemorySource } from "../../src/experiments/data-source.ts";
import { eagle } from "../../src/experiments/eagle/experiment.ts";
import type { Experiment } from "../../src/experiments/experiment.ts";
import { generators } from "../../src/experiments/generators.ts";
import { md } from "../../src/experiments/md/experiment.ts";
import { resolveOptions } from "../../src/experiments/options.ts";
import { shapenet } from "../../src/experiments/shapenet/experiment.ts";
import { saveNpy } from "../../src/formats/numpy/npy.ts";
import { loadNpz, saveNpz } from "../../src/formats/numpy/npz.ts";
import { Random } from "../../src/random.ts";

const long = Number(process.env.ERWIN_FUZZ ?? 0);
const splits = ["train", "val", "test"] as const;

type Files = Map<string, Uint8Array>;

async function generated(name: string, sizes: { samples: number; points: number; frames?: number }): Promise<Files> {
  const files: Files = new Map();
  for await (const { path, bytes } of generators[name].files({ seed: 1, frames: 1, ...sizes }, () => {})) {
    files.set(path, bytes);
  }
  return files;
}

/** Flows with enough frames for validation, which uses frames 100 and 101. */
const flows = () => generated("eagle", { samples: 3, points: 30, frames: 104 });

/** Cars as preprocessed tensors that PyTorch wrote. */
async function preprocessed(): Promise<Files> {
  const folder = fileURLToPath(new URL("../golden/experiments/shapenet/data/preprocessed", import.meta.url));
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".th"));
  return new Map(paths.sort().map((path) => [path, new Uint8Array(readFileSync(join(folder, path)))]));
}

const cases: [string, Experiment, () => Promise<Files>, number][] = [
  ["cosmology", cosmology as unknown as Experiment, () => generated("cosmology", { samples: 4, points: 20 }), 600],
  ["eagle", eagle as unknown as Experiment, flows, 300],
  ["shapenet", shapenet as unknown as Experiment, () => generated("shapenet", { samples: 6, points: 30 }), 600],
  ["shapenet, preprocessed", shapenet as unknown as Experiment, preprocessed, 600],
  // There are only 40 rounds, because the HDF5 library starts anew after each damaged file.
  ["md", md as unknown as Experiment, () => generated("md", { samples: 3, points: 6, frames: 20 }), 40],
];

/** Damages a data set in one of the ways in which files are damaged or mixed up. Returns a description of the damage. */
function damage(files: Files, random: Random): string {
  const paths = [...files.keys()];
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(random.uniform() * values.length)];
  const path = pick(paths);
  const bytes = files.get(path) as Uint8Array;
  const at = Math.floor(random.uniform() * bytes.length);
  // Most damage is done near the beginning or the end, where headers and directories are.
  const near = random.uniform() < 0.5 ? at : Math.floor(random.uniform() * Math.min(200, bytes.length));
  const place = random.uniform() < 0.3 ? Math.max(0, bytes.length - 1 - near) : near;
  const changed = bytes.slice();
  switch (Math.floor(random.uniform() * 7)) {
    case 0:
      files.set(path, bytes.slice(0, at));
      return `${path} cut at ${at}`;
    case 1:
      changed[place] ^= 1 << Math.floor(random.uniform() * 8);
      files.set(path, changed);
      return `a bit of ${path} turned at ${place}`;
    case 2:
      // An absurd length may be written over any length.
      changed.fill(0xff, place, place + pick([2, 4, 8]));
      files.set(path, changed);
      return `${path} filled with ones at ${place}`;
    case 3:
      changed.fill(0x39, place, place + pick([1, 3]));
      files.set(path, changed);
      return `digits in ${path} at ${place}`;
    case 4: {
      const other = pick(paths);
      files.set(path, files.get(other) as Uint8Array);
      return `${other} in place of ${path}`;
    }
    case 5:
      files.set(path, reshaped(path, bytes, random));
      return `${path} of another shape or type`;
    default:
      files.delete(path);
      return `${path} missing`;
  }
}

/** Returns arrays without their last rows, or with another type; a file that is not NumPy's is concatenated with itself. */
function reshaped(path: string, bytes: Uint8Array, random: Random): Uint8Array {
  if (path.endsWith(".npz")) {
    const arrays = loadNpz(bytes);
    const names = [...arrays.keys()];
    const name = names[Math.floor(random.uniform() * names.length)];
    const { shape } = arrays.get(name)!;
    const [frames, nodes, ...rest] = shape;
    const other = random.uniform() < 0.5 ? [frames, nodes - 1, ...rest] : [frames, nodes];
    const data = new Int16Array(other.reduce((a, b) => a * b)).fill(Math.floor(random.uniform() * 20) - 5);
    return saveNpz({ ...Object.fromEntries(arrays), [name]: { shape: other, data } });
  }
  if (path.endsWith(".npy")) return saveNpy({ shape: [3, 3], data: new Float64Array(9).fill(random.normal()) });
  const twice = new Uint8Array(2 * bytes.length);
  twice.set(bytes);
  twice.set(bytes, bytes.length);
  return twice;
}

/** A source that counts the bytes it is asked for: a length that a file claims must not be used before it is checked. */
class Watched extends MemorySource {
  override async read(path: string, range?: ByteRange): Promise<Uint8Array> {
    const size = await this.size(path);
    if (range) expect(range.length, `bytes asked of ${path}`).toBeLessThanOrEqual(Math.max(size, 2 ** 17));
    return super.read(path, range);
  }
}

async function readAll(experiment: Experiment, files: Files): Promise<void> {
  const options = resolveOptions(experiment.options, { batchSize: 1 });
  const source = new Watched(files, "D");
  for (const split of splits) {
    const data = await experiment.load(split, options, source);
    for (let i = 0; i < Math.min(data?.size ?? 0, 3); i++) await data?.load(i, new Random(0), 0);
  }
}

let slowest = 0;
afterAll(() => {
  if (long) console.log(`slowest data set: ${slowest.toFixed(0)} ms`);
});

it.each(cases)(
  "%s: damaged files are FormatErrors that name them",
  async (_, experiment, make, short) => {
    const sound = await make();
    await readAll(experiment, sound);
    let refused = 0;
    const rounds = long || short;
    for (let round = 0; round < rounds; round++) {
      const files = new Map(sound);
      const done = damage(files, new Random(round, "damage"));
      const begun = performance.now();
      await readAll(experiment, files).catch((error) => {
        if (!(error instanceof FormatError)) throw new Error(`round ${round}, ${done}`, { cause: error });
        expect(error.details.file, done).toMatch(/^D/);
        refused++;
      });
      slowest = Math.max(slowest, performance.now() - begun);
    }
    // Some damage cannot be detected, such as changed digits.
    expect(refused).toBeGreaterThan(rounds / 3);
  },
  1_200_000,
);
