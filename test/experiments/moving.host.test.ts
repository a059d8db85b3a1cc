// Sequences whose points move: their positions are a target, and what is predicted of them is where the points are in the next step.

import { Tensor } from "erwin";
import { folderExperiment, MemorySource, resolveOptions } from "erwin/experiments";
import { expect, test } from "vitest";
import { expectClose } from "../support/compare.ts";
import { onEachDevice } from "../support/models.ts";

const points = 6;
/** Particles as ASE writes them, in frames of one file: each falls at its own speed. */
const at = (frame: number, p: number) => [p / 2, 10 - frame * (p + 1), 1];
const frameOf = (frame: number) => {
  const rows = Array.from({ length: points }, (_, p) => `Ar ${at(frame, p).join(" ")} 0 ${-(p + 1)} 0`);
  return [points, "Properties=species:S:1:pos:R:3:velocity:R:3", ...rows].join("\n");
};
const bytes = new TextEncoder().encode([0, 1, 2, 3].map(frameOf).join("\n"));
const source = new MemorySource(new Map([["fall.extxyz", bytes]]), "data");
const config = { targets: ["velocity", "positions"], sequence: true, splits: { train: ["*"] }, graph: "none" };

onEachDevice((device) => {
  test("a rollout's points are where they are predicted to be", async () => {
    const experiment = folderExperiment(config);
    const options = resolveOptions(experiment.options);
    const data = await experiment.load("train", options, source);
    const { layout } = experiment;
    expect(layout.targets.map(({ target }) => target.name)).toEqual(["velocity", "positions"]);
    const seen: Float32Array[] = [];
    // In each step all particles go to the right by 0.25.
    const { first } = layout.targets[1].output;
    const { shift, scale } = layout.targets[1].scaling;
    const change = [0.25, 0, 0].map((value, axis) => (value - shift[axis]) / scale[axis]);
    const rows = Array.from({ length: points }, () => [0, 0, 0, ...change]).flat();
    expect(first).toBe(3);
    const model = {
      device: device(),
      passesMessages: false,
      prepare: async ({ positions }: { positions: Float32Array }) => seen.push(positions),
      forward: async () => Tensor.from(device(), Float32Array.from(rows), [points, 6]),
    };
    const { curves } = (await experiment.rollout!(model as never, data as never, options)) as never as {
      curves: Record<string, number[]>;
    };
    const { positions } = layout;
    const normalised = (step: number) =>
      Array.from({ length: points }, (_, p) => [at(0, p)[0] + step / 4, at(0, p)[1], 1])
        .flat()
        .map((value, i) => (value - positions.shift[i % 3]) / positions.scale[i % 3]);
    for (const [step, found] of seen.entries()) expectClose(found, normalised(step), 1e-5, `step ${step}`);
    const error = (step: number) => {
      const squares = Array.from({ length: points }, (_, p) => (step / 4) ** 2 + (step * (p + 1)) ** 2);
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (3 * points));
    };
    expectClose(curves.rmse_positions, [1, 2, 3].map(error), 1e-5, "errors");
  });

  test("a rollout takes the frames to which the model's stride leads, the others are no steps of it", async () => {
    const more = new TextEncoder().encode([0, 1, 2, 3, 4].map(frameOf).join("\n"));
    const source = new MemorySource(new Map([["fall.extxyz", more]]), "data");
    const experiment = folderExperiment({ ...config, sequence: { stride: 2 } });
    const options = resolveOptions(experiment.options);
    const data = await experiment.load("train", options, source);
    expect(data!.size).toBe(3);
    const { layout } = experiment;
    // Nothing changes.
    const row = layout.targets.flatMap(({ scaling: { shift, scale } }) => shift.map((value, i) => -value / scale[i]));
    const rows = Array.from({ length: points }, () => row).flat();
    const model = {
      device: device(),
      passesMessages: false,
      prepare: async () => undefined,
      forward: async () => Tensor.from(device(), Float32Array.from(rows), [points, 6]),
    };
    const { curves } = (await experiment.rollout!(model as never, data as never, options)) as never as {
      curves: Record<string, number[]>;
    };
    const apart = (frame: number) =>
      Math.sqrt(
        Array.from({ length: points }, (_, p) => (frame * (p + 1)) ** 2).reduce((a, b) => a + b) / (3 * points),
      );
    for (const name of ["rmse_positions", "persistence_positions"])
      expectClose(curves[name], [2, 4].map(apart), 1e-5, name);
  });

  test("noise moves the points as it does the positions that the model sees as its state", async () => {
    const noisy = folderExperiment({ ...config, augmentation: { noise: 0.1 } });
    const data = await noisy.load("train", resolveOptions(noisy.options), source);
    const { layout } = noisy;
    const random = { normal: () => 0.7 } as never;
    const [clean, moved] = [await data!.load(1, random), await data!.load(1, random, 0)];
    const [, state] = layout.state;
    const by = moved.positions.map((value, i) => (value - clean.positions[i]) * layout.positions.scale[i % 3]);
    const seen = Array.from(by, (_, i) => {
      const column = Math.floor(i / 3) * layout.features + state.first + (i % 3);
      return (moved.features[column] - clean.features[column]) * state.scaling.scale[i % 3];
    });
    expect(Math.max(...by.map(Math.abs))).toBeGreaterThan(0.01);
    expectClose(by, seen, 1e-4, "noise");
  });

  test("positions are no target without a sequence", () => {
    expect(() => folderExperiment({ targets: ["positions"] })).toThrow(
      "targets.positions: positions change in sequences",
    );
  });
});
