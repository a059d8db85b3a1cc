// A file beyond a limit is refused with the limit's name, and read after the limit is raised.

import { afterEach, expect, it } from "vitest";
import { cloudOffsets } from "../../src/balltree/index.ts";
import { Arguments, UsageError } from "../../src/cli/command.ts";
import { limitOption, readLimits } from "../../src/cli/limit-option.ts";
import { ConfigError, type ErwinError } from "../../src/errors.ts";
import { resolveConfig } from "../../src/erwin/config.ts";
import {
  loadHdf5,
  loadNpy,
  loadSafetensors,
  loadVtu,
  readPointCloud,
  readTensorProto,
  saveHdf5,
  saveNpy,
  saveSafetensors,
  saveVtu,
} from "../../src/formats/index.ts";
import { type Limits, limits, setLimits } from "../../src/limits.ts";
import { oneBlock } from "../support/configs.ts";

afterEach(() => setLimits({}));

const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
const text = (written: string) => new TextEncoder().encode(written);
const hdf5 = saveHdf5(new Map([["a", { dtype: "F32" as const, ...zeros(2 ** 19) }]]));
const vtu = saveVtu({ points: zeros(1, 3) });

/** The name of a limit, a value at which the read is refused, and the read, which the default allows. */
const cases: [keyof Limits, number, () => unknown][] = [
  ["headerBytes", 60, () => loadSafetensors(saveSafetensors({ a: zeros(2, 2) }))],
  ["npyHeaderBytes", 100, () => loadNpy(saveNpy(zeros(3)))],
  ["lineBytes", 66_000, () => readPointCloud(text(`x,y,z\n1,2,3.${"3".repeat(70_000)}\n`), "a.csv")],
  ["dimensions", 2, () => loadNpy(saveNpy(zeros(1, 1, 1)))],
  ["depth", 2, () => loadVtu(vtu)],
  ["expansion", 0.5, async () => loadHdf5(await hdf5)],
  // The field 5 is a float; the type is 1, the shape one dimension.
  ["repeated", 8, () => readTensorProto(Uint8Array.of(8, 1, 18, 4, 18, 2, 8, 9, 45, 0, 0, 128, 63), "tensor")],
  ["clouds", 2, () => cloudOffsets(3, { batchIdx: [0, 1, 2] })],
  ["points", 2, () => cloudOffsets(3)],
  ["levels", 1, () => resolveConfig({ ...oneBlock, ...twoLevels })],
  ["width", 7, () => resolveConfig(oneBlock)],
  ["steps", 2, () => resolveConfig({ ...oneBlock, encDepths: [3] })],
  ["nodes", 4, () => resolveConfig(oneBlock)],
];
const twoLevels = {
  ...{ cHidden: [8, 8], ballSizes: [8, 8], encNumHeads: [2, 2], encDepths: [1, 1] },
  ...{ decNumHeads: [2], decDepths: [1], strides: [2] },
};

async function refusal(read: () => unknown): Promise<ErwinError> {
  try {
    await read();
  } catch (error) {
    return error as ErwinError;
  }
  return expect.fail("nothing was thrown");
}

it.each(cases)("%s", async (name, limit, read) => {
  const within = await read();
  setLimits({ [name]: limit });
  const { message } = await refusal(read);
  const [, needed] = new RegExp(`the limit ${name}, ${limit}: setLimits\\({ ${name}: (\\d+) }\\)`).exec(message) ?? [];
  expect(Number(needed), message).toBeGreaterThan(limit);
  setLimits({ [name]: Number(needed) * 2 });
  expect(await read()).toEqual(within);
});

it("refuses limits that are none, and keeps the others", () => {
  const before = { ...limits };
  expect(() => setLimits({ lineByte: 3 } as Partial<Limits>)).toThrow(ConfigError);
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
