// Any words after a command are read, or refused by a UsageError. The options are those that several commands share.

import { expect, it } from "vitest";
import { Arguments, UsageError } from "../../src/cli/command.ts";
import { parseBenchWords } from "../../src/cli/options/bench.ts";
import { limitOption, readLimits } from "../../src/cli/options/limit.ts";
import { fileOptions, modelOptions, readModelChoice } from "../../src/cli/options/shared.ts";
import { arrayFormat, predictionFormat } from "../../src/cli/output.ts";
import { parseShard } from "../../src/cli/predict/shard.ts";
import { fuzz } from "../support/fuzz.ts";

const options = { ...fileOptions, ...modelOptions, ...limitOption };
const lines = [
  "--model m.safetensors --input a.ply --output b.csv --knn 16 --backend cpu --threads 2",
  "--model=m --features a,b --radius 0.5 --mode eval --precision mixed --limit depth=64 more",
  "forward --points 2048,4096 --clouds 16 --seconds 0.5 --repeat 3 --profile --table",
  "3/8 1/1",
];

function attempt(bytes: Uint8Array): string | undefined {
  const words = new TextDecoder().decode(bytes).split(" ");
  const args = () => Arguments.parse({ options, positionals: 100 }, words);
  const reads = [
    () => parseBenchWords(words),
    () => parseShard(words[0]),
    () => predictionFormat(words[0]),
    () => arrayFormat(words[0]),
    () => readModelChoice(args()),
    () => readLimits(args()),
  ];
  const refusals = reads.flatMap((read) => {
    try {
      read();
      return [];
    } catch (error) {
      if (error instanceof UsageError) return [error.message];
      throw error;
    }
  });
  return refusals.length > 0 ? refusals.join("; ") : undefined;
}

it(
  "command line",
  async () => {
    const seeds = lines.map((line) => new TextEncoder().encode(line));
    const { inputs, refused } = await fuzz({ name: "command line", seeds, short: 150, attempt });
    expect(refused).toBeGreaterThan(inputs / 20);
  },
  2 ** 31 - 1,
);
