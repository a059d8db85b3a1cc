// Arrays added to files that other programs wrote: everything else stays, and the same programs can read the result
// (test/formats/added/check.py).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError, InputError } from "../../src/errors.ts";
import { addArrays } from "../../src/formats/add-arrays.ts";
import type { SafeTensorInput } from "../../src/formats/bytes/elements.ts";
import { fromLatin1 } from "../../src/formats/bytes/text.ts";
import { linesOf } from "../../src/formats/clouds/csv-lines.ts";
import { openZip } from "../../src/formats/compression/zip.ts";
import { loadNpz } from "../../src/formats/numpy/npz.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { loadSafetensors, saveSafetensors } from "../../src/formats/safetensors/safetensors.ts";
import { loadVtk } from "../../src/formats/vtk/vtk.ts";
import { concat, readOrRefuse, truncations } from "./corruption.ts";

const read = (name: string) => new Uint8Array(readFileSync(new URL(`added/${name}`, import.meta.url)));
const flux = Float32Array.from({ length: 8 }, (_, i) => (i ** 3 - 20.5) / 3);
const added = new Map<string, SafeTensorInput>([
  ["prediction flux", { shape: [4, 2], data: flux }],
  ["guess", { shape: [4], data: Int32Array.of(-7, 0, 2 ** 30, 1) }],
]);
const files = [
  "ascii.vtk",
  "binary.vtk",
  "points.vtk",
  "cells.vtk",
  "binary.ply",
  "ascii.ply",
  "numpy.npz",
  "numpy.csv",
];

/** Returns the contents of a file, by the reader of its format. */
function contents(bytes: Uint8Array, name: string, attributes: readonly string[]) {
  return readPointCloud(bytes, name, { attributes });
}

describe.each(files)("%s", (name) => {
  const before = read(name);
  const after = addArrays(before, added, name);

  it("has the arrays, and all that it had", () => {
    const isTable = /ply|csv$/.test(name);
    const called = name.endsWith("ply") ? "prediction_flux" : "prediction flux";
    const names = isTable ? [`${called}_0`, `${called}_1`, "guess"] : ["prediction flux", "guess"];
    const found = contents(after, name, names).attributes!;
    const flat = isTable
      ? Array.from(flux, (_, i) => found.get(names[i % 2])!.data[i >> 1])
      : [...found.get("prediction flux")!.data];
    expect(flat).toEqual([...flux]);
    expect([...found.get("guess")!.data]).toEqual([-7, 0, 2 ** 30, 1]);
    const old = name === "cells.vtk" ? [] : ["pressure"];
    expect(contents(after, name, old)).toEqual(contents(before, name, old));
    if (name.endsWith("vtk")) {
      const [was, is] = [before, after].map((bytes) => loadVtk(bytes));
      expect([is.cells, is.cellTypes]).toEqual([was.cells, was.cellTypes]);
    }
  });

  it("is what other programs were shown to read", () => {
    expect(Buffer.from(read(`written-${name}`)).equals(after)).toBe(true);
  });

  it("refuses arrays of other points, and damaged files", () => {
    const short = new Map([["p", { shape: [3], data: new Float32Array(3) }]]);
    if (!name.endsWith("npz")) expect(() => addArrays(before, short, name)).toThrow(InputError);
    for (const bytes of truncations(before)) {
      readOrRefuse((part) => {
        try {
          return addArrays(part, added, name);
        } catch (error) {
          // A truncated table is still a table, with fewer rows.
          if (error instanceof InputError && name.endsWith("csv")) return undefined;
          throw error;
        }
      }, bytes);
    }
  });
});

it("keeps what is no array of numbers in an archive, and replaces what has the name", () => {
  const once = addArrays(read("numpy.npz"), added, "numpy.npz");
  const twice = addArrays(once, new Map([["guess", { shape: [4], data: new Float32Array(4) }]]), "numpy.npz");
  const entry = (bytes: Uint8Array) =>
    openZip(bytes, "npz")
      .find(({ name }) => name === "names.npy")!
      .read();
  expect(entry(twice)).toEqual(entry(read("numpy.npz")));
  expect([...loadNpz(twice, { only: ["guess"] }).get("guess")!.data]).toEqual([0, 0, 0, 0]);
});

const ply = (properties: string, row: string) => [
  ...[
    "ply\nformat ascii 1.0\ncomment ",
    Uint8Array.of(0x84),
    " Ä\nelement vertex 1\nproperty float x\nproperty float y\n",
  ],
  `${properties}end_header\n${row}\n`,
];
it.each([
  ["a.ply", ply("", "1 2"), ply("property float température\n", "1 2 4")],
  [
    "a.csv",
    ["\ufeffx,y,T ", Uint8Array.of(0xb0), "C\n1,2,3\n"],
    ["\ufeffx,y,T ", Uint8Array.of(0xb0), "C,température\n1,2,3,4\n"],
  ],
  ["b.csv", ["x y ", Uint8Array.of(0x84), "\n1 2 3\n"], ["x y ", Uint8Array.of(0x84), " température\n1 2 3 4\n"]],
])("%s: bytes of any encoding stay, and what is added is UTF-8", (file, before, expected) => {
  const column = new Map([["température", { shape: [1], data: Float32Array.of(4) }]]);
  expect(addArrays(concat(...before), column, file)).toEqual(concat(...expected));
});

it("names in a .vtk are found again, whatever signs they have", () => {
  const names = ["a%41", "50 %", '"b"', "&", "größe"];
  const arrays = new Map(names.map((name, i) => [name, { shape: [4], data: new Float32Array(4).fill(i) }]));
  const after = addArrays(read("ascii.vtk"), arrays, "a.vtk");
  const { attributes } = readPointCloud(after, "a.vtk", { attributes: names });
  expect(names.map((name) => attributes!.get(name)!.data[0])).toEqual([0, 1, 2, 3, 4]);
});

