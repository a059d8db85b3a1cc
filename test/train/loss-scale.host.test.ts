// The loss scale: it changes no bits, a dynamic one follows PyTorch's GradScaler, and real faults remain errors.

import { AdamW, type AdamWOptions, clipGradientNorm, linear, mse, NumericalError, scale, Tensor } from "erwin";
import { describe, expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import schedule from "./loss-scale/schedule.json";

onEachDevice((device) => {
  /** Makes the parameters of a linear map of 9 to 7 channels. */
  function makeParameters(): Map<string, Tensor> {
    const random = seededRandom(1);
    const tensor = (shape: number[]) => Tensor.from(device(), normals(shape[0] * (shape[1] ?? 1), random), shape);
    return new Map([
      ["weight", tensor([7, 9]).requireGrad()],
      ["bias", tensor([7]).requireGrad()],
    ]);
  }

  /** Gives the only parameter this gradient. */
  async function give(parameter: Tensor, gradient: number): Promise<void> {
    using result = scale(parameter, 1);
    using seed = Tensor.from(device(), Float32Array.of(gradient));
    await result.backward(seed);
  }

  const one = () => new Map([["w", Tensor.from(device(), Float32Array.of(1)).requireGrad()]]);

  describe("a loss scale", () => {
    /** Trains in steps of two batches, whose gradients are clipped. */
    async function train(lossScale: AdamWOptions["lossScale"], clip: "in the step" | "before, at once" | "before") {
      const random = seededRandom(2);
      const parameters = makeParameters();
      using optimizer = new AdamW(parameters, { lossScale });
      const norms: number[] = [];
      for (let step = 0; step < 3; step++) {
        for (let batch = 0; batch < 2; batch++) {
          using x = Tensor.from(device(), normals(5 * 9, random), [5, 9]);
          using y = linear(x, parameters.get("weight")!, { bias: parameters.get("bias") });
          using loss = mse(y, normals(5 * 7, random));
          await loss.backward(optimizer.lossScale);
        }
        if (clip !== "in the step") {
          using norm = clipGradientNorm(clip === "before" ? parameters : optimizer, 0.5);
          norms.push((await norm.data())[0]);
        }
        const { gradientNorm, skipped } = await optimizer.step({ maxNorm: clip === "in the step" ? 0.5 : undefined });
        norms.push(gradientNorm, skipped);
        optimizer.zeroGrad();
      }
      const weights = await Promise.all([...parameters.values()].map((tensor) => tensor.data()));
      for (const tensor of parameters.values()) tensor.dispose();
      return { norms, weights };
    }

    test.each(["in the step", "before, at once", "before"] as const)(
      "that is a power of two changes no bits, with gradients of two batches, clipped %s",
      async (clip) => {
        const plain = await train(undefined, clip);
        expect(plain.norms[0], "they are clipped").toBeGreaterThan(0.6);
        expect(await train("dynamic", clip)).toEqual(plain);
        expect(await train(2 ** 100, clip)).toEqual(plain);
      },
    );

    test("is a number of at least 1", () => {
      for (const wrong of [0, 0.5, Number.NaN, 2 ** 127, "static"]) {
        expect(() => new AdamW(one(), { lossScale: wrong as number })).toThrow(
          /lossScale must be "dynamic" or a number/,
        );
      }
    });

    test("that is too large for the gradients is what the error names", async () => {
      const parameters = one();
      using optimizer = new AdamW(parameters, { lossScale: 4096 });
      await give(parameters.get("w")!, Number.POSITIVE_INFINITY);
      const error = await optimizer.step().then(undefined, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(NumericalError);
      const { message, details } = error as NumericalError;
      expect(message).toMatch(/the gradient of w is not finite .* Take a loss scale below 4096 or a "dynamic" one/);
      expect(details).toEqual({ tensor: "w", call: 1, lossScale: 4096 });
    });

    test("of another optimiser cannot be told apart by clipping", () => {
      const [scaled, plain] = [one(), one()];
      using _scaled = new AdamW(scaled, { lossScale: 8 });
      using _plain = new AdamW(plain);
      const both = new Map([...scaled, ["other", plain.get("w")!] as const]);
      expect(() => clipGradientNorm(both, 1)).toThrow(/differ in their loss scale/);
    });
  });

  describe("a dynamic loss scale", () => {
    test("follows torch.amp.GradScaler", async () => {
      for (const { scale, steps, finite, states } of schedule) {
        const parameters = one();
        using optimizer = new AdamW(parameters, { lossScale: "dynamic" });
        const state = await optimizer.state();
        state.set("lossScale", { dtype: "F32", shape: [], data: Float32Array.of(scale) });
        state.set("lossScaleSteps", { dtype: "U32", shape: [], data: Uint32Array.of(steps) });
        optimizer.load(state);
        let skipped = 0;
        for (const [i, expected] of states.entries()) {
          await give(parameters.get("w")!, finite[i] ? scale : Number.POSITIVE_INFINITY);
          const report = await optimizer.step();
          optimizer.zeroGrad();
          if (expected.skipped) skipped++;
          expect(report).toMatchObject({ skipped, lossScale: expected.scale });
          expect(report.tensor).toBeUndefined();
          const now = await optimizer.state();
          expect(now.get("lossScale")!.data).toEqual(Float32Array.of(expected.scale));
          expect(now.get("lossScaleSteps")!.data).toEqual(Uint32Array.of(expected.steps));
          expect(now.get("steps.w")!.data, "steps taken").toEqual(Uint32Array.of(i + 1 - skipped));
        }
        expect(await optimizer.lossScale!.data()).toEqual(Float32Array.of(states.at(-1)!.scale));
      }
    });

    test("that a state does not have begins anew", async () => {
      using optimizer = new AdamW(one(), { lossScale: "dynamic" });
      const state = await optimizer.state();
      for (const name of ["lossScale", "lossScaleSteps"]) state.delete(name);
      optimizer.load(state);
      expect(await optimizer.lossScale!.data()).toEqual(Float32Array.of(65536));
    });

    test("leaves a loss that is not finite, and gradients that are not at the scale 1, to onNonFinite", async () => {
      const parameters = one();
      using optimizer = new AdamW(parameters, { lossScale: "dynamic" });
      using loss = Tensor.from(device(), Float32Array.of(Number.NaN), []);
      await give(parameters.get("w")!, Number.NaN);
      await expect(optimizer.step({ loss })).rejects.toThrow(NumericalError);
      expect(await optimizer.check()).toMatchObject({ skipped: 1, lossScale: 65536 });
      for (let step = 0; step < 16; step++) optimizer.step();
      expect(await optimizer.check()).toMatchObject({ skipped: 17, lossScale: 1 });
      const error = await optimizer.step().then(undefined, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(NumericalError);
      expect((error as NumericalError).details).toEqual({ tensor: "w", call: 18 });
      optimizer.zeroGrad();
      await give(parameters.get("w")!, 1);
      expect(await optimizer.step()).toMatchObject({ skipped: 18, lossScale: 1 });
    });
  });
});
