// Files of netCDF in all its kinds, which netCDF4, SciPy and xarray wrote (netcdf/make.py): the numbers are those that netCDF4 reads.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readCloud } from "../../src/cli/clouds.ts";
import { readHdf5 } from "../../src/formats/hdf5/lazy.ts";
import { readClassicNetcdf } from "../../src/formats/netcdf/classic.ts";
import { setLimits } from "../../src/limits.ts";
import { flips, readOrRefuse, truncations } from "./corruption.ts";

afterEach(() => setLimits({}));

const folder = join(import.meta.dirname, "netcdf");
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const expected: Record<string, Record<string, { shape: number[]; values: string[] }>> = JSON.parse(
  readFileSync(join(folder, "expected.json"), "utf8"),
);
const classic = Object.keys(expected).filter((name) => name !== "packed-hdf5.nc");

describe("a file of netCDF", () => {
  it.each(Object.keys(expected))("%s has the numbers that netCDF4 reads", async (name) => {
    const { arrays } = await readHdf5(read(name), { file: name });
    const found = [...arrays].map(([variable, { shape, data }]) => {
      return [variable, { shape, values: Array.from<number | bigint>(data).map((value) => Number(value)) }] as const;
    });
    const values = Object.entries(expected[name]).map(([variable, one]) => {
      return [variable, { shape: one.shape, values: one.values.map((value) => Number.parseFloat(value)) }] as const;
    });
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(values));
  });

  it("keeps the precision in which its numbers are packed, and names what it leaves out", async () => {
    const { arrays, leftOut } = await readHdf5(read("packed-hdf5.nc"));
    const types = Object.fromEntries([...arrays].map(([name, { dtype }]) => [name, dtype]));
    expect(types).toMatchObject({ single: "F32", mixed: "F64", wide: "F64", bytes: "F32", long: "F64" });
    expect([...leftOut.keys()]).toEqual(["unclear"]);
    expect(leftOut.get("unclear")).toMatch(/^data packed by scale_factor, which should be one number each: write it/);
    const text = await readHdf5(read("scipy.nc"));
    expect(Object.fromEntries(text.leftOut)).toEqual({ name: "text" });
    await expect(readHdf5(read("scipy.nc"), { file: "a.nc", only: ["steps"] })).rejects.toThrow(
      'a.nc: holds no variable "steps", but name, weight, step.',
    );
    await expect(readHdf5(read("scipy.nc"), { only: ["name"] })).rejects.toThrow(/:name: holds no numbers .* text/);
    expect([...(await readHdf5(new Blob([read("scipy.nc")]), { only: ["step"] })).arrays.keys()]).toEqual(["step"]);
  });

  it("has the numbers in the attributes that its author gave it, and none of the library's own", async () => {
    const { arrays, attributes } = await readHdf5(read("classic-model.nc4"));
    expect([[...arrays.keys()], [...attributes!].map(([name, { data }]) => [name, ...data])]).toEqual([
      ["p"],
      [["mach", 0.8]],
    ]);
  });

  it("of which a crash left the number of records open holds as many as there are", () => {
    const closed = read("records.nc");
    const open = closed.slice();
    open.fill(0xff, 4, 8);
    expect(readClassicNetcdf(open, {})).toEqual(readClassicNetcdf(closed, {}));
    // Half a record is none, and a file that ends before its first record has none.
    const steps = (bytes: Uint8Array) => readClassicNetcdf(bytes, {}).arrays.get("time")!.shape[0];
    expect(steps(open.subarray(0, -1))).toBe(steps(closed) - 1);
  });

  it("that is not HDF5 is an input, too", async () => {
    await expect(readCloud(read("records.nc"), "run.nc")).rejects.toThrow(
      /^run\.nc: holds no array named .*, but time, coordinates, label, empty\.$/,
    );
  });

  it.each(classic)("%s gives whole arrays or a FormatError where it is damaged", (name) => {
    const bytes = read(name);
    for (const damaged of [...truncations(bytes), ...flips(bytes, bytes.length, [0x01, 0x80, 0xff])]) {
      const found = readOrRefuse((content) => readClassicNetcdf(content, { file: name }), damaged);
      for (const { shape, data } of found?.arrays.values() ?? []) {
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      }
    }
  });

  it("takes no more memory than the limits allow, though its variables claim the same bytes", () => {
    setLimits({ unpackedBytes: 30 });
    expect(() => readClassicNetcdf(read("scipy.nc"), { file: "a.nc" })).toThrow(/^a\.nc:step: .*limit unpackedBytes/);
  });
});