it("adds more numbers to a .vtk of text than are encoded at once", () => {
  const count = 70_000;
  const head = `# vtk DataFile Version 4.2\nt\nASCII\nDATASET POLYDATA\nPOINTS ${count} float\n`;
  const before = new TextEncoder().encode(head + "0 1 2\n".repeat(count));
  const data = Float32Array.from({ length: 2 * count }, (_, i) => i / 7);
  const after = addArrays(before, new Map([["flow", { shape: [count, 2], data }]]), "a.vtk");
  expect(new TextDecoder().decode(after.subarray(before.length, before.length + 100))).toMatch(
    /^\nPOINT_DATA 70000\nFIELD FieldData 1\nflow 2 70000 float\n0 0\.142857\d*\n/,
  );
  expect(readPointCloud(after, "a.vtk", { attributes: ["flow"] }).attributes?.get("flow")).toEqual({
    data,
    channels: 2,
  });
});

it("leaves arrays out of .npz and .safetensors, where others keep them", () => {
  const without = ["pressure"];
  const archive = loadNpz(addArrays(read("numpy.npz"), added, "numpy.npz", { without }));
  expect(archive.has("pressure")).toBe(false);
  expect([...archive.get("guess")!.data]).toEqual([-7, 0, 2 ** 30, 1]);
  const one = { shape: [1], data: Float32Array.of(1) };
  const file = saveSafetensors({ pressure: one, speed: one }, { note: "kept" });
  const { tensors, metadata } = loadSafetensors(addArrays(file, new Map(), "a.safetensors", { without }));
  expect([[...tensors.keys()], metadata]).toEqual([["speed"], { note: "kept" }]);
  expect(addArrays(read("numpy.csv"), added, "numpy.csv", { without })).toEqual(
    addArrays(read("numpy.csv"), added, "numpy.csv"),
  );
});

it("names a column that is there, or a kind of file that takes none", () => {
  const again = addArrays(read("numpy.csv"), added, "a.csv");
  expect(() => addArrays(again, added, "a.csv")).toThrow(/has a column "prediction flux_0" already/);
  expect(() => addArrays(read("ascii.ply"), new Map([["label", added.get("guess")!]]), "a.ply")).toThrow(
    /"label" already/,
  );
  expect(() => addArrays(read("ascii.vtk"), new Map([["label", added.get("guess")!]]), "a.vtk")).toThrow(
    /"label" already/,
  );
  expect(() => addArrays(new Uint8Array(3), added, "a.stl")).toThrow(FormatError);
});

it.each([[[]], [[2, 2, 1]]])("names an array of shape %j, which holds no rows of components", (shape) => {
  const data = new Float32Array(shape.length === 0 ? 1 : 4);
  for (const name of ["ascii.vtk", "ascii.ply", "numpy.csv"]) {
    const add = () => addArrays(read(name), new Map([["p", { shape, data }]]), name);
    expect(add, name).toThrow(/array "p" is of shape .*, expected \[n\] or \[n, components\]/);
  }
});

it.each([
  ["a table without names gets them", "0 0\n1 0\n1 1\n0 1\n", "x y p\n0 0 1\n1 0 2\n1 1 3\n0 1 4\n"],
  [
    "lines keep their ends and comments",
    "# a\r\nx;y\r\n0;0\r\n\r\n1;0\r\n1;1\r\n# b\r\n0;1",
    "# a\r\nx;y;p\r\n0;0;1\r\n\r\n1;0;2\r\n1;1;3\r\n# b\r\n0;1;4",
  ],
  ["decimals stand behind commas", "x;y\n0,5;0\n1;0\n1;1\n0;1\n", "x;y;p\n0,5;0;1,5\n1;0;2\n1;1;3\n0;1;4\n"],
  [
    "but not where numbers have points",
    "x;y;t\n0.5;0;1,5\n1;0;2\n1;1;3\n0;1;4\n",
    "x;y;t;p\n0.5;0;1,5;1.5\n1;0;2;2\n1;1;3;3\n0;1;4;4\n",
  ],
  [
    "quoted cells may go over several lines",
    'x,y,"a\nb"\n0,0,"c\n\n"\n1,0,""\n1,1,"""\n# d"\n0,1,e"\n',
    'x,y,"a\nb",p\n0,0,"c\n\n",1\n1,0,"",2\n1,1,"""\n# d",3\n0,1,e",4\n',
  ],
])("%s", (_, text, expected) => {
  const column = new Map([["p", { shape: [4], data: Float32Array.of(text.includes("5") ? 1.5 : 1, 2, 3, 4) }]]);
  const after = addArrays(new TextEncoder().encode(text), column, "a.csv");
  expect(new TextDecoder().decode(after)).toBe(expected);
  expect([...readPointCloud(after, "a.csv", { attributes: ["p"] }).attributes!.get("p")!.data]).toEqual([
    ...column.get("p")!.data,
  ]);
});

it("the lines of a table are the same in whatever pieces it is decoded", () => {
  const text = new TextEncoder().encode('x,y\r\n1,2\n\n3,4\r5,"6\r\n"\r\r\näö\n7,8');
  const lines = fromLatin1(text).split(/(?<=\n|\r(?!\n))/);
  expect(lines).toHaveLength(9);
  for (let piece = 1; piece <= text.length; piece++)
    expect([...linesOf(text, "a.csv", piece)], `${piece}`).toEqual(lines);
  expect([...linesOf(text.subarray(0, 4), "a.csv", 2)]).toEqual(["x,y\r"]);
});
