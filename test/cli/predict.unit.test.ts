// A prediction of many files: which files it takes, and how it divides them among shards.

import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { afterAll, describe, expect, it } from "vitest";
import { readCloud } from "../../src/cli/clouds.ts";
import { UsageError } from "../../src/cli/command.ts";
import { append, checkOutput, makeFolder, readBytes, writeWhole } from "../../src/cli/files/files.ts";
import { FolderSource } from "../../src/cli/files/folder-source.ts";
import { encodeFrames, expectFieldOutput } from "../../src/cli/predict/fields.ts";
import { findInputs, isSingleFile } from "../../src/cli/predict/inputs.ts";
import { parseShard, takeShard } from "../../src/cli/predict/shard.ts";
import { fileName } from "../../src/cli/train/predictions.ts";
import { InputError } from "../../src/errors.ts";
import { frameRule } from "../../src/experiments/folder/array-frames.ts";
import { resolveFolderConfig } from "../../src/experiments/folder/config.ts";
import { arrayFramesIn, framesIn } from "../../src/experiments/folder/frames.ts";
import { arraysOf, copyExtension, encode, labelsIn, noteOn } from "../../src/experiments/folder/prediction-file.ts";
import { readSample } from "../../src/experiments/folder/read-sample.ts";
import type { SafeTensorInput } from "../../src/formats/bytes/elements.ts";
import { loadNpz, readNpz, saveNpz } from "../../src/formats/numpy/npz.ts";
import { loadSafetensors, saveSafetensors } from "../../src/formats/safetensors/safetensors.ts";
import { loadVtu } from "../../src/formats/vtk/vtu.ts";
import { isPassing } from "../../src/jobs/shared-work.ts";
import { temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);

const write = (name: string, text = "") => {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), text);
};
const run = ["config.json", "metrics.jsonl", "last.safetensors", "predictions/a.csv"].map((name) => `runs/one/${name}`);
for (const name of [
  ...["b.ply", "a.csv", "notes.md", ".hidden.ply", "sub/a.npy", "sub/deep/c.PLY", "out/z.safetensors"],
  ...run,
])
  write(`data/${name}`);
write("data/list.txt", "sub/a.npy\r\n\n  ../elsewhere/d.obj\n");
writeFileSync(path("data/powershell.txt"), Buffer.from("\ufeffsub/a.npy\r\n../elsewhere/d.obj\r\n", "utf16le"));
write("data/empty.txt", "\n");

const zeros = (shape: readonly number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });

const find = async (inputs: readonly string[], output = "data/out") =>
  (await findInputs(inputs.map(path), path(output), { keep: [path("data/b.safetensors")] })).map(
    ({ input, output }) => [relative(folder, input), relative(folder, output)],
  );

