// Attributes of points, and exchange of files with other programs. Files that these programs wrote are in foreign/ (make.py); files
// that are written here must be, byte for byte, those that foreign/check.py has had the programs read.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, InputError } from "../../src/errors.ts";
import { attributeNames } from "../../src/formats/attribute-names.ts";
import { atomFrames } from "../../src/formats/clouds/atoms.ts";
import { saveCsv } from "../../src/formats/clouds/csv.ts";
import { loadPly, savePly } from "../../src/formats/clouds/ply.ts";
import { loadNpy, saveNpy } from "../../src/formats/numpy/npy.ts";
import { loadNpz, saveNpz } from "../../src/formats/numpy/npz.ts";
import { type Attribute, type PointCloud, readPointCloud, writePointCloud } from "../../src/formats/pointcloud.ts";
import { loadVtk } from "../../src/formats/vtk/vtk.ts";
import { flips, readOrRefuse, text, truncations } from "./corruption.ts";

const foreign = (name: string) => readFileSync(new URL(`./foreign/${name}`, import.meta.url));
const positions = Float32Array.from({ length: 15 }, (_, i) => (i / 8) ** 2);
const one = (data: Float32Array): Attribute => ({ data, channels: 1 });
const pressure = one(Float32Array.of(0.5, -1.25, 3, 0, 1e-7));
const label = one(Float32Array.of(3, 1, 4, 1, 5));
const velocity = Float32Array.from({ length: 10 }, (_, i) => i - 4.5);
const padded = Float32Array.from({ length: 15 }, (_, i) => (i % 3 < 2 ? Math.floor(i / 3) * 2 + (i % 3) - 4.5 : 0));

