// erwin info: what it says of files of other programs, and how often it reads a file.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import { Arguments } from "../../src/cli/command.ts";
import { info } from "../../src/cli/commands/info.ts";

import { readSamples } from "../../src/cli/info/arrays.ts";
import { describeFolder, describeSamples } from "../../src/cli/info/describe.ts";
import { temporaryFolder } from "./command.ts";

afterEach(() => vi.restoreAllMocks());

const formats = fileURLToPath(new URL("../formats", import.meta.url));
const summaryOf = async (bytes: Uint8Array, file: string) => describeSamples(file, await readSamples(bytes, file));

it("counts numbers over all samples, in half precision too, and knows no size along axes on which they differ", () => {
  const array = (dtype: "F32" | "F16", shape: number[], ...data: number[]) =>
    new Map([["a", { dtype, shape, data: dtype === "F16" ? Uint16Array.from(data) : Float32Array.from(data) }]]);
  const summary = (...samples: ReturnType<typeof array>[]) => describeSamples("a.npz", { samples }).arrays[0];
  const numbers = { min: 1, max: 4, mean: 2.5, nan: 1, infinite: 1 };
  const [first, second] = [
    array("F32", [2, 2], 1, 4, Number.NaN, 4),
    array("F32", [1, 2], 1, Number.POSITIVE_INFINITY),
  ];
  expect(summary(first, second)).toEqual({ name: "a", dtype: "F32", shape: [null, 2], ...numbers });
  expect(summary(first, array("F32", [1], 1)).shape).toEqual([null]);
  const half = array("F16", [3], 0x3c00, 0xc000, 0x7e00);
  expect(summary(half)).toMatchObject({ min: -2, max: 1, mean: -0.5, nan: 1, infinite: 0 });
});

it("says of which type elements of VTK's legacy files and of LAS are, as their programs wrote them", async () => {
  const typesOf = async (name: string) => {
    const { arrays } = await summaryOf(new Uint8Array(readFileSync(join(formats, name))), name);
    return Object.fromEntries(arrays.map(({ name, dtype }) => [name, dtype]));
  };
  for (const name of ["vtk-types-ascii.vtk", "vtk-types-binary.vtk"]) {
    expect(await typesOf(join("foreign", name)), name).toEqual({
      ...{
        positions: "F32",
        density: "F32",
        moment: "F32",
        label: "I32",
        "Druck p∞": "F32",
        colours: "U8",
        pressure: "F32",
      },
    });
  }
  for (const name of ["vtk-doubles-ascii.vtk", "vtk-doubles-binary.vtk"]) {
    expect(await typesOf(join("foreign", name)), name).toEqual({ positions: "F64", sst: "F64", id: "I64" });
  }
  const meshes = join("cells", "sphere.vtp");
  const { leftOut } = await summaryOf(new Uint8Array(readFileSync(join(formats, meshes))), meshes);
  expect(Object.keys(leftOut ?? {})).toEqual(["p", "U"]);
  expect(leftOut?.p).toContain("values of cells");
  expect(await typesOf(join("foreign", "meshio.vtk"))).toMatchObject({ positions: "F32", label: "I32" });
  expect(await typesOf(join("las", "1.4-format-6.las"))).toMatchObject({
    ...{ positions: "F64", intensity: "U16", classification: "U8", scan_angle: "F64", gps_time: "F64" },
  });
});

it("counts the empty cells of a table's columns of numbers, as pandas writes them, as NaN", async () => {
  const { arrays, leftOut } = await summaryOf(
    new TextEncoder().encode("x,y,z,a_x,kind\n0,0,0,0.5,heavy\n1,2,3,,light\n4,5,6,1.5,light\n"),
    "a.csv",
  );
  expect(arrays[1]).toEqual({
    name: "a_x",
    shape: [3],
    dtype: "F32",
    min: 0.5,
    max: 1.5,
    mean: 1,
    nan: 1,
    infinite: 0,
  });
  expect(leftOut).toEqual({ kind: 'row 2, column 5: "heavy" is not a number' });
});

it("counts the samples of a folder, and not the lists of its splits", async () => {
  const { path, remove } = temporaryFolder();
  for (const name of ["a.vtp", "b.vtu", "train.txt", "notes.md"]) writeFileSync(path(name), "");
  const { samples, files } = await describeFolder(path(""));
  remove();
  expect({ samples, files }).toEqual({ samples: 2, files: { vtp: 1, vtu: 1, txt: 1, md: 1 } });
});

it("unpacks a LAZ file once", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const instantiate = vi.spyOn(WebAssembly, "instantiate");
  const file = fileURLToPath(new URL("../formats/laz/walk.laz", import.meta.url));
  await info.run(Arguments.parse(info, [file]));
  expect(instantiate).toHaveBeenCalledTimes(1);
  const printed = log.mock.calls.join("\n");
  expect(printed).toContain("400 points in 3 dimensions");
  expect(printed).toMatch(/^ *intensity +U16 +\[400\] /m);
});
