// erwin convert, with files that PyTorch wrote (torch/make.py).

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AdamW, ErwinTransformer, loadSafetensors, loadTraining, nn, requestDevice } from "erwin";
import { afterAll, describe, expect, it } from "vitest";
import { loadTorch, TorchTensor, torchTensors } from "../../src/formats/torch/torch.ts";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const fixture = (name: string) => join(import.meta.dirname, "torch", name);
const load = (name: string) => loadTorch(readFileSync(fixture(name)));
const read = (name: string) => loadSafetensors(readFileSync(path(name)));

async function convert(input: string, output: string, ...words: string[]) {
  const result = await erwin(["convert", fixture(input), path(output), ...words]);
  expect(result.stderr).toBe("");
  expect(result.code).toBe(0);
  return result.stdout;
}

/** The experiment's model of make.py, with its parts in another order. */
class Experiment extends nn.Module {
  constructor(config: object) {
    super();
    this.child("pred_head", new nn.MLP([4, 4, 1]));
    this.child("main_model", new ErwinTransformer(config as Record<string, unknown>));
  }
}

describe("a training checkpoint of the reference", () => {
  it("becomes one that a run goes on from: weights, moments, counts, place", async () => {
    expect(await convert("checkpoint.pt", "last.safetensors")).toContain(
      "with its config, and the training after 3 steps",
    );
    const { metadata } = read("last.safetensors");
    expect(metadata.experiment).toBe("cosmology");
    const device = await requestDevice({ backend: "cpu", threads: 1 });
    const model = new Experiment(JSON.parse(metadata.config)).initialize({ device });
    const optimizer = new AdamW(model.parameters(), { betas: [0.8, 0.99], weightDecay: 0.02 });
    const progress = loadTraining(readFileSync(path("last.safetensors")), model, optimizer);
    expect(progress).toMatchObject({
      step: 3,
      batches: 3,
      seed: 4,
      schedule: { kind: "cosine", lr: 1e-2, minLr: 1e-4, steps: 10 },
    });

    const checkpoint = load("checkpoint.pt") as Map<string, Map<string, Map<unknown, Map<string, TorchTensor>>>>;
    const weights = torchTensors(checkpoint.get("model_state_dict") as object);
    const moments = checkpoint.get("optimizer_state_dict")!.get("state")!;
    const state = await optimizer.state();
    const trained = model.parameters();
    let index = 0;
    for (const [name, { data }] of weights) {
      const own = name.replace("_orig_mod.", "");
      const tensor = trained.get(own);
      if (!tensor) continue;
      expect(await tensor.data(), own).toEqual(data);
      const expected = moments.get(index++);
      const found = ["first", "second", "steps"].map((kind) => state.get(`${kind}.${own}`)!.data);
      if (own.includes(".pool."))
        expect(found.map((values) => Math.max(...(values as Float32Array)))).toEqual([0, 0, 0]);
      else
        expect(found).toEqual([expected!.get("exp_avg")!.data, expected!.get("exp_avg_sq")!.data, Uint32Array.of(3)]);
    }
    expect(index).toBe(trained.size);
    optimizer.dispose();
    model.dispose();
    device.dispose();
  });
});

describe("a state_dict", () => {
  const config = { c_in: 2, c_hidden: [4, 8], enc_num_heads: [2, 4], enc_depths: [2, 1], strides: [2], mlp_ratio: 4 };

  it("gets a config from its shapes, but for what no shape tells", async () => {
    const refused = await erwin(["convert", fixture("plain.pth"), path("refused.safetensors")]);
    expect(refused.code).toBe(1);
    expect(errorLine(refused)).toMatch(/plain.pth has no config.* ball_sizes and rotate: give --config FILE/);
    writeFileSync(path("config.yaml"), "# of the paper\nball_sizes: [8, 4]\nrotate: 45\n");
    await convert("plain.pth", "plain.safetensors", "--config", path("config.yaml"));
    const { metadata, tensors } = read("plain.safetensors");
    expect(JSON.parse(metadata.config)).toEqual({
      ...config,
      ...{
        ball_sizes: [8, 4],
        rotate: 45,
        dec_num_heads: [1],
        dec_depths: [1],
        decode: true,
        dimensionality: 3,
        mp_steps: 1,
      },
    });
    for (const [name, { data }] of torchTensors(load("plain.pth"))) expect(tensors.get(name)?.data, name).toEqual(data);
  });

  it("loses what wrappers put before its names, and has its config from Lightning's hyperparameters or a file", async () => {
    writeFileSync(path("config.json"), '{"rotate": 0}');
    await convert("lightning.ckpt", "lightning.safetensors", "--config", path("config.json"));
    const { tensors, metadata } = read("lightning.safetensors");
    const names = [...torchTensors(load("plain.pth")).keys()];
    expect([...tensors.keys()].sort()).toEqual(names.sort());
    expect(JSON.parse(metadata.config)).toMatchObject({ ball_sizes: [8, 4], rotate: 0 });
  });

  it("that a config does not fit is refused, and so are other files", async () => {
    writeFileSync(path("wide.json"), '{"ball_sizes": [8, 4], "rotate": 0, "c_in": 3}');
    const misfit = await erwin([
      "convert",
      fixture("plain.pth"),
      path("no.safetensors"),
      "--config",
      path("wide.json"),
    ]);
    expect(errorLine(misfit)).toMatch(/embed.embed_fn.weight has \[4,2\], expected \[4,3\]/);
    writeFileSync(path("odd.yaml"), "balls: 8\n");
    const odd = await erwin([
      "convert",
      fixture("checkpoint.pt"),
      path("no.safetensors"),
      "--config",
      path("odd.yaml"),
    ]);
    expect(errorLine(odd)).toContain('"balls"');
    expect((await erwin(["convert", fixture("plain.pth"), path("a.npz")])).code).toBe(2);
    const loaded = await erwin(["export", "--model", fixture("plain.pth"), "--onnx", path("a.onnx")]);
    expect(errorLine(loaded)).toContain("erwin convert");
  });
});

it("a safetensors file becomes a state_dict, without what training added to it", async () => {
  await convert("checkpoint.pt", "last.safetensors");
  const { code, stdout } = await erwin(["convert", path("last.safetensors"), path("back.pt")]);
  expect(code, stdout).toBe(0);
  const back = torchTensors(loadTorch(readFileSync(path("back.pt"))));
  const first = torchTensors((load("checkpoint.pt") as Map<string, object>).get("model_state_dict")!);
  expect(back.size).toBe(first.size);
  for (const [name, { dtype, shape, data }] of first) {
    expect(back.get(name.replace("_orig_mod.", "")), name).toEqual(new TorchTensor({ dtype, shape, data }));
  }
});
