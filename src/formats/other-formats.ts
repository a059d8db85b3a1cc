// What is said of files in formats that are not read.

import { torchExtensions } from "./extension.ts";

/** The extensions of files that hold no points but refer to other files that do. */
export const headFormats: readonly string[] = ["pvtu", "pvtp", "pvti", "pvtr", "pvts"];

/** The extensions of files that list blocks, each of which may be in a file of its own. */
export const blockFormats: readonly string[] = ["vtm", "vtmb"];

/** What files of other formats are, and how to convert them, by their extensions. */
const others: readonly (readonly [extensions: readonly string[], advice: string])[] = [
  [["e57"], "a point cloud of another format: convert it by CloudCompare or PDAL (pdal translate IN OUT.las)"],
  [
    ["gro", "cif", "cfg", "traj"],
    "of atoms in another format: convert it by ASE in Python (ase convert IN out.extxyz)",
  ],
  [
    ["fits", "fit"],
    "a table of astronomy: convert it by astropy in Python (t = Table.read(IN), then numpy.savez(OUT, **{c: t[c] for c in t.colnames}))",
  ],
  [["txt", "dat"], "text: if it is a table, save it as .csv, or as .xyz if its columns have no names"],
  [
    ["glb", "gltf", "3mf", "dae", "fbx"],
    'a mesh of another format: convert it by trimesh in Python (trimesh.load(IN, force="mesh").export("out.ply"))',
  ],
  [
    "inp cgns med bdf nas su2 ugrid unv tec plt case foam".split(" "),
    "a mesh of another format: convert it by meshio (meshio convert IN OUT.vtu) or ParaView",
  ],
  [
    ["xdmf", "xmf"],
    "a description of arrays, most of which lie in .h5 files beside it: convert it by ParaView or meshio (meshio convert IN OUT.vtu)",
  ],
  [
    ["obj", "off", "stl"],
    "a surface without fields: save it with them, or for a model without inputs, as .ply (meshio convert IN OUT.ply)",
  ],
  [torchExtensions, "a file of PyTorch: save its arrays by safetensors.torch.save_file, or by numpy.savez"],
  [["npy"], 'an array without a name: save all arrays of a sample by numpy.savez ("positions" are its points)'],
  [["zarr"], "a folder of arrays: save them by numpy.savez, or by xarray in Python (open_zarr(IN).to_netcdf(OUT))"],
  [headFormats, "the head of a mesh in pieces: join them in ParaView, and save a .vtu"],
  [blockFormats, "a list of blocks: join them in ParaView (Merge Blocks), and save a .vtu"],
  [["series", "pvd"], "a list of the files of a sequence: read these"],
  [["gz", "bz2", "xz", "zst", "zip", "7z"], "compressed: unpack it first"],
  [
    ["parquet", "feather", "arrow", "xlsx", "xls"],
    "a table of another format: convert it by pandas in Python (read_parquet, read_feather or read_excel, then to_csv)",
  ],
  [["pkl", "pickle"], "a pickle of Python, which may run any program: save the arrays by numpy.savez"],
];

/** Returns what a file is whose format is not read, with how to convert it; undefined if it has none of the usual extensions. */
export const adviceFor = (extension: string): string | undefined =>
  others.find(([extensions]) => extensions.includes(extension))?.[1];

/**
 * Says that a file's format is not known, or that it is not read, with how to convert it.
 * @param extension without a dot
 * @param known the extensions that can be read, with their dots
 */
export function unknownFormat(extension: string, known: readonly string[]): string {
  const advice = adviceFor(extension);
  return advice ? `is ${advice}; ${knownAre(known)}` : noFormat(extension, known);
}

/** Says that an extension is not among those that are known. */
export const noFormat = (extension: string, known: readonly string[]): string =>
  `cannot tell the format by the extension "${extension}"; ${knownAre(known)}`;

const knownAre = (known: readonly string[]) => `known are ${known.join(", ")}.`;
