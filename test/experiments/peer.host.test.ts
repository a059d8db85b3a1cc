// All four experiments against PyTorch: twelve steps of training (four on WebGPU) from the same weights over the same samples in
// the same order; and evaluation with given weights and rollouts, where the reference's own files have none. The expected values
// are those of test/experiments/peer/train.py in float64.

import { evaluate } from "erwin";
import { type BadSample, DataWorkers, experiments, MemorySource, readModel } from "erwin/experiments";
import { expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { type Evaluation, fitGolden, loadFinalWeights, loadPeerRun } from "../support/experiments.ts";
import { comparedBackends, onEachDevice, quickBackend, useDevice } from "../support/models.ts";
import { reactive } from "../support/reactive.ts";

/** For what needs any device. */
const quick = useDevice(quickBackend);

onEachDevice((device, backend) => {
  // Training takes long on software adapters, and longest in browsers. One takes a second for each step, so it trains as far as
  // shows a wrong gradient: the second loss tells of its sign, the third and later ones of its size. golden.host.test.ts trains
  // the others.
  const steps = backend === "cpu" ? 12 : 4;
  const names =
    backend === "cpu" ? (["cosmology", "eagle", "md", "shapenet"] as const) : (["cosmology", "eagle"] as const);
  const trained = "Deno" in globalThis ? names : [];

  test.for(trained)(`%s: the losses and rates of ${steps} steps`, async (name) => {
    const run = await loadPeerRun(name);
    const { losses_f64, lr_used } = run.expected;
    expect(losses_f64).toHaveLength(20);
    // One backend takes its batches from workers, the other makes them itself.
    const workers = backend === "cpu" ? 2 : 0;
    const { losses, rates } = await fitGolden(name, run, device(), { workers, first: steps });
    expect(losses).toHaveLength(steps);
    expectClose(rates, lr_used.slice(0, steps), 1e-12, "learning rates");
    losses.forEach((loss, step) => void expectClose([loss], [losses_f64[step]], 1e-5, `loss of step ${step + 1}`));
  });

  // Each backend has weights of its own: those before the training, or after it.
  const when = backend === "cpu" ? "init" : "final";
  test.for(["cosmology", "eagle"] as const)(
    `%s: evaluation with the weights of ${when}, and predictions that feed on themselves`,
    async (name) => {
      const run = await loadPeerRun(name);
      const options = run.options();
      const weights = when === "init" ? run.init : await loadFinalWeights(name);
      const experiment = experiments[name];
      using model = readModel(experiment, weights, { device: device(), name, options });
      const task = experiment.task(model, options);
      const { batchSize } = options;
      for (const split of ["val", "test"] as const) {
        const data = (await experiment.load(split, options, run.source))!;
        const found = await evaluate({ device: device(), task, data, batchSize });
        const { rollout, ...numbers }: Evaluation = run.expected[`${when}_f64`][split];
        expect(Object.keys(found).sort()).toEqual(Object.keys(numbers).sort());
        const tolerance = rollout ? 1e-4 : 1e-5;
        for (const [metric, value] of Object.entries(numbers)) {
          expectClose([found[metric]], [value], tolerance, `${metric} of ${split}`);
        }
        if (!rollout) continue;
        const { metrics, curves } = await experiment.rollout!(model, data, options);
        expect(Object.keys(curves)).toEqual(["velocity", "pressure"]);
        for (const [metric, value] of Object.entries(metrics!))
          expectClose([value], [numbers[metric]], tolerance, metric);
        for (const [curve, values] of Object.entries(rollout)) expectClose(curves[curve], values, tolerance, curve);
      }
    },
  );
}, comparedBackends);

test("workers replace damaged samples and tell of them, or fail as the file does", async () => {
  const name = "eagle";
  const run = await loadPeerRun(name);
  const options = run.options();
  const files = new Map(run.files);
  const [first, second] = new TextDecoder().decode(files.get("Splits/train.txt")).trim().split("\n");
  files.set(`${first}/sim.npz`, files.get(`${first}/sim.npz`)!.subarray(0, 100));
  using model = readModel(experiments[name], run.init, { device: quick(), name, options });
  const source = new MemorySource(files, "data");
  const setup = { name, metadata: model.metadata(), options, info: quick().info, source };
  const request = { seed: 1, epoch: 0, samples: [0] };
  const bad: BadSample[] = [];
  const replacing = await DataWorkers.start(1, { ...setup, onBad: (sample) => bad.push(sample) });
  const failing = await DataWorkers.start(1, reactive(setup));
  try {
    expect(await replacing.load(request)).toEqual(await replacing.load({ ...request, samples: [1] }));
    expect(bad.map(({ sample }) => sample)).toEqual([first]);
    await expect(failing.load(request)).rejects.toMatchObject({
      name: "FormatError",
      details: { file: `data/${first}/sim.npz` },
    });
    expect(await failing.load({ ...request, samples: [1] }), second).toBeDefined();
  } finally {
    replacing.stop();
    failing.stop();
  }
});
