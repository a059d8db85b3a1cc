// A file beyond a limit is refused with the limit's name, and read after the limit is raised.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { unzipSync, zipSync } from "fflate";
import { afterEach, expect, it } from "vitest";
import { cloudOffsets } from "../../src/balltree/index.ts";
import { Arguments, UsageError } from "../../src/cli/command.ts";
import { readBytes } from "../../src/cli/files/files.ts";
import { limitOption, readLimits } from "../../src/cli/options/limit.ts";
import { ConfigError } from "../../src/errors.ts";
import { resolveConfig } from "../../src/erwin/config.ts";
import { FileSource } from "../../src/experiments/sources/files.ts";
import { addArrays } from "../../src/formats/add-arrays.ts";
import {
  loadHdf5,
  loadNpy,
  loadNpz,
  loadSafetensors,
  loadTorch,
  loadVtu,
  readPointCloud,
  readTensorProto,
  saveHdf5,
  saveNpy,
  saveSafetensors,
  saveTorch,
  saveVtu,
  torchTensors,
  writePointCloud,
} from "../../src/formats/index.ts";
import { readBody } from "../../src/formats/sources/request.ts";
import { readSource } from "../../src/formats/sources/source.ts";
import { expectThreads } from "../../src/host/threads.ts";
import { type Limits, limits, setLimits } from "../../src/limits.ts";
import { oneBlock } from "../support/configs.ts";
import { rejection } from "../support/rejection.ts";

afterEach(() => setLimits({}));

const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
const text = (written: string) => new TextEncoder().encode(written);
const vtu = saveVtu({ points: zeros(1, 3) });
const here = new URL(import.meta.url);
const views = readFileSync(new URL("torch/values.pt", import.meta.url));
const content = new Uint8Array(101);
const receive = (headers: Record<string, string>) => readBody(new Response(content, { headers }), "URL");

/** Arrays of 1.5 MiB of zeros in files of a few kilobytes, but for the last. */
const large = { dtype: "F32" as const, ...zeros(2 ** 17, 3) };
const npz = zipSync({ "a.npy": saveNpy(large) });
const torch = zipSync(unzipSync(saveTorch(new Map([["a", large]]))));
const manyPoints = saveVtu({ points: large });
const hdf5 = saveHdf5(new Map([["a", large]]), { compress: true });
const unpack: (() => unknown)[] = [
  () => loadNpz(npz).get("a")?.data.length,
  () => torchTensors(loadTorch(torch)).get("a")?.data.length,
  async () => (await loadHdf5(await hdf5)).get("a")?.data.length,
  () => readPointCloud(manyPoints, "vtu").positions.length,
];

/** A cloud of three points in a format. */
const cloud = { positions: new Float32Array(9), dimensionality: 3 };
const stl = `solid\nfacet normal 0 0 1\nouter loop\n${"vertex 0 0 0\n".repeat(3)}endloop\nendfacet\nendsolid\n`;
const texts = { csv: "x,y\n1,2\n3,4\n5,6\n", obj: "v 1 2 3\n".repeat(3), stl };

