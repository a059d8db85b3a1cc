// The model against the golden cases: outputs, running statistics, the encoder's batch index, and checkpoints' names.

import { loadSafetensors } from "erwin";
import { describe, expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { forwardCases, loadGoldenCase, numbers, tensorsBelow } from "../support/golden.ts";
import { forwardToHost, modelFrom, useDevice } from "../support/models.ts";

const device = useDevice();

describe.each(forwardCases)("%s", (name) => {
  test("gives the stored output and running statistics", async () => {
    const { golden, config, train, state, input } = await loadGoldenCase(name);
    const tolerance = train ? 5e-5 : 1e-5;
    using model = await modelFrom(config, state, device());
    if (train) model.train();
    const out = await forwardToHost(model, input);

    const expected = golden.tensors.get("out_f64");
    expect(out.shape).toEqual(expected?.shape);
    expectClose(out.data, numbers(golden, "out_f64"), tolerance, "out", { columns: out.shape[1] });
    if (golden.tensors.has("out_batch_idx")) {
      expect(Array.from(out.batchIdx ?? [])).toEqual(Array.from(numbers(golden, "out_batch_idx")));
    }

    // In eval mode a pass does not change the buffers.
    const buffers = train ? tensorsBelow(golden, "after.") : state;
    const saved = loadSafetensors(await model.save()).tensors;
    for (const [buffer, { data }] of buffers) {
      if (buffer.endsWith("num_batches_tracked")) expect(saved.get(buffer)?.data, buffer).toEqual(data);
      if (!/running_(mean|var)$/.test(buffer)) continue;
      const actual = (await model.state().get(buffer)?.data()) as Float32Array;
      expectClose(actual, data as Float32Array, train ? 1e-5 : 0, buffer);
      expect(saved.get(buffer)?.data, `${buffer} as it is saved`).toEqual(actual);
    }
  });
});

describe("a checkpoint", () => {
  test("of a compiled model loads like that of an uncompiled one", async () => {
    const { config, state, input } = await loadGoldenCase("a_2d_tiny_train");
    const compiled = new Map([...state].map(([name, tensor]) => [`_orig_mod.${name}`, tensor]));
    using plain = await modelFrom(config, state, device());
    using stripped = await modelFrom(config, compiled, device());
    expect([...loadSafetensors(await stripped.save()).tensors.keys()].sort()).toEqual([...state.keys()].sort());
    expect((await forwardToHost(stripped, input)).data).toEqual((await forwardToHost(plain, input)).data);
  });

  test("is saved with every tensor as it was loaded, bit for bit", async () => {
    const { config, state } = await loadGoldenCase("e_encoder_only_train");
    using model = await modelFrom(config, state, device());
    const saved = loadSafetensors(await model.save());
    expect([...saved.tensors.keys()].sort()).toEqual([...state.keys()].sort());
    for (const [name, { shape, data }] of state) {
      expect(saved.tensors.get(name)?.shape, name).toEqual(shape);
      expect(saved.tensors.get(name)?.data, name).toEqual(data);
    }
    expect(JSON.parse(saved.metadata.config)).toBeTypeOf("object");
  });
});
