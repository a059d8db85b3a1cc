// erwin predict, as users call it, against the float64 reference; formats of inputs and outputs.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { loadSafetensors, type SafeTensor, saveSafetensors, toFloat32 } from "erwin";
import { loadNpy, loadNpz, loadVtu, readPointCloud, saveNpz, writePointCloud } from "erwin/formats";
import { afterAll, describe, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, erwinAlone, interruptErwin, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

/** Writes a golden case as the files that the command line takes: a checkpoint, and inputs with their tree and graph. */
function split(name: string) {
  const { tensors, metadata } = loadSafetensors(
    readFileSync(new URL(`../golden/${name}.safetensors`, import.meta.url)),
  );
  const state = [...tensors]
    .filter(([key]) => key.startsWith("state."))
    .map(([key, tensor]) => [key.slice(6), tensor] as const);
  const inputs = [...tensors].filter(([key]) => /^(node_|batch_idx|edge_index|tree_)/.test(key));
  const [model, input] = [path(`${name}-model.safetensors`), path(`${name}-input.safetensors`)];
  writeFileSync(model, saveSafetensors(new Map(state), { config: metadata.config }));
  writeFileSync(input, saveSafetensors(new Map(inputs)));
  return { model, input, tensors, inputs: new Map(inputs) };
}

/** Returns the largest difference, relative to the largest expected value. */
function difference(found: SafeTensor | undefined, expected: SafeTensor | undefined): number {
  expect(found?.shape).toEqual(expected?.shape);
  const [a, b] = [toFloat32(found as SafeTensor), toFloat32(expected as SafeTensor)];
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / largest;
}

const output = path("out.safetensors");
/** One thread: to start another takes longer than these predictions. */
const onCpu = ["--backend", "cpu", "--threads", "1"];

describe("erwin predict", () => {
  it("computes what the reference does, in evaluation mode", async () => {
    const { model, input, tensors } = split("c_3d_rot_eval");
    const { code, stdout, stderr } = await erwin(["predict", "--model", model, "--input", input, "--output", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/out \[\d+, \d+\] by (webgpu|cpu)/);
    const written = loadSafetensors(readFileSync(output)).tensors;
    expect([...written.keys()]).toEqual(["out"]);
    expect(difference(written.get("out"), tensors.get("out_f64"))).toBeLessThan(1e-5);
  });

  it("writes the bottleneck's clouds where the model does not decode, and knows training mode", async () => {
    const { model, input, tensors } = split("e_encoder_only_train");
    const words = ["--model", model, "--input", input, "--output", output, "--mode", "train", "--backend", "webgpu"];
    const { code, stderr } = await erwin(["predict", ...words]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const written = loadSafetensors(readFileSync(output)).tensors;
    expect(difference(written.get("out"), tensors.get("out_f64"))).toBeLessThan(5e-5);
    expect([...(written.get("out_batch_idx")?.data ?? [])]).toEqual([...(tensors.get("out_batch_idx")?.data ?? [])]);
  });

  it("says that a checkpoint has no config, and names no option that it has not", async () => {
    const { model, input } = split("c_3d_rot_eval");
    writeFileSync(model, saveSafetensors(loadSafetensors(readFileSync(model)).tensors));
    const message = errorLine(await erwin(["predict", "--model", model, "--input", input, "--output", output]));
    expect(message).toMatch(/model\.safetensors: carries no config in its metadata/);
    expect(message).not.toContain("option");
  });

  it("builds what the input lacks, and says what it cannot build", async () => {
    const { model, inputs } = split("c_3d_rot_eval");
    const bare = path("bare.safetensors");
    const keep = (...names: string[]) => new Map([...inputs].filter(([name]) => names.includes(name)));
    writeFileSync(bare, saveSafetensors(keep("node_features", "node_positions", "batch_idx")));
    const words = ["predict", "--model", model, "--input", bare, "--output", output];
    const withoutGraph = await erwin(words);
    expect(withoutGraph.code).toBe(1);
    expect(errorLine(withoutGraph)).toMatch(/bare\.safetensors: has no edge_index.*--radius R or --knn K/);
    expect((await erwin([...words, "--knn", "4"])).code).toBe(0);

    writeFileSync(bare, saveSafetensors(keep("node_positions", "batch_idx")));
    const withoutFeatures = await erwin([...words, "--knn", "4"]);
    expect(withoutFeatures.code).toBe(1);
    expect(errorLine(withoutFeatures)).toMatch(/has no node_features, the model expects \d+ \(positions serve/);
  });

  it("leaves no output behind when the checkpoint does not fit", async () => {
    const { input, tensors } = split("a_2d_tiny_train");
    const model = path("broken.safetensors");
    writeFileSync(model, saveSafetensors({ weight: tensors.get("node_features") as SafeTensor }));
    const missing = path("never.safetensors");
    const result = await erwin(["predict", "--model", model, "--input", input, "--output", missing]);
    expect(result.code).toBe(1);
    expect(errorLine(result)).toContain("broken.safetensors");
    expect(existsSync(missing)).toBe(false);
  });
});

describe("erwin predict in other formats", () => {
  const run = (model: string, input: string, output: string, ...more: string[]) =>
    erwin(["predict", "--model", model, "--input", input, "--output", output, ...onCpu, ...more]);

  it("writes what the output's extension says", async () => {
    const { model, input, inputs } = split("s_small_clouds_eval");
    const read = async (extension: string) => {
      const file = path(`prediction.${extension}`);
      expect(await run(model, input, file)).toMatchObject({ code: 0, stderr: "" });
      return readFileSync(file);
    };
    const expected = loadSafetensors(await read("safetensors")).tensors.get("out")!;
    const [points, width] = expected.shape;
    const positions = toFloat32(inputs.get("node_positions")!);
    const channels = Array.from({ length: width }, (_, channel) => `out_${channel}`);
    for (const extension of ["csv", "ply"]) {
      const cloud = readPointCloud(await read(extension), extension, { attributes: [...channels, "batch_idx"] });
      expect(cloud.positions).toEqual(positions);
      channels.forEach((name, channel) => {
        const column = expected.data.filter((_: unknown, i: number) => i % width === channel);
        expect(cloud.attributes!.get(name)!.data).toEqual(column);
      });
    }
    for (const extension of ["vtk", "vtu", "vtp"]) {
      expect(readPointCloud(await read(extension), extension, { attributes: ["out"] }), extension).toEqual({
        positions,
        dimensionality: 3,
        attributes: new Map([["out", { data: expected.data, channels: width }]]),
      });
    }
    const npz = loadNpz(await read("npz"));
    expect(npz.get("out")).toEqual(expected);
    expect([...npz.keys()]).toEqual(["node_positions", "batch_idx", "out"]);
    expect(loadNpy(await read("npy"))).toEqual({ dtype: "F32", shape: [points, width], data: expected.data });
  });

  it("takes columns, properties, point data and arrays as features", async () => {
    const { model, inputs } = split("s_small_clouds_eval");
    const features = toFloat32(inputs.get("node_features")!);
    const positions = toFloat32(inputs.get("node_positions")!);
    const points = positions.length / 3;
    const channels = features.length / points;
    const cloud = {
      positions,
      dimensionality: 3,
      attributes: new Map([
        ["batch_idx", { data: new Int32Array(points), channels: 1 }],
        ["f", { data: features, channels }],
      ]),
    };
    const predict = (file: string, names: string) =>
      run(model, file, path("features-out.npy"), "--knn", "4", "--features", names);
    // What a file gives that has them by the name that needs no option.
    const named = path("node-features.safetensors");
    const pick = (name: string) => [name, inputs.get(name)!] as const;
    writeFileSync(named, saveSafetensors(new Map([pick("node_features"), pick("node_positions")])));
    expect(await run(model, named, path("expected.npy"), "--knn", "4")).toMatchObject({ code: 0, stderr: "" });
    const expected = readFileSync(path("expected.npy"));
    const columns = Array.from({ length: channels }, (_, i) => `f_${i}`).join(",");
    for (const [name, features] of [
      ["features.safetensors", "f"],
      ["in.csv", columns],
      ["in.ply", columns],
      // A vector's columns together, by its name.
      ["in.csv", "f"],
      ["in.ply", "f"],
      ["in.vtk", "f"],
      ["in.vtu", "f"],
      ["in.npz", "f"],
    ]) {
      writeFileSync(path(name), writePointCloud(cloud, name));
      expect(await predict(path(name), features)).toMatchObject({ code: 0, stderr: "" });
      expect(readFileSync(path("features-out.npy")).equals(expected), name).toBe(true);
    }
    // The output is the whole mesh, with the prediction as an additional array.
    const mesh = await run(model, path("in.vtu"), path("mesh-out.vtu"), "--knn", "4", "--features", "f");
    expect(mesh).toMatchObject({ code: 0, stderr: "" });
    const pointData = loadVtu(readFileSync(path("mesh-out.vtu"))).pointData;
    expect([...pointData.keys()]).toEqual(["batch_idx", "f", "out"]);
    expect(pointData.get("out")).toEqual(loadNpy(expected));
    expect(errorLine(await predict(path("in.csv"), "f_0,g"))).toContain(
      'in.csv: has no attribute "g"; there are "x", "y",',
    );
    expect(errorLine(await run(model, path("in.npz"), path("never.csv"), "--knn", "4"))).toMatch(
      /has no node_features, .*--features NAME/,
    );
  });

  /** Writes points in steps of 1/8 far from zero, with the features of a golden case. @param far how far */
  const writeMap = (name: string, far: number, Numbers: Float32ArrayConstructor | Float64ArrayConstructor) => {
    const { inputs } = split("s_small_clouds_eval");
    const points = inputs.get("node_positions")!.shape[0];
    const at = (i: number) => [far + i / 8, 11 * far + (i % 7) / 4, i / 3];
    const data = Numbers.from(Array.from({ length: points }, (_, i) => at(i)).flat());
    const dtype = data instanceof Float64Array ? "F64" : "F32";
    const positions: SafeTensor = { dtype, shape: [points, 3], data };
    writeFileSync(
      path(name),
      saveNpz(
        new Map([
          ["node_features", inputs.get("node_features")!],
          ["node_positions", positions],
        ]),
      ),
    );
    return positions;
  };

  it("says once that a file has the coordinates of a map in float32", async () => {
    const { model } = split("s_small_clouds_eval");
    mkdirSync(path("maps"));
    for (const name of ["maps/a.npz", "maps/b.npz"]) writeMap(name, 512345, Float32Array);
    const note = /^note: .*maps\/[ab]\.npz: the coordinates are .* to steps of 0.5: subtract a constant from them\.\n$/;
    const one = await run(model, path("maps/a.npz"), path("map.npy"), "--knn", "4");
    expect(one).toMatchObject({ code: 0, stderr: expect.stringMatching(note) });
    const many = await run(model, path("maps"), path("maps-out"), "--knn", "4");
    expect(many).toMatchObject({ code: 0, stderr: expect.stringMatching(note) });
  });

  it("takes the coordinates of a map in float64 without rounding them, and writes them so", async () => {
    const { model } = split("s_small_clouds_eval");
    mkdirSync(path("exact"));
    const { data } = writeMap("exact/far.npz", 512345.125, Float64Array);
    writeMap("near.npz", 0, Float64Array);
    expect(await run(model, path("near.npz"), path("near.npy"), "--radius", "1")).toMatchObject({ code: 0 });
    const expected = loadNpy(readFileSync(path("near.npy")));
    for (const name of ["far.npz", "far.csv", "far.vtu", "far.vtk"]) {
      const one = await run(model, path("exact/far.npz"), path(name), "--radius", "1");
      expect(one).toMatchObject({ code: 0, stderr: "" });
      const cloud = readPointCloud(readFileSync(path(name)), name);
      expect([name, cloud.exact]).toEqual([name, data]);
    }
    expect(await run(model, path("exact"), path("exact-out"), "--radius", "1", "--format", "npz")).toMatchObject({
      code: 0,
      stderr: "",
    });
    const found = loadNpz(readFileSync(path("exact-out/far.npz")));
    expect(found.get("node_positions")?.data).toEqual(data);
    expect(difference(found.get("out"), expected)).toBeLessThan(1e-5);
  });

  it("reads node_features of an archive of NumPy", async () => {
    const { model, input, inputs } = split("s_small_clouds_eval");
    writeFileSync(path("names.npz"), saveNpz(inputs));
    for (const file of [input, path("names.npz")]) {
      expect(await run(model, file, path("names-out.npy"))).toMatchObject({ code: 0, stderr: "" });
      writeFileSync(`${file}.out`, readFileSync(path("names-out.npy")));
    }
    expect(readFileSync(`${input}.out`).equals(readFileSync(path("names.npz.out")))).toBe(true);
  });

  it("refuses to write over the input or the model, whatever names lead to them", async () => {
    const { model, input } = split("s_small_clouds_eval");
    symlinkSync(input, path("link.safetensors"));
    const before = [readFileSync(input), readFileSync(model)];
    for (const output of [
      input,
      model,
      path("link.safetensors"),
      path("./sub/../s_small_clouds_eval-input.safetensors"),
    ]) {
      const result = await run(model, input, output);
      expect(result.code).toBe(1);
      expect(errorLine(result)).toContain("would be written over the input");
    }
    expect(errorLine(await erwin(["tree", "--input", input, "--output", input]))).toContain("written over the input");
    expect([readFileSync(input).equals(before[0]), readFileSync(model).equals(before[1])]).toEqual([true, true]);
  });

  it("does not write a bottleneck's output as points", async () => {
    const { model, input } = split("e_encoder_only_train");
    const refused = await run(model, input, path("bottleneck.ply"));
    expect(refused.code).toBe(1);
    expect(errorLine(refused)).toContain("does not decode");
    expect(existsSync(path("bottleneck.ply"))).toBe(false);
    expect((await run(model, input, path("bottleneck.npz"))).code).toBe(0);
    expect([...loadNpz(readFileSync(path("bottleneck.npz"))).keys()]).toEqual(["out", "out_batch_idx"]);
  });
});

describe("erwin predict of many files", () => {
  const words = (model: string, input: string, output: string) => [
    "predict",
    "--model",
    model,
    "--input",
    input,
    "--output",
    output,
    "--knn",
    "4",
    ...onCpu,
  ];
  const read = (name: string) => readFileSync(path(name));

  it("gives the bits each file gives alone, names what failed, and later does what is left", async () => {
    const { model, input, inputs } = split("s_small_clouds_eval");
    mkdirSync(path("many/sub"), { recursive: true });
    // One file contains its tree and graph, the other does not.
    copyFileSync(input, path("many/whole.safetensors"));
    for (const name of ["tree_idx", "tree_mask", "edge_index"]) inputs.delete(name);
    writeFileSync(path("many/sub/bare.safetensors"), saveSafetensors(inputs));
    writeFileSync(path("many/cut.safetensors"), read("many/whole.safetensors").subarray(0, 100));
    const features = toFloat32(inputs.get("node_features")!).fill(3e38);
    const huge = { ...inputs.get("node_features")!, data: features };
    writeFileSync(path("many/huge.safetensors"), saveSafetensors(new Map([...inputs, ["node_features", huge]])));
    mkdirSync(path("many/closed"));

    const flags = [`--deny-read=${path("many/closed")}`];
    const first = await erwinAlone(words(model, path("many"), path("predicted")), { flags });
    expect(first.code).toBe(1);
    expect(first.stdout).toContain("2 predicted, 0 skipped, 2 failed; ");
    const lines = first.stderr.split("\n");
    expect(lines[0]).toMatch(/^error: .*many\/closed/);
    expect(lines.slice(1, 3).sort()).toEqual([
      expect.stringMatching(/^error: .*cut\.safetensors: /),
      expect.stringMatching(/^error: .*huge\.safetensors: the prediction is NaN in row 0, column 0, expected finite/),
    ]);
    expect(lines.slice(3)).toEqual(["error: 2 of 4 files failed, and 1 folder could not be read.", ""]);
    rmSync(path("many/huge.safetensors"));
    for (const name of ["whole", "sub/bare"]) {
      await erwin(words(model, path(`many/${name}.safetensors`), path("alone.safetensors")));
      expect(read(`predicted/${name}.safetensors`).equals(read("alone.safetensors")), name).toBe(true);
    }

    copyFileSync(input, path("many/cut.safetensors"));
    // The record says that the file is this input's output; the other contents do not matter.
    const { metadata } = loadSafetensors(read("predicted/whole.safetensors"));
    const kept = saveSafetensors({ kept: { shape: [1], data: Float32Array.of(7) } }, metadata);
    writeFileSync(path("predicted/whole.safetensors"), kept);
    const second = await erwin(words(model, path("many"), path("predicted")));
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain("1 predicted, 2 skipped, 0 failed; ");
    expect(read("predicted/whole.safetensors").equals(kept)).toBe(true);

    const shard = await erwin([...words(model, path("many"), path("predicted")), "--overwrite", "--shard", "3/3"]);
    expect(shard.stdout).toMatch(/shard 3\/3 of 3 files: 1\n.*1 predicted, 0 skipped, 0 failed; /);
    expect(read("predicted/whole.safetensors").equals(kept)).toBe(false);
    const empty = await erwin([...words(model, path("many"), path("predicted")), "--shard", "4/4"]);
    expect(empty).toMatchObject({ code: 0, stderr: "" });
    const tables = await erwin([...words(model, path("many"), path("tables")), "--format", "csv"]);
    expect(tables).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(path("tables")).sort()).toEqual([
      ...["cut.csv", "cut.csv.job.json", "sub", "whole.csv", "whole.csv.job.json"],
    ]);
    const { dimensionality, attributes } = readPointCloud(read("tables/sub/bare.csv"), "csv", {
      attributes: ["out_0"],
    });
    expect([dimensionality, attributes!.get("out_0")!.data.length]).toEqual([3, inputs.get("batch_idx")!.shape[0]]);
    expect(empty.stdout).toMatch(/shard 4\/4 of 3 files: none, it is empty\n.*0 predicted, 0 skipped, 0 failed\n/);
  });

  it("ends between batches after SIGINT, and the same command goes on", async () => {
    const { model, input } = split("c_3d_rot_eval");
    const files = 40;
    writeFileSync(path("list.txt"), Array.from({ length: files }, (_, i) => `listed/${i}.safetensors\n`).join(""));
    mkdirSync(path("listed"));
    for (let i = 0; i < files; i++) copyFileSync(input, path(`listed/${i}.safetensors`));
    const command = words(model, path("list.txt"), path("from-list"));
    const first = await interruptErwin([...command, "--batch-points", "1"], 10, () =>
      existsSync(path("from-list/listed/0.safetensors")),
    );
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(
      /^stopping after this batch; once more ends at once\nerror: Interrupted with \d+ files left: the same command continues with them\.\n$/,
    );
    const made = Number(/(\d+) predicted/.exec(first.stdout)?.[1]);
    expect(readdirSync(path("from-list/listed")).length).toBe(made);
    const second = await erwin(command);
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain(`${files - made} predicted, ${made} skipped, 0 failed; `);
  });
});