/** The name of a limit, a value at which the read is refused, and the read, which the default allows. */
type Case = [keyof Limits, number, () => unknown];
const rows = (read: () => unknown): Case => ["rows", 2, read];
const cases: Case[] = [
  ["fileBytes", 100, () => readSource(here)],
  ["fileBytes", 100, () => receive({ "Content-Length": "101" })],
  ["fileBytes", 100, () => receive({ "Content-Length": "101, 101" })],
  ["fileBytes", 100, () => receive({})],
  ["fileBytes", 100, () => new FileSource(new Map([["a", new Blob([content])]])).read("a")],
  ["fileBytes", 100, () => readBytes(fileURLToPath(here))],
  ...Object.entries(texts).map(([format, written]) => rows(() => readPointCloud(text(written), format))),
  ...["ply", "vtk", "vtu"].map((format) => rows(() => readPointCloud(writePointCloud(cloud, format), format))),
  ...unpack.map((read): Case => ["unpackedBytes", 1e6, read]),
  ...unpack.map((read): Case => ["expansion", 0.5, read]),
  // Its tensors that are views of others are copied, its bytes are not compressed.
  ["unpackedBytes", 10, () => loadTorch(views)],
  ["headerBytes", 60, () => loadSafetensors(saveSafetensors({ a: zeros(2, 2) }))],
  ["npyHeaderBytes", 100, () => loadNpy(saveNpy(zeros(3)))],
  ["lineBytes", 66_000, () => readPointCloud(text(`x,y,z\n1,2,3.${"3".repeat(70_000)}\n`), "a.csv")],
  ["lineBytes", 66_000, () => addArrays(text(`x,y\n1,"2${`\n${"3".repeat(999)}`.repeat(70)}"\n`), new Map(), "a.csv")],
  ["dimensions", 2, () => loadNpy(saveNpy(zeros(1, 1, 1)))],
  ["depth", 2, () => loadVtu(vtu)],
  // The field 5 is a float; the type is 1, the shape one dimension.
  ["repeated", 8, () => readTensorProto(Uint8Array.of(8, 1, 18, 4, 18, 2, 8, 9, 45, 0, 0, 128, 63), "tensor")],
  ["clouds", 2, () => cloudOffsets(3, { batchIdx: [0, 1, 2] })],
  ["points", 2, () => cloudOffsets(3)],
  ["levels", 1, () => resolveConfig({ ...oneBlock, ...twoLevels })],
  ["width", 7, () => resolveConfig(oneBlock)],
  ["steps", 2, () => resolveConfig({ ...oneBlock, encDepths: [3] })],
  ["nodes", 4, () => resolveConfig(oneBlock)],
  ["threads", 2, () => expectThreads("threads", 3)],
];
const twoLevels = {
  ...{ cHidden: [8, 8], ballSizes: [8, 8], encNumHeads: [2, 2], encDepths: [1, 1] },
  ...{ decNumHeads: [2], decDepths: [1], strides: [2] },
};

const refusal = (read: () => unknown) => rejection(Promise.resolve().then(read));

it.each(cases)("%s", async (name, limit, read) => {
  const within = await read();
  setLimits({ [name]: limit });
  const { message } = await refusal(read);
  const [, needed] = new RegExp(`the limit ${name}, ${limit}: setLimits\\({ ${name}: (\\d+) }\\)`).exec(message) ?? [];
  expect(Number(needed), message).toBeGreaterThan(limit);
  setLimits({ [name]: Number(needed) * 2 });
  expect(await read()).toEqual(within);
});

it("are all in the table", () => {
  // Silence takes time: test/host/silence.unit.test.ts.
  const { silenceSeconds: _, ...sizes } = limits;
  expect(new Set(cases.map(([name]) => name))).toEqual(new Set(Object.keys(sizes)));
});

it("refuses limits that are none, and keeps the others", () => {
  const before = { ...limits };
  expect(() => setLimits({ lineByte: 3 } as Partial<Limits>)).toThrow(ConfigError);
  for (const nothing of [undefined, null])
    expect(() => setLimits(nothing as never)).toThrow(
      `there is no limit ${nothing}: known are ${Object.keys(limits).join(", ")}`,
    );
  for (const wrong of [0, Number.NaN, "9"])
    expect(() => setLimits({ depth: wrong as number })).toThrow(/limit depth must/);
  expect(limits).toEqual(before);
});

it("are options of every command", () => {
  const parse = (...words: string[]) => readLimits(Arguments.parse({ options: limitOption }, words));
  expect(parse("--limit", "depth=64", "--limit", "lineBytes=1e7")).toEqual({ depth: 64, lineBytes: 1e7 });
  for (const wrong of ["depths=3", "depth", "depth=x", "toString=3"])
    expect(() => parse("--limit", wrong)).toThrow(UsageError);
});