describe("attributes of files of other programs", () => {
  it.each([
    ["numpy.npz", { pressure, velocity: { data: velocity, channels: 2 }, label }],
    ...[
      "pandas.csv",
      "pandas-commas.csv",
      "polars-commas.csv",
      "r-commas.csv",
      "pandas-utf16.csv",
      "pandas-utf16be.tsv",
    ].map((name): [string, Record<string, Attribute>] => [name, { "Druck p∞": pressure, label }]),
    ...["open3d.pcd", "pcl-ascii.pcd", "pcl-binary.pcd", "pcl-compressed.pcd"].map(
      (name): [string, Record<string, Attribute>] => [
        name,
        {
          normal_x: pressure,
          normal_y: label,
          red: label,
          blue: one(label.data.map((value) => 50 * value) as Float32Array),
        },
      ],
    ),
    ["open3d.xyzn", { column_4: pressure, column_5: label }],
    ...["ase.xyz", "obabel.xyz", "lammps.xyz"].map((name): [string, Record<string, Attribute>] => [
      name,
      { species: label },
    ]),
    [
      "ase.extxyz",
      {
        moment: { data: positions, channels: 3 },
        species: label,
        odd: one(Float32Array.of(1, 1, 0, 1, 1)),
        pressure,
      },
    ],
    ["meshio.ply", { label, pressure }],
    ["meshio-ascii.ply", { label, pressure }],
    ["meshio.vtk", { velocity: { data: padded, channels: 3 }, pressure, label }],
    ...["vtk-ascii-42.vtk", "vtk-ascii-51.vtk", "vtk-binary-42.vtk", "vtk-binary-51.vtk"].map(
      (name): [string, Record<string, Attribute>] => [
        name,
        {
          "Druck p∞": pressure,
          density: one(pressure.data.map((value) => 2 * value) as Float32Array),
          moment: { data: positions, channels: 3 },
          colours: { data: Float32Array.from({ length: 20 }, (_, i) => i), channels: 4 },
          label,
        },
      ],
    ),
    ["vtk-types-ascii.vtk", { label, pressure }],
    ["vtk-types-binary.vtk", { label, pressure }],
  ])("%s", (name, expected) => {
    const cloud = readPointCloud(foreign(name), name, { attributes: Object.keys(expected) });
    // VTK and LAMMPS write six digits in text, Open Babel five decimals.
    const decimals = /^vtk.*ascii|obabel|lammps/.test(name) ? 4 : 15;
    expect(cloud.dimensionality).toBe(3);
    cloud.positions.forEach((value, i) => expect(value).toBeCloseTo(positions[i], decimals));
    expect([...cloud.attributes!.keys()]).toEqual(Object.keys(expected));
    for (const [key, { data, channels }] of Object.entries(expected)) {
      expect(cloud.attributes!.get(key)!.channels, key).toBe(channels);
      cloud.attributes!.get(key)!.data.forEach((value, i) => expect(value).toBeCloseTo(data[i], decimals));
    }
    expect(readPointCloud(foreign(name), name).positions).toEqual(cloud.positions);
    expect(() => readPointCloud(foreign(name), name, { attributes: ["presure"] })).toThrow(
      `${name}: has no attribute "presure"; there are "`,
    );
  });

  it("names arrays of text and bits, which are no attributes, and the ends of files within them", () => {
    for (const name of ["vtk-types-ascii.vtk", "vtk-types-binary.vtk"]) {
      expect(() => readPointCloud(foreign(name), name, { attributes: ["names"] })).toThrow(
        `${name}: FIELD names: expected numbers, found an array of type string.`,
      );
      const whole = foreign(name);
      for (const bytes of [19_000, 20_150, whole.length - 20_060]) {
        expect(() => readPointCloud(whole.subarray(0, bytes), name, { attributes: ["label"] })).toThrow(FormatError);
      }
    }
  });

  it("tells files of atoms from tables of points, and refuses what they cannot hold", () => {
    const read = (name: string, lines: string[], attributes?: string[]) => () =>
      readPointCloud(text(...lines), name, { attributes });
    const atoms = ["2", "", "C 0 0 0 7", "ca 1 2 3 8"];
    expect(read("a.xyz", atoms, ["species", "column_5"])().attributes).toEqual(
      new Map([
        ["species", one(Float32Array.of(6, 20))],
        ["column_5", one(Float32Array.of(7, 8))],
      ]),
    );
    for (const table of [
      ["1", "0 1 2"],
      ["1", "x y z red", "0 1 2 4"],
      ["2", "// a b", "0 1 2 4", "1 1 2 4"],
    ]) {
      expect([...read("a.xyz", table)().positions.subarray(0, 3)]).toEqual([0, 1, 2]);
    }
    // A first row in which a point has no value names no columns.
    const missing = read("a.xyz", ["0 1 2 nan", "3 4 5 6"], ["column_4"])();
    expect(missing.positions).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
    expect(missing.attributes?.get("column_4")?.data).toEqual(Float32Array.of(Number.NaN, 6));
    expect(read("a.xyz", ["x y z nan", "0 1 2 3"], ["nan"])().attributes?.get("nan")?.data).toEqual(Float32Array.of(3));
    const comment =
      'Properties=species:S:1:pos:R:3 Lattice="1 0 0 0 1 0 0 0 1" energy=-1.5 dipole="1 2 3" pbc="T T T" id=a1';
    expect(read("a.xyz", ["2", comment, "C 0 0 0", "O 1 2 3"], ["energy", "dipole"])().attributes).toEqual(
      new Map([
        ["energy", one(Float32Array.of(-1.5, -1.5))],
        ["dipole", { data: Float32Array.of(1, 2, 3, 1, 2, 3), channels: 3 }],
      ]),
    );
    expect(attributeNames(text("1", comment, "C 0 0 0"), "a.xyz")).toEqual(["species", "energy", "dipole"]);
    expect(read("a.xyz", [...atoms, ...atoms])).toThrow(
      "a.xyz: line 5: more follows than the 2 atoms, such as a second frame",
    );
    expect(read("a.xyz", atoms.slice(0, 3))).toThrow("a.xyz: truncated: it should hold 2 atoms, found 1");
    expect(read("a.xyz", ["1", "", "Q 0 0 0"], ["species"])).toThrow(
      'line 3, species: expected a chemical element, found "Q"',
    );
    expect(read("a.xyz", ["1", "", "C 0 nan 0"])).toThrow('line 3, pos: expected a number, found "nan"');
    expect(read("a.xyz", ["1", "", "C 0 0"])).toThrow("line 3: expected 4 values, found 3");
    expect(read("a.extxyz", ["1000000000", "Properties=pos:R:3", "0 0 0"])).toThrow("holds 1000000000 atoms");
    expect(read("a.extxyz", ["1", "Properties=species:S", "C"])).toThrow("expected a name, a type (S, R, I or L)");
    expect(read("a.extxyz", ["1", 'Properties="force:R:3"', "0 0 0"])).toThrow("expected pos:R:3 among the Properties");
    expect(read("a.extxyz", ["x y z"])).toThrow('line 1, "x y z": expected the number of atoms');
  });

  it("finds the frames of a file of atoms, wherever it is divided into pieces", async () => {
    const frame = (count: number, comment = "") =>
      [`${count}`, comment, ...Array.from({ length: count }, (_, i) => `C 0 0 ${i}`), ""].join("\n");
    const framesOf = async (contents: string) => {
      const bytes = new TextEncoder().encode(contents);
      const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
      const frames = await atomFrames({ file: "a.xyz", size: bytes.length, read });
      return frames.map(({ offset, length }) => contents.slice(offset, offset + length));
    };
    // The first piece ends around the second frame's number of atoms.
    for (let length = 65_500; length < 65_540; length++) {
      const parts = [frame(2, "x".repeat(length - frame(2).length)), `  ${frame(12)}`, frame(1)];
      expect((await framesOf(parts.join(""))).map((part) => part.length)).toEqual(parts.map((part) => part.length));
    }
    const crlf = frame(1).replaceAll("\n", "\r\n");
    expect(await framesOf(`${crlf}${crlf}\r\n${frame(2).trim()}`)).toEqual([crlf, `${crlf}\r\n`, frame(2).trim()]);
    expect(await framesOf(`${frame(1)}more`), "what is no frame").toEqual([`${frame(1)}more`]);
    expect(await framesOf("2\n0 1 2\n"), "a table").toEqual([]);
  });

  it("does not take what is attached to cells for what is attached to points", () => {
    expect(() => readPointCloud(foreign("vtk-ascii-42.vtk"), "vtk", { attributes: ["pressure"] })).toThrow(
      'vtk: has no attribute "pressure"; there are "density", "moment", "label", "Druck p∞", "colours".',
    );
  });

  it.each([
    ["a.csv", text("1 2 3"), /a\.csv: has no attribute "p"; there are none/],
    [
      "a.csv",
      text("x,y,p", "1,2,", "3,4,5"),
      /row 2, column 3: "" is not a number, one of "p" is missing: fill the gap/,
    ],
    ["a.obj", text("v 1 2 3"), /there are none/],
    ["a.npy", saveNpy({ shape: [1, 3], data: Float32Array.of(1, 2, 3) }), /there are none/],
    [
      "a.npz",
      saveNpz({
        pos: { shape: [1, 3], data: new Float32Array(3) },
        p: { shape: [2], data: new Float32Array(2) },
      }),
      /a\.npz:p: expected the shape \[1\] or \[1, channels\], found \[2\]/,
    ],
    [
      "a.ply",
      text(
        ...["ply", "format ascii 1.0", "element vertex 1", "property float x", "property float y"],
        ...["property float p", "end_header", "1 2 nan"],
      ),
      /vertex 0 of 1: its p is not a finite number/,
    ],
    [
      "a.vtk",
      text("# vtk DataFile Version 3.0", "t", "ASCII", "DATASET POLYDATA", "POINTS 1 float", "1 2 3", "POINT_DATA 2"),
      /POINT_DATA is of 2 points, there are 1/,
    ],
  ])("%s that lacks them is refused", (name, bytes, message) => {
    expect(() => readPointCloud(bytes, name, { attributes: ["p"] })).toThrow(message);
    expect(() => readPointCloud(bytes, name, { attributes: ["p"] })).toThrow(FormatError);
  });

  it("survives every truncation and every flipped byte", () => {
    const attributes = ["colours", "density"];
    for (const name of ["vtk-ascii-42.vtk", "vtk-binary-51.vtk"]) {
      for (const bytes of [...truncations(foreign(name)), ...flips(foreign(name))]) {
        const file = readOrRefuse((input) => loadVtk(input, { attributes }), bytes);
        for (const { data, channels } of file?.attributes?.values() ?? []) {
          assert.equal(data.length, (channels * file!.positions.length) / 3);
        }
      }
    }
    for (const bytes of flips(foreign("meshio.ply"))) {
      const file = readOrRefuse((input) => loadPly(input, { attributes: ["pressure"] }), bytes);
      if (file)
        assert.equal(file.attributes!.get("pressure")!.data.length, file.positions.length / file.dimensionality);
    }
  });
});