describe("findInputs", () => {
  it("takes a folder's point clouds and those below, without hidden files, earlier predictions and the files of a run", async () => {
    expect(await find(["data"])).toEqual([
      ["data/a.csv", "data/out/a.safetensors"],
      ["data/b.ply", "data/out/b.safetensors"],
      ["data/sub/a.npy", "data/out/sub/a.safetensors"],
      ["data/sub/deep/c.PLY", "data/out/sub/deep/c.safetensors"],
    ]);
  });

  it("takes a list's paths relative to the list, and files as they are, whatever the order", async () => {
    const expected = [
      ["data/b.ply", "o/b.safetensors"],
      ["elsewhere/d.obj", "o/d.safetensors"],
      ["data/sub/a.npy", "o/sub/a.safetensors"],
    ];
    for (const list of ["data/list.txt", "data/powershell.txt"])
      expect(await find([list, "data/b.ply"], "o")).toEqual(expected);
    // Here b.ply is named twice.
    expect(await find(["data/b.ply", "data/list.txt", "data/b.ply"], "o")).toEqual(expected);
  });

  it("takes a pattern as shells do that do not leave it as it is", async () => {
    const [b, c] = [
      ["data/b.ply", "o/b.safetensors"],
      ["data/sub/deep/c.PLY", "o/sub/deep/c.safetensors"],
    ];
    expect(await find(["data/*.ply"], "o")).toEqual([b]);
    expect(await find(["data/?.*"], "o")).toEqual([["data/a.csv", "o/a.safetensors"], b]);
    expect(await find(["data/**/*.ply"], "o")).toEqual([b, c]);
    expect(await find(["data/s*/deep/*"], "o")).toEqual([c]);
    expect(await find(["data/*"])).toEqual([
      ["data/a.csv", "data/out/a.safetensors"],
      ["data/b.ply", "data/out/b.safetensors"],
    ]);
    await expect(find(["data/*.stl"], "o")).rejects.toThrow(
      /\*\.stl" holds nothing to predict, expected files .* that match/,
    );
    write("stars/a*.ply");
    write("stars/ab.ply");
    expect(await find(["stars/a*.ply"], "o")).toEqual([["stars/a*.ply", "o/a*.safetensors"]]);
  });

  it.each([
    ["two inputs of one output", ["data/sub/a.npy", "data/a.csv"], "o", /a\.npy" and ".*a\.csv" would both be written/],
    [
      "an input as output",
      ["data/out/z.safetensors", "data/b.ply"],
      "data/out",
      /z\.safetensors" would be written over/,
    ],
    ["the model as output", ["data/b.ply"], "data", /written over/],
    ["the output's folder as input", ["data"], "data", /output's folder too/],
    ["a list of nothing", ["data/empty.txt"], "o", /expected paths, one a line/],
  ])("refuses %s", async (_, inputs, output, message) => {
    await expect(find(inputs, output)).rejects.toThrow(message);
    await expect(find(inputs, output)).rejects.toThrow(InputError);
  });

  it("follows links to folders, but not in a circle, which it tells", async () => {
    write("linked/a.ply");
    write("store/b.ply");
    for (const [target, link] of [
      ["store", "linked/store"],
      ["linked", "linked/again"],
      ["linked", "store/back"],
      ["nowhere", "linked/lost.ply"],
      ["linked/circle", "linked/circle"],
    ])
      symlinkSync(path(target), path(link));
    const told: string[][] = [];
    const files = await findInputs([path("linked")], path("o"), {
      onLoop: (link) => told.push(["loop", relative(folder, link)]),
      onUnreadable: (link) => told.push(["unreadable", relative(folder, link)]),
    });
    expect(files.map(({ output }) => relative(path("o"), output))).toEqual([
      "a.safetensors",
      // A file that cannot be read is reported when its turn comes, as every file.
      "lost.safetensors",
      "store/b.safetensors",
    ]);
    expect(told).toEqual([
      ["loop", "linked/again"],
      ["unreadable", "linked/circle"],
      ["loop", "linked/store/back"],
    ]);
  });

  it("tells one file from many", () => {
    const single = (...names: string[]) => isSingleFile(names.map(path));
    expect([single("data/b.ply"), single("data/missing.ply"), single("stars/a*.ply")]).toEqual([true, true, true]);
    const many = [["data"], ["data/list.txt"], ["data/b.ply", "data/a.csv"], ["data/*.ply"]];
    expect(many.map((names) => single(...names))).toEqual([false, false, false, false]);
  });
});

describe("files", () => {
  it.each(["readBytes", "FolderSource"])("%s refuses a pipe, which it would wait for", async (reader) => {
    const pipe = `${reader}.ply`;
    execFileSync("mkfifo", [path(pipe)]);
    const read = async () => (reader === "readBytes" ? readBytes(path(pipe)) : new FolderSource(folder).read(pipe));
    await expect(read()).rejects.toThrow(`"${path(pipe)}": it is a named pipe, expected a file`);
    await expect(read()).rejects.toThrow(InputError);
  });

  it("has no end of folders below a data set's", async () => {
    write("set/inner/a.ply");
    symlinkSync(path("set"), path("set/inner/above"));
    symlinkSync(path("data/sub"), path("set/inner/sub"));
    const entries = await new FolderSource(path("set")).list("inner");
    expect(entries.filter((entry) => entry.folder).map(({ name }) => name)).toEqual(["sub"]);
  });

  it("refuses a folder that takes no files before anything is computed", () => {
    // Not even root can write there.
    expect(() => checkOutput("/sys/out.npy")).toThrow(/Cannot write "\/sys\/out\.npy": /);
    expect(() => makeFolder("/sys")).toThrow(/Cannot write "\/sys": /);
    checkOutput(path("fine.npy"));
  });

  it("says in words why it could not write, and whether that may pass", () => {
    const failure = (write: () => void) => {
      try {
        write();
      } catch (error) {
        return [(error as Error).message, isPassing(error)];
      }
      return undefined;
    };
    // This device is always full.
    expect(failure(() => append("/dev/full", "a line"))).toEqual([
      'Cannot write "/dev/full": no space left on the device.',
      true,
    ]);
    expect(failure(() => writeWhole("/dev/full", "a line"))).toEqual(failure(() => append("/dev/full", "a line")));
    const long = path("x".repeat(300));
    expect(failure(() => writeWhole(long, ""))).toEqual([`Cannot write "${long}": the name is too long.`, false]);
  });

  it("leaves devices and links what they are", () => {
    checkOutput("/dev/null");
    writeWhole("/dev/null", "gone");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    write("linked/real.npy");
    symlinkSync(path("linked/real.npy"), path("link.npy"));
    checkOutput(path("link.npy"));
    writeWhole(path("link.npy"), "written");
    expect(lstatSync(path("link.npy")).isSymbolicLink()).toBe(true);
    expect(readFileSync(path("linked/real.npy"), "utf8")).toBe("written");
  });

  it("writes beside another process of the same number", () => {
    mkdirSync(path(`whole.npy.${process.pid}.tmp`));
    writeWhole(path("whole.npy"), "written");
    expect(readFileSync(path("whole.npy"), "utf8")).toBe("written");
  });
});

describe("shards", () => {
  it("share the items: each goes to one, and their sizes differ by one at most", () => {
    const items = Array.from({ length: 10 }, (_, i) => i);
    const shards = [1, 2, 3, 4].map((index) => takeShard(items, parseShard(`${index}/4`)));
    expect(shards).toEqual([
      [0, 4, 8],
      [1, 5, 9],
      [2, 6],
      [3, 7],
    ]);
    expect(takeShard(items, parseShard("11/12"))).toEqual([]);
  });

  it.each(["0/4", "5/4", "1", "1/0", "-1/2", "1.5/2", "a/b"])("refuses %s", (text) => {
    expect(() => parseShard(text)).toThrow(UsageError);
  });
});

it("fields are predicted of files whose positions only the config names, and those to which no array can be added become .npz", async () => {
  expect([copyExtension("a/b.H5"), copyExtension("a.hdf5"), copyExtension("a.VTU")]).toEqual([".npz", ".npz", ".VTU"]);
  const arrays = { q: [2, 3], p: [2], stress: [2, 3, 3], load: [1], edges: [5, 2] };
  const bytes = saveSafetensors(new Map(Object.entries(arrays).map(([name, shape]) => [name, zeros(shape)])));
  const config = { coordinates: ["q"], inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const sample = await readSample(bytes, "a.safetensors", config);
  const prediction = new Map([["prediction", zeros([2])]]);
  const found = loadNpz(await encode({ bytes, sample, arrays: prediction }, "a.npz"));
  expect([...found].map(([name, { shape }]) => [name, ...shape])).toEqual([
    ["node_positions", 2, 3],
    ["edges", 5, 2],
    ["load", 1],
    ["p", 2],
    ["q", 2, 3],
    ["stress", 2, 3, 3],
    ["prediction", 2],
  ]);
  // Formats of meshes hold no more than rows of numbers, and what is of the whole as field data.
  const { pointData, fieldData } = loadVtu(await encode({ bytes, sample, arrays: prediction }, "a.vtu"));
  expect([...pointData.keys(), ...fieldData.keys()]).toEqual(["p", "q", "prediction", "load"]);
});

it("arrays keep their types in files of another format: float32 would make one number of many identifiers", async () => {
  const ids = BigInt64Array.from([0n, 1n], (i) => i + 2n ** 40n);
  const arrays = new Map<string, SafeTensorInput>([
    ["positions", { shape: [2, 3], data: Float64Array.of(512345.25, 5812345.1, 0, 512346.5, 5812345.7, 1) }],
    ["id", { shape: [2], data: ids }],
    ["half", { shape: [2], dtype: "F16", data: Uint16Array.of(0x3c00, 0xc000) }],
    ["bfloat16", { shape: [2], dtype: "BF16", data: Uint16Array.of(0x3f80, 0xc000) }],
  ]);
  const bytes = saveSafetensors(arrays);
  const config = { inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const sample = await readSample(bytes, "a.safetensors", config);
  const found = loadNpz(await encode({ bytes, sample, arrays: new Map() }, "a.npz"));
  expect(found.get("id")).toMatchObject({ dtype: "I64", data: ids });
  expect(found.get("node_positions")?.data).toEqual(arrays.get("positions")?.data);
  expect([found.get("half")?.dtype, [...(found.get("bfloat16")?.data ?? [])]]).toEqual(["F16", [1, -2]]);
  const { points, pointData } = loadVtu(await encode({ bytes, sample, arrays: new Map() }, "a.vtu"));
  expect([points.dtype, pointData.get("id")?.data]).toEqual(["F64", ids]);
  const rows = new TextDecoder().decode(await encode({ bytes, sample, arrays: new Map() }, "a.csv")).split("\n");
  expect(rows[1]).toBe("512345.25,5812345.1,0,1099511627776,1,1");
});

it("points in the plane keep their types in a mesh, and labels of the whole are none of its points", async () => {
  const positions = Float64Array.of(512345.25, 5812345.1, 512346.5, 5812345.7);
  const bytes = saveNpz({ positions: { shape: [2, 2], data: positions } });
  const config = { inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const sample = await readSample(bytes, "a.npz", config);
  const { points } = loadVtu(await encode({ bytes, sample, arrays: new Map() }, "a.vtu"));
  expect([...points.data]).toEqual([512345.25, 5812345.1, 0, 512346.5, 5812345.7, 0]);
  const { targets } = resolveFolderConfig({ targets: { kind: { classes: ["a", "b"], whole: true } } });
  const labelled = { ...sample, targets: [{ data: Float64Array.of(1), width: 1 }] };
  expect(labelsIn(labelled, { inputs: [], targets }).size).toBe(0);
  expect(labelsIn({ ...labelled, points: 1 }, { inputs: [], targets }).size).toBe(1);
});

it("frames of an HDF5 file keep their types and their numbers of the whole in one file, and labels are texts in .npz and .csv", async () => {
  // By h5py (frames/make.py): an attribute, times, whole numbers of 1 and 8 bytes, and texts.
  const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, "frames", "flow.h5")));
  const given = {
    coordinates: "mesh/points",
    sequence: true,
    targets: ["fields/u"],
    inputs: { zone: {}, wall: { classes: ["none", "slip"] } },
  };
  const config = resolveFolderConfig(given);
  const frames = (await arrayFramesIn(bytes, "flow.h5", frameRule(config)))!;
  const region = {
    data: Int32Array.of(1, 0, 1),
    shape: [3],
    labels: new Map([
      [0, "inlet"],
      [1, "wall"],
    ]),
  };
  const predicted = await Promise.all(
    frames.map(async ({ bytes, file }) => ({
      bytes,
      sample: await readSample(bytes, file, config),
      arrays: new Map<string, SafeTensorInput>([["region", region]]),
      labels: labelsIn(await readSample(bytes, file, config), config),
    })),
  );
  const { arrays, texts } = readNpz(await encodeFrames(predicted, "a.npz"), { texts: () => true });
  expect(Object.fromEntries([...arrays].map(([name, { dtype, shape }]) => [name, [dtype, ...shape]]))).toEqual({
    node_positions: ["F64", 6, 2],
    "mesh/points": ["F64", 6, 2],
    "fields/u": ["F32", 6],
    zone: ["U8", 6],
    id: ["I64", 6],
    batch_idx: ["I32", 6],
    Reynolds: ["F64", 2],
    time: ["F64", 2],
  });
  expect([arrays.get("time")!.data, arrays.get("id")!.data]).toEqual([
    Float64Array.of(0.5, 0.75),
    BigInt64Array.of(1n, 2n, 2n ** 40n, 1n, 2n, 2n ** 40n),
  ]);
  expect(texts!.get("wall")!.texts).toEqual(["slip", "none", "slip", "slip", "none", "slip"]);
  expect(texts!.get("region")!.texts).toEqual(["wall", "inlet", "wall", "wall", "inlet", "wall"]);
  const rows = new TextDecoder().decode(await encodeFrames(predicted, "a.csv")).split("\n");
  expect(rows.map((row) => row.split(",").at(-2)).slice(0, 3)).toEqual(["region", "wall", "inlet"]);
});

it("coordinates of a map are remarked on where a sample's format is read as float32, and nowhere else", async () => {
  const config = { inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const positions = Float64Array.from({ length: 90 }, (_, i) => [512345, 5812345, 0][i % 3] + i / 7);
  const rows = Array.from({ length: 30 }, (_, i) => positions.subarray(3 * i, 3 * i + 3).join());
  const table = new TextEncoder().encode(["x,y,z", ...rows].join("\n"));
  const bounds = "ITEM: BOX BOUNDS pp pp pp\n0 1\n0 1\n0 1\n";
  const atoms = rows.map((row) => row.replaceAll(",", " ")).join("\n");
  const dump = `ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n30\n${bounds}ITEM: ATOMS x y z\n${atoms}\n`;
  const single = await readSample(new TextEncoder().encode(dump), "map.dump", config);
  expect(noteOn(single)).toMatch(/steps of 0.5: subtract a constant .* float64 in/);
  const fromTable = await readSample(table, "map.csv", config);
  expect(noteOn(fromTable)).toBeUndefined();
  expect(fromTable.positions).toEqual(positions);
  const doubles = saveNpz(new Map([["positions", { shape: [30, 3], data: positions }]]));
  expect(noteOn(await readSample(doubles, "map.npz", config))).toBeUndefined();
});

it("a value of the whole is one row in files of arrays, and at each point where a format has arrays of points alone", async () => {
  const bytes = saveSafetensors(new Map([["positions", zeros([3, 3])]]));
  const config = { inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const sample = await readSample(bytes, "a.safetensors", config);
  const fields = [
    { name: "p", channels: 1, prediction: Float32Array.of(1, 2, 3) },
    { name: "kind", channels: 1, prediction: Float32Array.of(2, 2, 2), isWhole: true, isClass: true },
    { name: "dipole", channels: 2, prediction: Float32Array.of(4, 5, 4, 5, 4, 5), isWhole: true },
  ];
  const written = async (output: string) => encode({ bytes, sample, arrays: arraysOf(fields, sample, output) }, output);
  for (const arrays of [loadNpz(await written("a.npz")), loadSafetensors(await written("a.safetensors")).tensors]) {
    const found = [...arrays].map(([name, { shape, data }]) => [name, [shape, [...data].map(Number)]]);
    expect(Object.fromEntries(found)).toMatchObject({
      prediction_p: [[3], [1, 2, 3]],
      prediction_kind: [[1], [2]],
      prediction_dipole: [
        [1, 2],
        [4, 5],
      ],
    });
  }
  const rows = new TextDecoder()
    .decode(await written("a.csv"))
    .trim()
    .split("\n");
  expect(rows.slice(1)).toEqual(["0,0,0,1,2,4,5", "0,0,0,2,2,4,5", "0,0,0,3,2,4,5"]);
});

it("predictions have the axes of the file's own values in files of arrays, whose numbers are subtracted by NumPy", async () => {
  const shapes = { u: [2, 1], stress: [2, 2, 2], kind: [2, 1], gone: [2, 1] };
  const own = Object.entries(shapes).map(([name, shape]) => [name, zeros(shape)] as const);
  const bytes = saveNpz(new Map([["positions", zeros([2, 3])], ...own.slice(0, 3)]));
  const config = resolveFolderConfig({ targets: { u: { missing: -1 }, stress: {}, kind: { classes: 2 }, gone: {} } });
  const sample = await readSample(bytes, "a.npz", config, { truth: false });
  const fields = Object.entries(shapes).map(([name, [rows, ...row]], i) => {
    const channels = row.reduce((a, b) => a * b);
    const prediction = new Float32Array(rows * channels);
    return { name, channels, prediction, ...(i < 3 && { truth: prediction }), isClass: name === "kind" };
  });
  const shapesIn = async (output: string) => {
    const arrays = loadNpz(await encode({ bytes, sample, arrays: arraysOf(fields, sample, output) }, output));
    return (name: string) => arrays.get(name)?.shape;
  };
  const shapeOf = await shapesIn("b.npz");
  for (const [name, shape] of own.slice(0, 3))
    for (const what of ["prediction", "error"]) expect(shapeOf(`${what}_${name}`), name).toEqual(shape.shape);
  expect(shapeOf("prediction_gone")).toEqual([2]);
  expect([...arraysOf(fields, sample, "b.vtu")].map(([, { shape }]) => shape.length)).toEqual([1, 1, 2, 2, 1, 1, 1]);
});

it("classes of a model whose output is NaN are refused as numbers are", () => {
  const field = { name: "kind", channels: 1, prediction: Float64Array.of(2, Number.NaN), isClass: true };
  expect(() => arraysOf([field], { file: "a.vtu", targets: [] }, "b.vtu")).toThrow(
    /^a\.vtu: prediction is NaN in row 1, column 0, expected/,
  );
});

it("frames of atoms are predicted into one file, with the number of each point's frame and one row for each frame's values", async () => {
  const frame = (atoms: number, energy: number) =>
    `${atoms}\nProperties=species:S:1:pos:R:3 energy=${energy}\n${"C 0 1 2\n".repeat(atoms)}`;
  const config = { inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const frames = await framesIn(new TextEncoder().encode(frame(2, 5) + frame(1, 6)), "a.extxyz");
  const predicted = frames.map(async ({ bytes, file }, i) => {
    const sample = await readSample(bytes, file, config);
    const [charge, energy] = [new Float32Array(sample.points).fill(i), Float32Array.of(i + 7)];
    const arrays = new Map([
      ["charge", { shape: [sample.points], data: charge }],
      ["prediction", { shape: [1], data: energy }],
    ]);
    return { bytes, sample, arrays };
  });
  const found = loadNpz(await encodeFrames(await Promise.all(predicted), "a.npz"));
  expect(Object.fromEntries([...found].map(([name, { shape, data }]) => [name, [...shape, ...data]]))).toEqual({
    node_positions: [3, 3, 0, 1, 2, 0, 1, 2, 0, 1, 2],
    species: [3, 6, 6, 6],
    energy: [3, 5, 5, 6],
    charge: [3, 0, 0, 1],
    batch_idx: [3, 0, 0, 1],
    prediction: [2, 7, 8],
  });
});

it("what not all frames have, and lists of the whole, are in no file of all of them; numbers are as exact as the most exact", async () => {
  const file = saveNpz({
    positions: { shape: [2, 3], data: Float32Array.of(0, 0, 0, 1, 1, 1) },
    ...{ box: { shape: [3], data: Float32Array.of(1, 2, 3) }, edges: { shape: [1, 2], data: Int32Array.of(0, 1) } },
  });
  const config = { inputs: [], targets: [], globals: [], graph: { kind: "none" } } as const;
  const sample = await readSample(file, "a.npz", config);
  const one = (data: Float32Array | Float64Array) => ({ shape: [2], data });
  const frame = (arrays: Record<string, SafeTensorInput>) => ({
    bytes: file,
    sample,
    arrays: new Map(Object.entries(arrays)),
  });
  const frames = [
    frame({ prediction: one(Float32Array.of(1, 2)), error: one(Float32Array.of(3, 4)) }),
    frame({ prediction: one(Float64Array.of(0.1, 0.2)) }),
  ];
  const found = loadNpz(await encodeFrames(frames, "b.npz"));
  expect([...found.keys()].sort()).toEqual(["batch_idx", "box", "node_positions", "prediction"]);
  expect(found.get("box")).toMatchObject({ shape: [2, 3] });
  expect(found.get("prediction")?.data).toEqual(Float64Array.of(1, 2, 0.1, 0.2));
});

it("a file of predictions of a sample in folders with long names has a name that file systems allow", () => {
  const nameOf = (i: number) => `${"ä b".repeat(60)}/${"n".repeat(150)} ${i}.v1.npz`;
  expect(fileName(7, { size: 12, nameOf })).toMatch(/^07-[\w_]{1,60}n{150}_7\.v1$/);
  expect(fileName(3, { size: 4, nameOf: () => "car.vtu" })).toBe("3-car");
});

it("an npz file brings the probe of gradients, as safetensors and HDF5 do", async () => {
  const bytes = saveNpz(
    new Map([
      ["node_positions", zeros([2, 3])],
      ["probe", zeros([2, 4])],
    ]),
  );
  expect((await readCloud(bytes, "a.npz")).probe?.shape).toEqual([2, 4]);
});

it("fields of points are written in any format of points, and those of a grid into a copy of its file", () => {
  for (const output of ["a.vtu", "a.npz", "a.VTI"]) expectFieldOutput("grid.vti", output);
  for (const output of ["a.vti", "a.npy", "a.h5"])
    expect(() => expectFieldOutput("mesh.vtu", output)).toThrow(/expected a file that ends in \.safetensors, .*\.vtu/);
});
