// Files of netCDF in all its kinds, which netCDF4, SciPy and xarray wrote (netcdf/make.py): the numbers are those that netCDF4 reads.
import assert from "node:assert/strict";
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

/** The numbers of the types of the format with 64-bit data, and their bytes in its order. */
const types = {
  char: [2, (text: string) => [...new TextEncoder().encode(text)]],
  float: [5, (value: number) => bytesOf(4, (view) => view.setFloat32(0, value))],
  double: [6, (value: number) => bytesOf(8, (view) => view.setFloat64(0, value))],
  int64: [10, (value: number) => bytesOf(8, (view) => view.setBigInt64(0, BigInt(value)))],
} as const;
function bytesOf(length: number, write: (view: DataView) => void): number[] {
  const bytes = new Uint8Array(length);
  write(new DataView(bytes.buffer));
  return [...bytes];
}
interface Values {
  type: keyof typeof types;
  values: readonly (string | number)[];
}

/** Writes one variable, with one attribute. */
function fileOf({ shape, ...stored }: Values & { shape: readonly number[] }, attribute: Values = stored): Uint8Array {
  const int = (value: number) => bytesOf(4, (view) => view.setUint32(0, value));
  const size = (value: number) => [...int(0), ...int(value)];
  const padded = (bytes: readonly number[]) => [...bytes, ...Array((4 - (bytes.length % 4)) % 4).fill(0)];
  const name = (text: string) => [...size(text.length), ...padded(types.char[1](text))];
  const typeOf = ({ type }: Values) => int(types[type][0]);
  const encode = ({ type, values }: Values) => values.flatMap((value) => types[type][1](value as never));
  const head = [
    ...[...types.char[1]("CDF"), 5, ...size(0), ...int(10), ...size(shape.length)],
    ...shape.flatMap((length, axis) => [...name(`axis${axis}`), ...size(length)]),
    ...[...int(0), ...size(0), ...int(11), ...size(1), ...name("v"), ...size(shape.length)],
    ...shape.flatMap((_, axis) => size(axis)),
    ...[...int(12), ...size(1), ...name("_FillValue"), ...typeOf(attribute), ...size(attribute.values.length)],
    ...[...padded(encode(attribute)), ...typeOf(stored), ...size(0)],
  ];
  return Uint8Array.from([...head, ...size(head.length + 8), ...encode(stored)]);
}

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

  it("has texts without the blanks and zeros behind them, and fill values that are of another type than its numbers", () => {
    const label = fileOf({ type: "char", shape: [2, 4], values: ["ab  ", "c\0\0\0"] }, { type: "char", values: [" "] });
    expect(readClassicNetcdf(label, { texts: () => true }).texts?.get("v")).toEqual({ shape: [2], texts: ["ab", "c"] });
    const filled = (of: Values, fill: Values) =>
      readClassicNetcdf(fileOf({ ...of, shape: [of.values.length] }, fill), {}).arrays.get("v")!;
    const single = filled({ type: "float", values: [1, -999.9] }, { type: "double", values: [-999.9] });
    expect([single.dtype, ...single.data]).toEqual(["F32", 1, Number.NaN]);
    const whole = filled({ type: "int64", values: [1, -2] }, { type: "double", values: [-2] });
    expect([whole.dtype, ...whole.data]).toEqual(["F64", 1, Number.NaN]);
    const none = filled({ type: "int64", values: [1, -2] }, { type: "double", values: [0.5] });
    expect([none.dtype, ...none.data]).toEqual(["I64", 1n, -2n]);
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
        assert.equal(
          data.length,
          shape.reduce((a, b) => a * b, 1),
        );
      }
    }
  });

  it("takes no more memory than the limits allow, though its variables claim the same bytes", () => {
    setLimits({ unpackedBytes: 30 });
    expect(() => readClassicNetcdf(read("scipy.nc"), { file: "a.nc" })).toThrow(/^a\.nc:step: .*limit unpackedBytes/);
  });
});