describe("files for other programs", () => {
  const cloud: PointCloud = {
    positions,
    dimensionality: 3,
    attributes: new Map<string, Attribute>([
      ["out", { data: Float32Array.from({ length: 10 }, (_, i) => (i ** 3 - 20.5) / 3), channels: 2 }],
      ["batch_idx", { data: Int32Array.of(0, 0, 1, 1, 2), channels: 1 }],
      ["Druck, p∞", pressure],
    ]),
  };

  it.each(["csv", "ply", "vtk", "npz", "safetensors"])("written.%s, and back", (format) => {
    const bytes = writePointCloud(cloud, format);
    if (format !== "safetensors") expect(Buffer.from(foreign(`written.${format}`)).equals(bytes)).toBe(true);
    const names: Record<string, string[]> = {
      csv: ["out_0", "out_1", "batch_idx", "Druck, p∞"],
      ply: ["out_0", "out_1", "batch_idx", "Druck,_p∞"],
    };
    const attributes = names[format] ?? ["out", "batch_idx", "Druck, p∞"];
    const back = readPointCloud(bytes, format, { attributes });
    expect(back.positions).toEqual(positions);
    const written = cloud.attributes!.get("out")!.data;
    const out = back.attributes!.get("out")?.data;
    if (out) expect(out).toEqual(written);
    else expect(back.attributes!.get("out_1")!.data).toEqual(written.filter((_, i) => i % 2 === 1));
    expect([...back.attributes!.get("batch_idx")!.data]).toEqual([0, 0, 1, 1, 2]);
  });

  it("labels go into tables in place of their numbers, and no other object is taken for labels", () => {
    const ground = (labels: Attribute["labels"]) =>
      writePointCloud(
        { ...cloud, attributes: new Map([["label", { data: Int32Array.of(0, 1, 0, 1, -1), channels: 1, labels }]]) },
        "csv",
      );
    const labels = new Map([
      [0, "ground"],
      [1, 'a "tree"'],
    ]);
    const options = {
      attributes: ["label"],
      labels: new Map([
        [
          "label",
          new Map([
            ["ground", 0],
            ['a "tree"', 1],
            ["", -1],
          ]),
        ],
      ]),
    };
    expect(readPointCloud(ground(labels), "csv", options).attributes?.get("label")?.data).toEqual(
      Float32Array.of(0, 1, 0, 1, -1),
    );
    expect(() => ground(["ground"] as never)).toThrow(/the labels of attribute "label".* expected a Map by number/);
  });

  it("written.npy, and every type of element back", () => {
    const bytes = writePointCloud({ positions, dimensionality: 3 }, "npy");
    expect(Buffer.from(foreign("written.npy")).equals(bytes)).toBe(true);
    const arrays = {
      scalar: { shape: [], data: Float64Array.of(0.1) },
      long: { shape: [2, 1], data: BigInt64Array.of(1n, -2n) },
      byte: { shape: [3], data: Uint8Array.of(1, 2, 255) },
      flags: { shape: [2], data: Uint8Array.of(1, 0), dtype: "BOOL" as const },
      halves: { shape: [1], data: Uint16Array.of(0x3800), dtype: "F16" as const },
    };
    for (const [name, array] of Object.entries(arrays)) expect(loadNpy(saveNpy(array)), name).toMatchObject(array);
    expect([...loadNpz(saveNpz(arrays)).keys()]).toEqual(Object.keys(arrays));
    expect(() => saveNpy({ shape: [1], data: Uint16Array.of(1), dtype: "BF16" })).toThrow(/NumPy has no BF16/);
  });

  it("numbers of a table are read as the same float32", () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(float, float), { minLength: 1 }), (points) => {
        const data = Float32Array.from(points.flat(), (value) => value + 0); // text does not tell -0 from 0
        expect(readPointCloud(saveCsv({ positions: data, dimensionality: 2 }), "csv").positions).toEqual(data);
      }),
    );
    const odd = { positions: Float32Array.of(0.1, 1 / 3), dimensionality: 2, attributes: new Map() };
    odd.attributes.set("p", one(Float32Array.of(Number.NaN)));
    expect(new TextDecoder().decode(saveCsv(odd))).toBe("x,y,p\n0.1,0.33333334,nan\n");
    // As numpy.savetxt and pandas write them.
    const table = "x y p\n1 2 nan\n3 4 -inf\n5 6 Infinity\n7 8 9\n";
    const read = readPointCloud(new TextEncoder().encode(table), "csv", { attributes: ["p"] });
    expect(read.attributes?.get("p")?.data).toEqual(Float32Array.of(Number.NaN, -Infinity, Infinity, 9));
    expect(() => readPointCloud(new TextEncoder().encode("x,y\n1,nan\n"), "csv")).toThrow('row 2, column 2: "nan"');
  });

  it("points in the plane get a z in .ply", () => {
    expect(loadPly(savePly({ positions: Float32Array.of(1, 2), dimensionality: 2 })).positions).toEqual(
      Float32Array.of(1, 2, 0),
    );
  });

  it.each([
    ["a.stl", cloud, FormatError, /"stl"; known are \.safetensors, \.npy, \.npz, \.ply, \.vtk, \.vtu, \.vtp, \.csv/],
    ["a.obj", cloud, FormatError, /"obj"; known are/],
    ["a.npy", cloud, InputError, /no room for "out"/],
    ["a.csv", { ...cloud, attributes: new Map([["x", pressure]]) }, InputError, /called "x"/],
    ["a.ply", { ...cloud, attributes: new Map([["p", { ...pressure, channels: 2 }]]) }, InputError, /attribute "p"/],
    ["a.ply", { ...cloud, positions: [1, 2, 3] as never }, InputError, /positions must be a Float32Array/],
  ])("%s: what cannot be written is refused", (name, wrong, type, message) => {
    expect(() => writePointCloud(wrong, name)).toThrow(message);
    expect(() => writePointCloud(wrong, name)).toThrow(type);
  });
});
