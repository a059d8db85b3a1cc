// The loaders of cosmology and eagle: which samples and frames they take, and errors that name the damaged file.

import { describe, expect, it } from "vitest";
import { loadCatalogues } from "../../src/experiments/cosmology/catalogues.ts";
import { type ByteRange, MemorySource, sortedNames } from "../../src/experiments/data-source.ts";
import { meanErrors, persistenceErrors } from "../../src/experiments/eagle/rollout.ts";
import { loadFlows, STATE_DEVIATION, STATE_MEAN, sidesOf } from "../../src/experiments/eagle/trajectories.ts";
import { saveNpy } from "../../src/formats/numpy/npy.ts";
import { saveNpz } from "../../src/formats/numpy/npz.ts";
import type { SafeTensorInput } from "../../src/formats/safetensors/safetensors.ts";
import { writeExample } from "../../src/formats/tensorflow/tensorflow.ts";
import { writeTfRecords } from "../../src/formats/tensorflow/tfrecord.ts";
import { Random } from "../../src/random.ts";

const random = new Random(0);
const text = (lines: string) => new TextEncoder().encode(lines);

type Files = Map<string, Uint8Array>;

/** Expects a FormatError that names the file, once `change` has been made to the files. */
async function expectBad(
  files: Files,
  file: string,
  change: (files: Files) => void,
  read: (source: MemorySource) => Promise<unknown>,
) {
  const changed = new Map(files);
  change(changed);
  await expect(read(new MemorySource(changed, "D"))).rejects.toMatchObject({
    name: "FormatError",
    message: expect.stringContaining(`D/${file}`),
    details: { file: expect.stringContaining(`D/${file}`) },
  });
}

it("files are taken in the order in which Python sorts their names, by code points", async () => {
  const names = ["a", "ab", "a\uff5e", "a\u{1f600}", "b"];
  const source = new MemorySource(new Map([...names].reverse().map((name) => [name, text("")])));
  expect(await sortedNames(source, "", "files")).toEqual(names);
});

describe("cosmology", () => {
  const names = ["x", "y", "z", "v_x", "v_y", "v_z"];
  /** The element of halo h in column c is 1000 * first + 10 c + h. */
  const record = (first: number, halos: number, change: Record<string, Float32Array> = {}) => {
    const columns = names.map(
      (name, c) => [name, Float32Array.from({ length: halos }, (_, h) => 1000 * first + 10 * c + h)] as const,
    );
    const all = { ...Object.fromEntries(columns), ...change };
    return writeExample(new Map(Object.entries(all).map(([name, data]) => [name, { shape: [data.length], data }])));
  };
  const file = (...records: Uint8Array[]) => writeTfRecords(records);
  const train = "halos_train_0.tfrecord";
  const files: Files = new Map([
    // The order is that of the names, as Python sorts them.
    ["halos_train_10.tfrecord", file(record(3, 4))],
    [train, file(record(1, 3), record(2, 3))],
    ["halos_val_0.tfrecord", file(record(4, 2))],
    ["notes.txt", text("not a catalogue")],
  ]);
  const load = (source: MemorySource, most = 100) => loadCatalogues(source, "train", most);

  it("takes the records of all files of a split, in the files' order, and standardises them", async () => {
    const split = await load(new MemorySource(files, "D"));
    expect(Array.from({ length: split.size }, (_, i) => split.nameOf(i))).toEqual([
      "halos_train_0.tfrecord record 0",
      "halos_train_0.tfrecord record 1",
      "halos_train_10.tfrecord record 0",
    ]);
    const { halos, positions, velocities } = await split.load(2, random);
    expect(halos).toBe(4);
    // The numbers with which the published catalogues are standardised.
    const standardised = (value: number, mean: number, deviation: number) => Math.fround((value - mean) / deviation);
    expect([...positions.subarray(6, 9)]).toEqual([
      standardised(3002, 499.91877075908684, 288.71092533309235),
      standardised(3012, 500.0947802559321, 288.7525818573022),
      standardised(3022, 499.964508664328, 288.70234893905575),
    ]);
    expect([...velocities.subarray(3, 6)]).toEqual([
      standardised(3031, -0.0512854365234889, 344.0231468131901),
      standardised(3041, -0.01263126442198149, 343.9333673335964),
      standardised(3051, -0.06458034372345466, 344.071876710777),
    ]);
    expect((await load(new MemorySource(files, "D"), 2)).size).toBe(2);
  });

  it("names the file that is missing, cut, damaged, or of another shape", async () => {
    const bad = (change: (files: Files) => void) =>
      expectBad(files, train, change, async (source) => {
        const split = await load(source);
        for (let i = 0; i < split.size; i++) await split.load(i, random);
      });
    await expectBad(new Map(), "halos*train*.tfrecord", () => {}, load);
    const sound = files.get(train) as Uint8Array;
    await bad((all) => all.set(train, sound.slice(0, -1)));
    await bad((all) => all.set(train, sound.slice(0, 5)));
    for (const at of [0, 9, 30, sound.length - 1]) {
      await bad((all) =>
        all.set(
          train,
          sound.map((byte, i) => (i === at ? byte ^ 1 : byte)),
        ),
      );
    }
    await bad((all) => all.set(train, file(record(1, 3, { v_x: new Float32Array(2) }))));
    await bad((all) => all.set(train, file(record(1, 3, { y: Float32Array.of(1, Number.NaN, 2) }))));
    await bad((all) => all.set(train, file(record(1, 0))));
    await bad((all) => all.set(train, file(writeExample(new Map()))));
    await bad((all) => all.set(train, file(text("no example at all"))));
  });
});

