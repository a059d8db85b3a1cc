// md and shapenet against the reference: losses in training, evaluation and predictions with the reference's weights.

import { evaluate, Random } from "erwin";
import { experiments, readModel } from "erwin/experiments";
import { expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { fitGolden, loadFinalWeights, loadGoldenRun } from "../support/experiments.ts";
import { loadGolden } from "../support/files.ts";
import { numbers } from "../support/golden.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";

onEachDevice((device, backend) => {
  // PyTorch's tensors contain the same cars as the meshes, so one backend is enough for them.
  const cases = [
    ["md", ""],
    ["shapenet", "raw"],
    ...(backend === "cpu" ? [["shapenet", "preprocessed"] as const] : []),
  ] as const;
  // Training takes long on software adapters, and longest in browsers.
  const trained = "Deno" in globalThis ? cases : [];
  // A software adapter takes a second for each step of a car, so it trains as far as shows a wrong gradient: the second loss
  // tells of its sign, the third and later ones of its size.
  const first = backend === "cpu" ? 12 : 4;

  test.for(trained)(`%s %s: the losses and rates of ${first} steps, clipped or not`, async ([name, folder]) => {
    const run = await loadGoldenRun(name, folder);
    const { losses_f64, lr_used, clipped } = run.expected;
    const rates_f64 = lr_used.slice(0, first);
    // Both folders of shapenet hold the same cars, so each is trained on in one of the two ways; a software adapter does each way with
    // one experiment only.
    const plain = name === "shapenet" ? folder === "raw" : backend === "cpu";
    const limited = folder !== "raw";
    if (plain) {
      const { losses, rates } = await fitGolden(name, run, device(), { first });
      expectClose(losses, losses_f64.slice(0, first), 1e-5, "losses");
      expectClose(rates, rates_f64, 1e-12, "learning rates");
    }
    if (limited) {
      const { losses, rates } = await fitGolden(name, run, device(), { first, maxGradNorm: clipped.max_grad_norm });
      expectClose(losses, clipped.losses_f64.slice(0, first), 1e-5, "losses with clipped gradients");
      expectClose(rates, rates_f64, 1e-12, "learning rates with clipped gradients");
    }
  });

  // Both splits are evaluated alike, so a software adapter takes one of them, and each cloud alone is for the processor.
  const splits = backend === "cpu" ? (["val", "test"] as const) : (["test"] as const);
  test.for(trained)("%s %s: evaluation with given weights, sample by sample too", async ([name, folder]) => {
    const run = await loadGoldenRun(name, folder);
    const options = run.options();
    const experiment = experiments[name];
    using model = readModel(experiment, await loadFinalWeights(name), { device: device(), name, options });
    for (const split of splits) {
      const data = (await experiment.load(split, options, run.source))!;
      const samples: Record<string, number>[] = [];
      const { batchSize } = options;
      const task = experiment.task(model, options);
      const found = await evaluate({
        device: device(),
        task,
        data,
        batchSize,
        onSample: (sample) => samples.push(sample),
      });
      const { loss, mse } = run.expected.final_f64[split];
      expectClose([found.loss], [loss], 1e-5, `loss of ${split}`);
      expectClose([found.mse], [mse], 1e-5, `mse of ${split}`);
      expect(samples).toHaveLength(data.size);
      if (backend !== "cpu") continue;
      // Each cloud alone must give the same as batches of one cloud.
      const alone = await evaluate({ device: device(), task, data, batchSize: 1 });
      const mean = samples.reduce((sum, sample) => sum + sample.loss, 0) / samples.length;
      expectClose([mean], [alone.loss], 1e-6, `mean over the samples of ${split}`);
    }
  });

  test.each([
    ["md", "", 3],
    ["shapenet", "raw", 1],
  ] as const)("%s: predictions and positions of two samples", async (name, folder, columns) => {
    const run = await loadGoldenRun(name, folder);
    const predictions = await loadGolden(`experiments/${name}/predictions`);
    const options = run.options();
    const experiment = experiments[name];
    using model = readModel(experiment, run.init, { device: device(), name, options });
    const task = experiment.task(model, options);
    for (const [k, { split, index }] of run.expected.predictions.entries()) {
      const data = (await experiment.load(split, options, run.source))!;
      const batch = (await task.prepare([await data.load(index, new Random(0, ""))])) as { input: object };
      const input = batch.input as { geometry?: { nodePositions: Float32Array }; nodePositions?: Float32Array };
      const positions = (input.geometry ?? input).nodePositions as Float32Array;
      expectClose(positions, numbers(predictions, `${k}.node_positions`), 1e-6, `positions of sample ${k}`);
      using out = await (model as unknown as { forward(input: object): Promise<Disposable & Out> }).forward(
        batch.input,
      );
      const [rows, width] = out.shape;
      const all = await out.data();
      const found = Float32Array.from(
        { length: rows * columns },
        (_, i) => all[Math.floor(i / columns) * width + (i % columns)],
      );
      expectClose(found, numbers(predictions, `${k}.pred_f64`), 1e-5, `prediction of sample ${k}`);
    }
  });
}, comparedBackends);

interface Out {
  shape: readonly number[];
  data(): Promise<Float32Array>;
}
