// What of PyTorch's checkpoints cannot be converted. test/cli/convert.deno.test.ts has what can.

import { expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { saveTorch } from "../../src/formats/torch/torch.ts";
import { fromTorch } from "../../src/train/checkpoints/torch.ts";

const embedding = { dtype: "F32" as const, shape: [16, 3], data: new Float32Array(48) };
const file = (...names: string[]) => saveTorch(new Map(names.map((name) => [name, embedding])));

it("holds one Erwin, where a config is given, and not two", () => {
  const two = file("first.embed.embed_fn.weight", "second.embed.embed_fn.weight");
  const refused = (bytes: Uint8Array, config = {}) => expect(() => fromTorch(bytes, { file: "a.pt", config }));
  refused(two).toThrow(CheckpointError);
  refused(two).toThrow('a.pt holds 2 Erwins: "first.", "second."');
  refused(file("head.weight"), { rotate: 45 }).toThrow("a.pt holds no Erwin that the config could be of");
  expect(fromTorch(file("head.weight")).config).toBeUndefined();
});