describe("eagle", () => {
  const nodes = 5;
  const frames = 110;
  const each = (value: (frame: number, node: number) => number) =>
    Float32Array.from({ length: frames * nodes }, (_, i) => value(Math.floor(i / nodes), i % nodes));
  const perNode = (data: Float32Array | Int32Array): SafeTensorInput => ({ shape: [frames, nodes], data });
  const sound: Record<string, SafeTensorInput> = {
    pointcloud: { shape: [frames, nodes, 2], data: Float32Array.from({ length: 2 * frames * nodes }, (_, i) => i) },
    VX: perNode(each((frame, node) => frame + node / 10)),
    VY: perNode(each((frame) => -frame)),
    PS: perNode(each((_, node) => node)),
    PG: perNode(each(() => 0)),
    mask: perNode(Int32Array.from({ length: frames * nodes }, (_, i) => [0, 4, 5, 6, 2][i % nodes])),
  };
  const archive = (change: Record<string, SafeTensorInput> = {}) => saveNpz({ ...sound, ...change });
  const corners = Int32Array.from({ length: frames * 6 }, (_, i) => [0, 1, 2, 2, 1, 3][i % 6]);
  const triangles = (shape = [frames, 2, 3], data: SafeTensorInput["data"] = corners) => saveNpy({ shape, data });
  const files: Files = new Map([
    ["Splits/train.txt", text("Cre/1/1/\n\nTri/2/1\n")],
    ["Splits/valid.txt", text("Spl/1/1\n")],
    ["Splits/test.txt", text("Spl/1/1\r\n")],
    ...["Cre/1/1", "Tri/2/1", "Spl/1/1"].flatMap((name) => [
      [`${name}/sim.npz`, archive()] as const,
      [`${name}/triangles.npy`, triangles()] as const,
    ]),
  ]);
  const options = { shuffle: false, rollout: 400 };
  const source = new MemorySource(files, "D");
  /** Returns the first frame of a window, which its VX encodes. */
  const firstFrame = (states: Float32Array) => Math.abs(Math.round(states[0] * STATE_DEVIATION[0] + STATE_MEAN[0]));

  it("takes windows of six frames one after the other in training, or from anywhere", async () => {
    const split = await loadFlows(source, "train", "train", options);
    expect([split.size, split.nameOf(0), split.nameOf(1)]).toEqual([2, "Cre/1/1", "Tri/2/1"]);
    const starts: number[] = [];
    for (const epoch of [0, 1, 17, 18]) starts.push(firstFrame((await split.load(1, random, epoch)).states));
    // There are 105 first frames, so the sequence 6 x 18 wraps around.
    expect(starts).toEqual([0, 6, 102, 3]);
    const shuffled = await loadFlows(source, "train", "train", { ...options, shuffle: true });
    const drawn = new Set<number>();
    for (let i = 0; i < 50; i++) drawn.add(firstFrame((await shuffled.load(0, random)).states));
    expect(drawn.size).toBeGreaterThan(20);
  });

  it("validates two frames from frame 100, and tests as many as asked for or as there are", async () => {
    const window = await (await loadFlows(source, "val", "val", options)).load(0, random);
    expect(window).toMatchObject({ nodes, frames: 2, alone: false });
    expect(firstFrame(window.states)).toBe(100);
    expect(window.positions[0]).toBe(100 * nodes * 2);
    expect([...window.kinds.subarray(0, nodes)]).toEqual([0, 4, 5, 6, 2]);
    // The numbers with which the published flows are standardised, for node 3 in frame 101.
    const state = [Math.fround(101.3) + 0.0015, -101 - 0.2211, 3 + 0.8322, -4.605];
    const deviations = [1.797, 2.0258, 7.4013, 9.7232];
    const standardised = state.map((value, column) => Math.fround(value / deviations[column]));
    expect([...window.states.subarray(4 * (nodes + 3), 4 * (nodes + 4))]).toEqual(standardised);
    const test = await loadFlows(source, "test", "test", options);
    expect(await test.load(0, random)).toMatchObject({ frames: 10, alone: true });
    expect(await (await loadFlows(source, "test", "test", { ...options, rollout: 3 })).load(0, random)).toMatchObject({
      frames: 4,
    });
  });

  it("reads no more of an archive than the frames of a window", async () => {
    let taken = 0;
    class Counted extends MemorySource {
      override async read(path: string, range?: ByteRange): Promise<Uint8Array> {
        const bytes = await super.read(path, range);
        taken += bytes.length;
        return bytes;
      }
    }
    const split = await loadFlows(new Counted(files, "D"), "train", "train", options);
    await split.load(0, random, 0);
    taken = 0;
    await split.load(0, random, 1);
    const frame = nodes * (2 + 4 + 1) * 4 + 6 * 4;
    // The header of each of the six arrays is read again.
    expect(taken).toBe(6 * frame + 6 * 30);
  });

  it("names the file that is missing, cut, too short or does not fit the others", async () => {
    const sim = "Spl/1/1/sim.npz";
    const sides = "Spl/1/1/triangles.npy";
    const bad = (named: string, change: (files: Files) => void) =>
      expectBad(files, named, change, async (changed) =>
        (await loadFlows(changed, "val", "val", options)).load(0, random),
      );
    await bad("Splits/valid.txt", (all) => all.delete("Splits/valid.txt"));
    await bad("Splits/valid.txt", (all) => all.set("Splits/valid.txt", text("\n")));
    for (const path of [sim, sides]) {
      await bad(path, (all) => all.delete(path));
      await bad(path, (all) => all.set(path, (files.get(path) as Uint8Array).slice(0, -1)));
      await bad(path, (all) => all.set(path, new Uint8Array()));
    }
    const cut = (shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
    const changes: Record<string, SafeTensorInput>[] = [
      { pointcloud: cut([frames, nodes, 3]) },
      { pointcloud: cut([frames, nodes]) },
      { VX: cut([frames, nodes + 1]) },
      { PG: cut([frames - 9, nodes]) },
      { mask: cut([frames, nodes, 2]) },
      { mask: cut([frames, nodes, 1, 1]) },
      { mask: perNode(new Int32Array(frames * nodes).fill(9)) },
      { mask: perNode(new Int32Array(frames * nodes).fill(-1)) },
      { VY: perNode(new Float32Array(frames * nodes).fill(Number.NaN)) },
      Object.fromEntries(
        Object.keys(sound).map((name) => [name, cut([101, nodes, ...(name === "pointcloud" ? [2] : [])])]),
      ),
    ];
    for (const change of changes) {
      await bad(sim, (all) => all.set(sim, archive(change)));
    }
    const { PS: _, ...others } = sound;
    await bad(sim, (all) => all.set(sim, saveNpz(others)));
    await bad(sides, (all) => all.set(sides, triangles([frames, 3, 2])));
    await bad(sides, (all) =>
      all.set(
        sides,
        triangles(
          [frames, 2, 3],
          corners.map((corner) => corner + 2),
        ),
      ),
    );
    await bad(sides, (all) => all.set(sides, triangles([frames / 2, 4, 3])));
  });

  it("knows each side of its triangles once, in both directions", () => {
    expect([...sidesOf(Int32Array.of(0, 1, 2, 2, 1, 3), 4)]).toEqual([
      ...[0, 0, 1, 1, 2, 1, 2, 2, 3, 3],
      ...[1, 2, 2, 3, 3, 0, 0, 1, 1, 2],
    ]);
  });

  it("measures a flow in which nothing moves: known nodes are right, and what is asked for is the change", async () => {
    const window = await (await loadFlows(source, "test", "test", { ...options, rollout: 2 })).load(0, random);
    const [first, second] = persistenceErrors(window);
    // VX grows by 1 per frame and VY falls by 1, except at the known nodes 1, 3 and 4.
    const off = Math.sqrt((1 + 1) / 2);
    expect(first.velocity).toBeCloseTo((off * 2) / nodes, 4);
    expect(second.velocity).toBeCloseTo((2 * off * 2) / nodes, 4);
    expect(first.pressure).toBeCloseTo(0, 5);
    const change = (1 / STATE_DEVIATION[0] ** 2 + 1 / STATE_DEVIATION[1] ** 2) / 2;
    expect(first.loss).toBeCloseTo(change, 4);
    // At known nodes the previous state is the truth, so that the error is that of one step there, and of two steps elsewhere.
    expect(second.loss).toBeCloseTo((change * (3 + 2 * 4)) / nodes, 4);
  });

  it("measures a flow of one state: the change to it is compared with the truth's at all nodes", async () => {
    const window = await (await loadFlows(source, "test", "test", { ...options, rollout: 1 })).load(0, random);
    const [{ loss, velocity }] = meanErrors(window, [0, 1, 0, 0]);
    const truth = window.states.subarray(4 * nodes);
    const halves = truth.map((value, i) => ([1, 1, 0.1, 0.1][i % 4] * (value - (i % 4 === 1 ? 1 : 0)) ** 2) / 2);
    expect(loss).toBeCloseTo(halves.reduce((sum, half) => sum + half, 0) / nodes, 3);
    // Nodes 0 and 2 are free.
    const offs = [101, 101.2].map((speed) => {
      const [along, up] = [speed - STATE_MEAN[0], -101 - STATE_MEAN[1] - STATE_DEVIATION[1]];
      return Math.sqrt((along ** 2 + up ** 2) / 2);
    });
    expect(velocity).toBeCloseTo((offs[0] + offs[1]) / nodes, 4);
  });
});
