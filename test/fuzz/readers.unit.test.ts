// Every reader accepts any bytes: it returns a result, or throws a FormatError that names the file.

import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { FormatError } from "../../src/errors.ts";
import {
  loadCsv,
  loadExodus,
  loadGmsh,
  loadHdf5,
  loadLaz,
  loadMatlab,
  loadNpy,
  loadNpz,
  loadObj,
  loadOff,
  loadPcd,
  loadPly,
  loadPvd,
  loadSafetensors,
  loadStl,
  loadTorch,
  loadVtk,
  loadVtkHdf,
  loadVtp,
  loadVtu,
  readExample,
  readPointCloud,
  readTfRecords,
  saveCsv,
  saveNpy,
  savePvd,
  saveSafetensors,
  torchTensors,
} from "../../src/formats/index.ts";
import { isMatlab4 } from "../../src/formats/matlab/matlab4.ts";
import { isMatlab5 } from "../../src/formats/matlab/matlab5.ts";
import { fuzz } from "../support/fuzz.ts";

const formats = fileURLToPath(new URL("../formats/", import.meta.url));
const files = readdirSync(formats, { recursive: true, encoding: "utf8" }).sort();
/** Returns small files with these extensions that other software has written; damage to large ones mostly hits their values. */
const found = (...extensions: string[]) =>
  files
    .filter((file) => extensions.includes(extname(file)))
    .map((file) => new Uint8Array(readFileSync(join(formats, file))))
    .filter(({ length }) => length < 40_000);
const text = (written: string) => new TextEncoder().encode(written);

const data = Float32Array.from({ length: 30 }, (_, i) => i / 7);
const cloud = {
  positions: data,
  dimensionality: 3,
  attributes: new Map([["heat", { data: data.slice(0, 10), channels: 1 }]]),
};
const options = { file: "FILE" };

const isOldMatlab = (bytes: Uint8Array) => isMatlab5(bytes) || isMatlab4(bytes);
const isClassic = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(0, 3)) === "CDF";

type Read = (bytes: Uint8Array) => unknown;
const readers: [string, Uint8Array[], Read, number][] = [
  [
    "safetensors",
    [saveSafetensors({ a: { shape: [10, 3], data } }, { b: "c" })],
    (b) => loadSafetensors(b, options),
    150,
  ],
  ["npy", [saveNpy({ shape: [10, 3], data }), ...found(".npy")], (b) => loadNpy(b, options), 150],
  ["npz", found(".npz"), (b) => loadNpz(b, options), 150],
  ["csv", [saveCsv(cloud), ...found(".csv")], (b) => loadCsv(b, options), 150],
  ["obj", [text("v 0 0 1\nv 1 2 3 1.0\nvt 0 1\nf 1/1 2/1 1/1\n")], (b) => loadObj(b, options), 150],
  ["off", found(".off"), (b) => loadOff(b, options), 100],
  ["pcd", found(".pcd"), (b) => loadPcd(b, options), 150],
  ["lammps", found(".dump"), (b) => readPointCloud(b, "FILE.dump", { attributes: ["id", "type"] }), 100],
  ["pdb", found(".pdb"), (b) => readPointCloud(b, "FILE.pdb", { attributes: ["element", "b_factor"] }), 100],
  ["las", found(".las"), (b) => readPointCloud(b, "FILE.las", { attributes: ["intensity", "scan_angle"] }), 150],
  ["laz", found(".laz"), (b) => loadLaz(b, options), 20],
  ["xyz", found(".xyzn"), (b) => readPointCloud(b, "FILE.xyz"), 100],
  ["atoms", found(".extxyz"), (b) => readPointCloud(b, "FILE.extxyz", { attributes: ["species", "odd"] }), 100],
  // Other .mat files are HDF5.
  ["matlab", found(".mat").filter(isOldMatlab), (b) => (isOldMatlab(b) ? loadMatlab(b, options) : []), 150],
  ["ply", found(".ply"), (b) => loadPly(b, options), 150],
  ["stl", found(".stl"), (b) => loadStl(b, options), 150],
  ["vtk", found(".vtk"), (b) => loadVtk(b, options), 150],
  ["vtu", found(".vtu"), (b) => loadVtu(b, options), 150],
  ["vtp", found(".vtp"), (b) => loadVtp(b, options), 150],
  ["gmsh", found(".msh"), (b) => loadGmsh(b, options), 300],
  ["gmsh points", found(".msh"), (b) => readPointCloud(b, "FILE.msh", { attributes: ["heat"] }), 150],
  ["pvd", [savePvd([{ file: "a.vtu" }, { file: "b.vtu", time: 1 }])], (b) => loadPvd(b, options), 100],
  ["torch", found(".pt", ".th"), (b) => torchTensors(loadTorch(b, options)), 150],
  [
    "tfrecord",
    found(".tfrecord"),
    (b) => [...readTfRecords(b, options)].map((record) => readExample(record, "FILE")),
    100,
  ],
  ["hdf5", found(".h5"), (b) => loadHdf5(b, options), 20],
  ["exodus", found(".ex2"), (b) => loadExodus(b, options), 150],
  ["vtkhdf", found(".vtkhdf"), (b) => loadVtkHdf(b, options), 20],
  // Other .nc files are HDF5.
  ["netcdf", found(".nc").filter(isClassic), (b) => (isClassic(b) ? loadHdf5(b, options) : []), 150],
];

it.each(readers)(
  "%s",
  async (name, seeds, read, short) => {
    expect(seeds.length).toBeGreaterThan(0);
    const attempt = async (bytes: Uint8Array) => {
      try {
        await read(bytes);
        return undefined;
      } catch (error) {
        if (error instanceof FormatError && String(error.details.file).startsWith("FILE")) return error.message;
        throw error;
      }
    };
    const { inputs, refused } = await fuzz({ name, seeds, short, attempt });
    // Much damage cannot be detected, such as changed values.
    expect(refused).toBeGreaterThan(inputs / 20);
  },
  2 ** 31 - 1,
);
