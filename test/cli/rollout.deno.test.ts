// erwin predict --rollout: from a single file, past the last frame of sequences, skipping what is there, and ended by a signal.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadPvd, loadVtu, savePvd, saveVtu, toFloat32 } from "erwin/formats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, interruptErwin, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();
const onCpu = ["--backend", "cpu", "--threads", "1"];
const line = Float32Array.from({ length: 48 }, (_, i) => (i % 3 === 0 ? i / 48 : 0));

/** A frame of a rod that cools; `wind` changes with it or not. */
function rod(frame: number, { wind = 1, isKnown = true } = {}) {
  const heat = Float32Array.from({ length: 16 }, (_, p) => 300 + 5 * Math.sin(p / 3 - frame));
  const pointData = new Map([
    ...(isKnown ? ([["heat", { shape: [16], data: heat }]] as const) : []),
    ["wind", { shape: [16], data: new Float32Array(16).fill(wind) }] as const,
  ]);
  const cells = { offsets: Int32Array.of(0, 2), connectivity: Int32Array.of(0, 1), types: Uint8Array.of(3) };
  const cellData = new Map([["quality", { shape: [1], data: Float32Array.of(0.5) }]]);
  return saveVtu({ points: { shape: [16, 3], data: line }, pointData, cells, cellData });
}

const config = `
sequence: true
inputs: [wind]
targets: [heat]
graph: {kind: knn, k: 3}
splits: {train: ["*"]}
model: {c_in: 8, c_hidden: 8, ball_sizes: [8], enc_depths: [1], enc_num_heads: [2], dec_depths: [], dec_num_heads: [], strides: []}
training: {steps: 2, batch_size: 2}
`;

beforeAll(async () => {
  mkdirSync(path("rods"));
  for (const name of ["a", "b"])
    for (let i = 0; i < 4; i++) writeFileSync(path(`rods/${name}-${i}.vtu`), rod(i, { wind: name === "a" ? 1 : 2 }));
  const times = [0, 1, 2, 3].map((i) => ({ file: `a-${i}.vtu`, time: i / 10 }));
  writeFileSync(path("rods/a.pvd"), savePvd(times));
  writeFileSync(path("config.yaml"), config);
  const words = ["--data-path", path("rods"), "--config", path("config.yaml"), "--out", path("run")];
  const trained = await erwin(["train", ...words, ...onCpu]);
  expect(trained.code, trained.stderr).toBe(0);
});

const words = (input: string, output: string, ...more: string[]) => [
  ...["predict", "--model", path("run"), "--input", path(input), "--output", path(output), ...onCpu, ...more],
];
const predict = (input: string, output: string, ...more: string[]) => erwin(words(input, output, ...more));

/** Returns the frames that a collection lists. */
function framesOf(collection: string) {
  return loadPvd(readFileSync(path(collection))).map(({ file, time }) => {
    const { pointData, cellData } = loadVtu(readFileSync(join(path(collection), "..", file)));
    return { file, time, names: [...pointData.keys()], cellData, data: toFloat32(pointData.get("prediction")!) };
  });
}

it("goes on from a single file, and past the last frame of a sequence with the same numbers", async () => {
  const found = await predict("rods/a.pvd", "past", "--rollout", "6");
  expect(found).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^a\.pvd: 6 steps by .*, into /) });
  const past = framesOf("past/a.pvd");
  expect(past.map(({ file, time }) => [file, time])).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => [`a.${i}.vtu`, i / 10]));
  expect(past.map(({ names }) => names.join())).toEqual([
    ...Array(4).fill("heat,wind,prediction,error"),
    ...Array(3).fill("wind,prediction"),
  ]);
  for (const { cellData } of past) expect([...cellData.keys()]).toEqual(["quality"]);

  mkdirSync(path("init"));
  writeFileSync(path("init/initial.vtu"), rod(0));
  writeFileSync(path("init/notes.txt"), "of no use");
  expect(await predict("init/initial.vtu", "single", "--rollout", "12")).toMatchObject({ code: 0, stderr: "" });
  const single = framesOf("single/initial.pvd");
  expect(single.map(({ file, time }) => [file, time])).toEqual(
    Array.from({ length: 13 }, (_, i) => [`initial.${String(i).padStart(2, "0")}.vtu`, i]),
  );
  expect(single.slice(0, 7).map(({ data }) => data)).toEqual(past.map(({ data }) => data));

  // A folder of such, also if earlier predictions are in it, in another format.
  for (const _ of [0, 1]) {
    const again = ["--rollout", "1", "--format", "csv", "--overwrite"];
    expect(await predict("init", "init/out", ...again)).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(path("init/out"))).toEqual(["initial.0.csv", "initial.1.csv", "initial.job.json"]);
  }
  expect(readFileSync(path("init/out/initial.1.csv"), "utf8")).toMatch(/^x,y,z,wind,prediction\n/);
});

