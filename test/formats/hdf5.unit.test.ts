// HDF5 files that h5py wrote (hdf5/make.py), one that h5py has read, and those of the golden experiments.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { readCloud } from "../../src/cli/clouds.ts";
import { FormatError, InputError } from "../../src/errors.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import { type SafeTensor, toFloat32 } from "../../src/formats/bytes/elements.ts";
import { loadHdf5, readHdf5, saveHdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { withLibrary } from "../../src/formats/hdf5/library.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "hdf5", name));

function plain(tensor: SafeTensor | undefined) {
  return tensor && { dtype: tensor.dtype, shape: tensor.shape, data: [...tensor.data] };
}

describe("an HDF5 file", () => {
  it("holds numbers of every type, in groups, packed and unpacked", async () => {
    const arrays = await loadHdf5(read("values.h5"));
    expect(plain(arrays.get("position"))).toEqual({
      dtype: "F32",
      shape: [4, 2, 3],
      data: Array.from({ length: 24 }, (_, i) => i / 8),
    });
    expect(plain(arrays.get("packed"))?.data).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect(plain(arrays.get("checked"))).toEqual({
      dtype: "I16",
      shape: [50],
      data: Array.from({ length: 50 }, (_, i) => i),
    });
    expect(plain(arrays.get("big_endian"))).toEqual({ dtype: "F64", shape: [2], data: [1.5, -2] });
    expect(plain(arrays.get("big_integers"))).toEqual({ dtype: "I32", shape: [2], data: [300, -2] });
    expect([...toFloat32(arrays.get("halves") as SafeTensor)]).toEqual([0.5, -2]);
    expect(plain(arrays.get("counts"))).toEqual({ dtype: "I64", shape: [2], data: [2n ** 62n, -1n] });
    expect(plain(arrays.get("unsigned"))).toEqual({ dtype: "U32", shape: [2], data: [2 ** 32 - 1, 1] });
    expect(plain(arrays.get("flags"))).toEqual({ dtype: "BOOL", shape: [2], data: [1, 0] });
    expect(plain(arrays.get("scalar"))).toEqual({ dtype: "F32", shape: [], data: [0.25] });
    expect(plain(arrays.get("empty"))).toEqual({ dtype: "F32", shape: [0, 3], data: [] });
    expect(plain(arrays.get("group/inner/position"))).toEqual({ dtype: "F64", shape: [3], data: [0, 1, 2] });
    for (const name of ["text", "names"]) expect(arrays.has(name), name).toBe(false);
  });

  it("may be of HDF5's latest layout", async () => {
    const arrays = await loadHdf5(read("latest.h5"));
    expect(plain(arrays.get("position"))).toEqual({ dtype: "F32", shape: [2, 3], data: [0, 1, 2, 3, 4, 5] });
  });

  it("whose numbers are a plugin compressed is not called damaged, and packed ones are unpacked", async () => {
    const { arrays, leftOut } = await readHdf5(read("plugins.h5"));
    expect([...arrays.keys()]).toEqual(["packed", "positions"]);
    expect(plain(arrays.get("packed"))).toEqual({ dtype: "F64", shape: [2], data: [1, 1.3] });
    expect(leftOut.get("bitshuffle")).toMatch(/^data compressed by filter 32008: write it again compressed by gzip/);
    const asked = loadHdf5(read("plugins.h5"), { file: "flow.h5", only: ["bitshuffle"] });
    await expect(asked).rejects.toThrow(
      /^flow\.h5:bitshuffle: holds data compressed by .*, which is not read: write it/,
    );
  });

  it("is read where netCDF4, PyTables and h5py compressed it by plugins, but for Blosc's zlib, Blosc2 and bzip2", async () => {
    const grid = Array.from({ length: 600 }, (_, i) => i / 8);
    const found: Record<string, string[]> = {};
    const others: Record<string, unknown> = {};
    // Together, so that one needs the filters while they are loaded for the other.
    const files = ["filters.nc", "filters.h5", "lz4.h5"].map(
      async (name) => [name, await readHdf5(read(name))] as const,
    );
    for (const [name, { arrays, leftOut }] of await Promise.all(files)) {
      for (const [path, array] of arrays)
        expect(plain(array), path).toEqual({ dtype: "F64", shape: [20, 30], data: grid });
      found[name] = [...arrays.keys()];
      others[name] = Object.fromEntries(leftOut);
    }
    expect(found).toEqual({
      "filters.nc": ["blosc_lz", "blosc_lz4", "blosc_zstd", "zstd"],
      "filters.h5": ["blosc", "blosc_zstd"],
      "lz4.h5": ["lz4"],
    });
    expect(others).toEqual({
      "filters.nc": {
        blosc_zlib: expect.stringMatching(/^data compressed by blosc by zlib: write it again/),
        bzip2: expect.stringMatching(/^data compressed by bzip2: write it again/),
      },
      "filters.h5": {
        blosc2: expect.stringMatching(/^data compressed by blosc2: write it again/),
        bzip2: expect.stringMatching(/^data compressed by bzip2: write it again/),
      },
      "lz4.h5": {},
    });
  });

  it("with a table and its index gives the table's columns and the other arrays", async () => {
    const { arrays, leftOut } = await readHdf5(read("tables.h5"));
    expect([...arrays.keys()]).toEqual(["frame/table/index", "frame/table/p", "packed", "positions"]);
    expect(leftOut.size).toBe(0);
    await expect(loadHdf5(read("tables.h5"), { file: "a.h5", only: ["frame/table"] })).rejects.toThrow(
      /^a\.h5:frame\/table: holds no numbers, but compounds, as tables are: each .* such as "frame\/table\/index"\.$/,
    );
  });

  it("has an array for each member of compounds that is a number or several", async () => {
    const { arrays, leftOut } = await readHdf5(read("compounds.h5"));
    const range = (length: number) => Array.from({ length }, (_, i) => i);
    const positions = { dtype: "F64", shape: [4, 3], data: range(12).map((i) => i / 8) };
    const id = { dtype: "U8", shape: [4], data: [1, 2, 3, 255] };
    expect(Object.fromEntries([...arrays].map(([name, array]) => [name, plain(array)]))).toEqual({
      "group/particles/id": id,
      "group/particles/pos": positions,
      "group/particles/mass": { dtype: "F32", shape: [4], data: [0.5, -1, 2, 3] },
      "group/particles/spin": { dtype: "I16", shape: [4, 2, 2], data: range(16).map((i) => i - 8) },
      "group/particles/flag": { dtype: "BOOL", shape: [4], data: [1, 0, 0, 1] },
      "group/particles/kind": { dtype: "I16", shape: [4], data: [0, 300, 300, 0] },
      "group/particles/last": { dtype: "F16", shape: [4], data: [0x3800, 0xc000, 0, 0x3c00] },
      "packed/id": id,
      "packed/pos": positions,
      "none/pos": { dtype: "F64", shape: [0, 3], data: [] },
      "one/mass": { dtype: "F32", shape: [], data: [-1] },
      "wave/r": { dtype: "F64", shape: [2], data: [1, 3] },
      "wave/i": { dtype: "F64", shape: [2], data: [2, -4] },
      plain: { dtype: "F64", shape: [3], data: [0, 1, 2] },
    });
    expect(Object.fromEntries(leftOut)).toEqual({
      "group/particles/name": "text",
      "group/particles/inner": "compounds",
      "group/particles/words": "text",
    });
    const only = ["packed/pos", "group/particles/mass", "packed/id"];
    expect(await loadHdf5(read("compounds.h5"), { only })).toEqual(
      new Map(only.map((name) => [name, arrays.get(name)])),
    );
    const asked = (name: string) => loadHdf5(read("compounds.h5"), { file: "a.h5", only: [name] });
    await expect(asked("packed/mass")).rejects.toThrow(/^a\.h5: holds no data set "packed\/mass", but /);
    await expect(asked("group/particles/name")).rejects.toThrow(
      /a\.h5:group\/particles\/name: holds no numbers, but text/,
    );
  });

  it.each([
    [
      "pandas.h5",
      {
        "halos/table/index": [3],
        "halos/table/values_block_2": [3, 1],
        "halos/table/values_block_1": [3, 1],
        "halos/table/x": [3],
      },
    ],
    ["pytables.h5", { "atoms/id": [5], "atoms/pos": [5, 3] }],
    ["astropy.h5", { "stars/ra": [3], "stars/dec": [3] }],
  ])("is read where %s has a table", async (name, shapes) => {
    const arrays = await loadHdf5(read(name));
    expect(Object.fromEntries([...arrays].map(([column, { shape }]) => [column, shape]))).toMatchObject(shapes);
    if (name.startsWith("pytables"))
      expect(plain(arrays.get("atoms/pos"))?.data.slice(9)).toEqual([3, 3.25, 3.5, 4, 4.25, 4.5]);
  });

  it("is read where h5py's LZF compressed it: shuffled, checked, of partial and unwritten chunks", async () => {
    const arrays = await loadHdf5(read("lzf.h5"));
    expect(plain(arrays.get("grid"))).toEqual({
      dtype: "F64",
      shape: [20, 30],
      data: Array.from({ length: 600 }, (_, i) => i / 8),
    });
    // What cannot be compressed is stored as it is.
    expect(plain(arrays.get("noise"))?.data).toEqual(
      Array.from({ length: 300 }, (_, i) => Math.floor(((i * i * 7919) % 65537) / 257) % 256),
    );
    expect(plain(arrays.get("checked"))).toEqual({
      dtype: "I16",
      shape: [600],
      data: Array.from({ length: 600 }, (_, i) => Math.floor(i / 10) - 30),
    });
    expect(plain(arrays.get("grown"))).toEqual({
      dtype: "F32",
      shape: [9, 3],
      data: Array.from({ length: 27 }, (_, i) => (i < 18 ? i : i < 24 ? -1 : 2)),
    });
  });

  it("of netCDF gives no number for one that is missing, whatever stands for it", async () => {
    const arrays = await loadHdf5(read("missing.nc"));
    expect(
      Object.fromEntries([...arrays].map(([name, { dtype, data }]) => [name, [dtype, ...data].map(String)])),
    ).toEqual({
      float: ["F32", "1", "NaN", "3", "4"],
      several: ["F64", "1", "NaN", "NaN", "3"],
      integer: ["F64", "1", "NaN", "3", "4"],
      whole: ["I32", "1", "2", "3", "4"],
      unwritten: ["F32", "1", "2", "NaN", "NaN"],
      // With a number of its own for what is missing, netCDF's usual one is data.
      filled: ["F32", "1", "9.969209968386869e+36", "NaN", "NaN"],
    });
  });

  it("of netCDF or MATLAB gives what its owner has written, and no number where none is known", async () => {
    const { arrays, leftOut } = await readHdf5(read("foreign.h5"));
    expect([...arrays.keys(), ...leftOut.keys()]).toEqual(["depth", "positions", "time"]);
    expect(plain(arrays.get("depth"))?.data).toEqual([2.5, Number.NaN]);
    await expect(loadHdf5(read("foreign.h5"), { only: ["node"] })).rejects.toThrow(
      /holds no data set "node", but depth/,
    );
  });

  it("of MATLAB has its arrays as they are in MATLAB, which writes their axes in reverse; vectors have one axis", async () => {
    const { arrays, leftOut } = await readHdf5(read("matlab.mat"));
    const upTo = (length: number, scale: number, first = 0) => Array.from({ length }, (_, i) => i * scale + first);
    expect(plain(arrays.get("positions"))).toEqual({ dtype: "F64", shape: [4, 3], data: upTo(12, 0.25) });
    expect(plain(arrays.get("flow"))).toEqual({ dtype: "F64", shape: [4, 3, 2], data: upTo(24, 1) });
    expect(plain(arrays.get("heat"))).toEqual({ dtype: "F64", shape: [4], data: upTo(4, 1, 0.5) });
    expect(plain(arrays.get("row"))).toEqual({ dtype: "F64", shape: [4], data: upTo(4, 1, 0.25) });
    // Texts are numbers in the file, and of an empty array there are the sizes.
    expect([...leftOut.keys()]).toEqual(["name", "nothing"]);
    expect(leftOut.get("name")).toMatch(/^text of MATLAB/);
  });

  it("has floats of 16 bits of either kind, which are refused where they cannot be told apart", async () => {
    const halves = await loadHdf5(read("halves.h5"));
    const [little, big] = ["little", "big"].map((name) => halves.get(name) as SafeTensor);
    expect([little.dtype, ...toFloat32(little)]).toEqual(["BF16", 1.5, -300, 1.0002555517425873e30]);
    expect([big.dtype, ...toFloat32(big)]).toEqual(["BF16", 0.5, -2, 3]);
    const { arrays, leftOut } = await readHdf5(read("both-halves.h5"));
    expect([...arrays.keys()]).toEqual(["floats"]);
    expect([...leftOut.keys()]).toEqual(["big", "float16", "little"]);
    expect(leftOut.get("float16")).toMatch(/with float16 and bfloat16: write it in float32$/);
    // A table's descriptions of float16 may not be taken for that of the bfloat16 far behind it, which is then wrong.
    const mixed = await readHdf5(gunzipSync(read("halves-table.h5.gz")));
    expect([...mixed.arrays.keys()]).toEqual(["zeros"]);
    expect([...mixed.leftOut.keys()]).toEqual(["a/m", "a/inner", "b"]);
  });

  it("has numbers in attributes of the file and its groups, among which float16 may not be taken for bfloat16 data's", async () => {
    const { arrays, attributes = new Map<string, SafeTensor>(), leftOut } = await readHdf5(read("attributes.h5"));
    expect(Object.fromEntries([...attributes].map(([name, { dtype, data }]) => [name, [dtype, ...data]]))).toEqual({
      mach: ["F64", 0.45],
      case: ["I32", 3],
      viscous: ["BOOL", 1],
      axis: ["U8", 0, 1, 2],
      "flow/inflow": ["F32", 1, 0, 0.5],
    });
    expect([...arrays.keys(), "|", ...leftOut.keys()]).toEqual(["flow/cp", "|", "halves"]);
    const sequences = await readHdf5(read("sequences.h5"));
    expect([...sequences.arrays.keys(), "|", ...sequences.leftOut.keys()]).toEqual(["|", "halves", "lists"]);
    const classic = await readArrays(read("attributes.nc"), "a.nc");
    expect(["mach", "axis"].map((name) => [...(classic.wholeData.get(name)?.data ?? [])])).toEqual([
      [Math.fround(0.45)],
      [0, 1, 2],
    ]);
    // They are numbers of the whole, though there are as many as points.
    const sample = await readArrays(read("attributes.h5"), "a.h5");
    expect([sample.names.includes("mach"), sample.wholeData.has("axis"), sample.pointData.has("axis")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("of MATLAB names complex numbers once that are not read", async () => {
    const { leftOut } = await readHdf5(read("complex.mat"));
    expect([...leftOut]).toEqual([["waves", "complex numbers: save real(x) and imag(x)"]]);
  });

  it("may have netCDF's or MATLAB's extension, and unknown ones are told all that can be read", async () => {
    for (const name of ["flow.nc", "wing.MAT"]) {
      expect((await readCloud(read("foreign.h5"), name)).dimensionality).toBe(3);
      expect((await readArrays(read("foreign.h5"), name)).names).toContain("positions");
    }
    await expect(readCloud(read("foreign.h5"), "flow.cdf")).rejects.toThrow(
      /known are .*\.csv, \.tsv, .*\.extxyz, \.lammpstrj, \.dump, \.pdb, \.ent, \.h5, \.hdf5, \.nc, \.mat, \.e, \.exo, \.ex2, \.vtkhdf\.$/,
    );
  });

  it("is no empty file", async () => {
    await expect(loadHdf5(new Uint8Array(), { file: "wing.h5" })).rejects.toThrow("wing.h5: is empty.");
  });

  it("whose numbers are in other files does not give its fill values for them", async () => {
    const { arrays, leftOut } = await readHdf5(read("elsewhere.h5"));
    expect([...leftOut]).toEqual([
      ["link", "a link to /position in the file latest.h5"],
      ["nowhere", "a link to /none"],
      ["view", "a view of data sets in latest.h5"],
    ]);
    expect(plain(arrays.get("x"))?.data).toEqual([0, 3]);
    const asked = (only: string) => loadHdf5(read("elsewhere.h5"), { only: [only] });
    await expect(asked("view")).rejects.toThrow("holds no numbers, but a view of data sets in latest.h5.");
    await expect(asked("link")).rejects.toThrow(
      '"link" is a link to /position in the file latest.h5, which is not read',
    );
  });

  it("may name its numbers", async () => {
    const arrays = await loadHdf5(read("elsewhere.h5"), { only: ["material", "region"] });
    expect(plain(arrays.get("material"))).toEqual({ dtype: "U8", shape: [2], data: [0, 2] });
    expect(plain(arrays.get("region"))).toEqual({ dtype: "I32", shape: [2], data: [300, 0] });
  });

  it("gives what is asked for, or says what there is", async () => {
    expect([...(await loadHdf5(read("values.h5"), { only: ["scalar"] })).keys()]).toEqual(["scalar"]);
    await expect(loadHdf5(read("latest.h5"), { file: "latest.h5", only: ["positions"] })).rejects.toThrow(
      'latest.h5: holds no data set "positions", but position.',
    );
    await expect(loadHdf5(read("values.h5"), { only: ["text"] })).rejects.toThrow("text: holds no numbers");
  });

  it("that is damaged is refused, and the next is read", async () => {
    const bytes = new Uint8Array(read("values.h5"));
    let refused = 0;
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < 20; round++) {
      const damaged = round % 4 === 0 ? bytes.slice(0, random(bytes.length)) : bytes.slice();
      for (let flip = 0; flip < 3 && damaged.length > 0; flip++)
        damaged[random(Math.min(4096, damaged.length))] ^= 1 << random(8);
      try {
        for (const { shape, data } of (await loadHdf5(damaged)).values()) {
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        refused++;
      }
      if (round % 10 === 0) expect((await loadHdf5(bytes, { only: ["scalar"] })).get("scalar")?.data[0]).toBe(0.25);
    }
    expect(refused).toBeGreaterThan(4);
    await expect(loadHdf5(new Uint8Array(100), { file: "zeros.h5" })).rejects.toThrow("zeros.h5: not an HDF5 file");
  }, 60_000);
});

describe("saveHdf5", () => {
  it("with a damaged heap, through which the library would walk without end, is refused", async () => {
    const bytes = new Uint8Array(read("elsewhere.h5"));
    const heap = Buffer.from(bytes.buffer).indexOf("GCOL");
    // The first object: its number, and its size.
    for (const [number, size] of [
      [0, 0n],
      [1, 2n ** 32n - 16n],
      [1, 2n ** 64n - 1n],
    ] as const) {
      const view = new DataView(bytes.buffer);
      view.setUint16(heap + 16, number, true);
      view.setBigUint64(heap + 24, size, true);
      await expect(loadHdf5(bytes, { file: "a.h5" })).rejects.toThrow(
        /^a\.h5: is damaged: an object of a heap has the size/,
      );
    }
  });

  it("writes the file that h5py has read (make.py checks it)", async () => {
    const position: SafeTensor = { dtype: "F32", shape: [2, 3], data: Float32Array.of(0.5, -2, 3.25, 1, 0, -1.5) };
    const written = await saveHdf5(
      new Map<string, SafeTensor>([
        ["position", position],
        ["bonds", { dtype: "I64", shape: [2, 2], data: BigInt64Array.of(0n, 1n, 1n, 2n ** 40n) }],
        ["types", { dtype: "U8", shape: [2], data: Uint8Array.of(3, 255) }],
        ["scalar", { dtype: "F64", shape: [], data: Float64Array.of(0.1) }],
      ]),
      { compress: true },
    );
    // The file that h5py has read was written by this code; only times and padding may differ.
    expect(written.length).toBe(read("written.h5").length);
    expect(await loadHdf5(written)).toEqual(await loadHdf5(read("written.h5")));
    expect(plain((await loadHdf5(written)).get("position"))).toEqual(plain(position));
  });

  it("writes the same bytes for the same arrays, whatever the time", async () => {
    const arrays = new Map<string, SafeTensor>([["a", { dtype: "F32", shape: [1], data: Float32Array.of(1) }]]);
    const now = await saveHdf5(arrays);
    const clock = vi.spyOn(Date, "now").mockReturnValue(1e12);
    const earlier = await saveHdf5(arrays).finally(() => clock.mockRestore());
    expect(earlier).toEqual(now);
  });

  it("refuses what it does not write", async () => {
    const flags: SafeTensor = { dtype: "BOOL", shape: [1], data: Uint8Array.of(1) };
    await expect(saveHdf5(new Map([["flags", flags]]))).rejects.toThrow(InputError);
  });
});

describe("the HDF5 library's module", () => {
  it("is not used any more by calls at once with one in which it has met an error", async () => {
    const used: unknown[] = [];
    const failing = withLibrary((library) => {
      used.push(library);
      throw new Error("damaged");
    });
    const others = [1, 2].map(() => withLibrary((library) => used.push(library)));
    await expect(failing).rejects.toThrow("damaged");
    await Promise.all(others);
    expect(used[1]).not.toBe(used[0]);
    expect(used[2]).toBe(used[1]);
  });

  it("is named where it is missing, and is read again by the next call", async () => {
    vi.resetModules();
    const { loadHdf5 } = await import("../../src/formats/hdf5/hdf5.ts");
    const { setAssets } = await import("../../src/host/given-assets.ts");
    setAssets({ "hdf5.wasm": new URL("nowhere/hdf5.wasm", import.meta.url) });
    await expect(loadHdf5(read("values.h5"))).rejects.toThrow(/nowhere\/hdf5\.wasm could not be loaded.*setAssets/s);
    setAssets(undefined);
    expect((await loadHdf5(read("values.h5"))).has("position")).toBe(true);
    setAssets({ "hdf5-filters.wasm": new URL("nowhere/filters.wasm", import.meta.url) });
    expect(await loadHdf5(read("filters.h5"), { only: ["bzip2"] }).catch(String)).toMatch(/compressed by bzip2/);
    await expect(loadHdf5(read("filters.h5"))).rejects.toThrow(/nowhere\/filters\.wasm could not be loaded/);
    setAssets(undefined);
    expect((await loadHdf5(read("filters.h5"))).has("blosc")).toBe(true);
  });

  it("is a file of its own: Deno parses all scripts before a program begins", () => {
    const assets = join(import.meta.dirname, "../../dist/assets");
    // A worker's script is none of a program's own; that one is whole, as vite.config.ts says.
    const scripts = readdirSync(assets).filter((name) => name.endsWith(".js") && name !== "data-worker.js");
    expect(readdirSync(assets)).toContain("hdf5.wasm");
    expect(scripts.filter((name) => statSync(join(assets, name)).size > 1e6)).toEqual([]);
  });
});