it("skips what is there of the same model, files and options, and continues after a signal", async () => {
  const all = (...more: string[]) => predict("rods", "skipped", "--rollout", "3", ...more);
  const counts = ({ stdout }: { stdout: string }) =>
    [/steps/g, /skipped, it is in/g].map((what) => stdout.match(what)?.length);
  expect(counts(await all())).toEqual([2, undefined]);
  expect(counts(await all())).toEqual([undefined, 2]);
  expect(counts(await all("--overwrite"))).toEqual([2, undefined]);
  rmSync(path("skipped/b.3.vtu"));
  expect(counts(await all())).toEqual([1, 1]);
  writeFileSync(path("rods/b-0.vtu"), rod(0.5, { wind: 2 }));
  expect(counts(await all())).toEqual([1, 1]);
  expect(counts(await predict("rods", "skipped", "--rollout", "2"))).toEqual([2, undefined]);
  // What was written over is not taken for a whole.
  expect(counts(await all())).toEqual([2, undefined]);

  const long = words("rods", "long", "--rollout", "100000");
  const ended = await interruptErwin(long, 200, () => existsSync(path("long/a.000009.vtu")));
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("Interrupted with 2 sequences left") });
  const frames = framesOf("long/a.pvd");
  expect(frames.length).toBeGreaterThanOrEqual(10);
  expect(frames.length).toBe(readdirSync(path("long")).filter((name) => name.endsWith(".vtu")).length);
  expect(existsSync(path("long/a.job.json"))).toBe(false);
});

it("names what changes and would not be known, goes on with other sequences, and takes frames that have it", async () => {
  mkdirSync(path("forced"));
  for (let i = 0; i < 6; i++) {
    writeFileSync(path(`forced/a-${i}.vtu`), rod(i, { wind: 1 + i, isKnown: i < 3 }));
    writeFileSync(path(`forced/b-${i}.vtu`), rod(i));
  }
  const refused = await predict("forced", "refused", "--rollout", "8");
  expect(refused.code).toBe(1);
  expect(refused.stderr.split("\n")).toEqual([
    expect.stringMatching(
      /^error: .*a-1\.vtu: the input "wind" differs from that in .*a-0\.vtu, and .* predict 6 steps at most, or add frames/,
    ),
    "error: 1 of 2 sequences failed.",
    "",
  ]);
  expect(framesOf("refused/b.pvd")).toHaveLength(9);
  expect(await predict("forced", "taken", "--rollout", "6")).toMatchObject({ code: 0, stderr: "" });
  expect(framesOf("taken/a.pvd").map(({ names }) => names.includes("error"))).toEqual([
    ...Array(3).fill(true),
    ...Array(4).fill(false),
  ]);
  expect(await predict("forced", "all", "--rollout", "all")).toMatchObject({ code: 0, stderr: "" });
  expect(framesOf("all/a.pvd")).toHaveLength(6);
});

it("says what is no number of steps, and what cannot be the output", async () => {
  const refuse = async (...more: string[]) => (await predict("rods/a-0.vtu", "none", ...more)).stderr.split("\n")[0];
  for (const steps of ["0", "-1", "1.5", "1e9", "many"]) {
    expect(await refuse("--rollout", steps)).toBe(
      `error: --rollout is "${steps}", expected a whole number from 1 to 1000000, or all.`,
    );
  }
  expect(await refuse("--rollout", "2", "--format", "npy")).toMatch(/expected a file that ends in .*\.vtu/);
  expect(await refuse("--rollout", "2", "--lease", "3")).toContain("--lease is of no use to sequences");
  expect(await refuse("--rollout", "all")).toContain("holds no sequence");
  const output = await predict("rods/a-0.vtu", "out.vtu", "--rollout", "2");
  expect(output.stderr).toMatch(/--output is ".*out\.vtu", expected a folder for the frames/);
  const history = ["--data-path", path("rods"), "--config", path("config.yaml"), "--out", path("history")];
  expect((await erwin(["train", ...history, ...onCpu, "sequence={history: 2}"])).code).toBe(0);
  const wanted = ["predict", "--model", path("history"), "--input", path("rods/a-0.vtu"), "--output", path("none")];
  expect(errorLine(await erwin([...wanted, "--rollout", "2", ...onCpu]))).toMatch(
    /a-0\.vtu: is one frame, but the model begins with the last of 3 \(history 2, stride 1\): give it a sequence of as many/,
  );
});
