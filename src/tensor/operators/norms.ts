// Normalisations as operators of their own (RMSNorm is fused into the products that follow it).

import { InputError } from "../../errors.ts";
import { expectNorm, expectOperands, expectShape, matrixShape } from "../shapes.ts";
import { record, recording } from "../tape.ts";
import { scope, Tensor, withClouds } from "../tensor.ts";
import { destinationOf, destinationsOf, type LinearWeights, namedOf, storageOf } from "./destinations.ts";
import { type LinearExtras, linear, prepareLinear } from "./linear.ts";
import { reshape } from "./reshape.ts";

/** residual + LayerNorm(x): all [n, d]. eps 1e-5. */
export function layerNorm(x: Tensor, residual: Tensor, norm: LinearWeights): Tensor {
  const [rows, width] = matrixShape("x", x);
  expectShape("residual", residual, [rows, width]);
  expectNorm("norm", norm, width);
  expectOperands({ ...namedOf("norm", norm), x, residual });
  return scope(() => {
    const y = withClouds(new Tensor(x.device, [rows, width]), x, residual);
    x.device.operators.layerNorm({
      x: x.storage,
      residual: residual.storage,
      ...storageOf(norm),
      y: y.storage,
      rows,
      width,
    });
    return record(
      y,
      [x, residual, norm.weight, norm.bias],
      { x, weight: norm.weight, bias: norm.bias },
      (gradient, gradients, kept) => {
        x.device.operators.layerNormBackward({
          gradient: gradient.storage,
          x: kept.x.storage,
          norm: storageOf(kept),
          into: { x: destinationOf(gradients, x), ...destinationsOf(gradients, norm) },
          rows,
          width,
        });
        gradients.give(residual, gradient);
      },
    );
  });
}

/**
 * residual + layerNorm of a linear map's result: x [n, inner], weight [d, inner (+ more)], residual [n, d], norm [d] -> [n, d]. Where
 * nothing is recorded it may be a single kernel.
 */
export function linearLayerNorm(
  x: Tensor,
  weight: Tensor,
  extras: Omit<LinearExtras, "scatter" | "residual">,
  norm: LinearWeights,
  residual: Tensor,
): Tensor {
  const { bias, second } = extras;
  if (recording(x, weight, bias, second, norm.weight, norm.bias, residual)) {
    return scope(() => layerNorm(linear(x, weight, extras), residual, norm));
  }
  const [, width] = matrixShape("residual", residual);
  expectNorm("norm", norm, width);
  expectOperands({ ...namedOf("norm", norm), x, residual });
  return scope(() => {
    const { y, given } = prepareLinear(x, weight, { ...extras, residual });
    x.device.operators.linearLayerNorm({ ...given, residual: residual.storage, norm: storageOf(norm) });
    return y;
  });
}

/** The mean and variance of each column, as BatchNorm keeps them. */
export interface RunningStatistics {
  mean: Tensor;
  variance: Tensor;
}

function expectBatchNorm(x: Tensor, norm: LinearWeights, { mean, variance }: RunningStatistics, width: number): void {
  expectNorm("norm", norm, width);
  expectShape("running mean", mean, [width]);
  expectShape("running variance", variance, [width]);
  expectOperands({ ...namedOf("norm", norm), x, "running mean": mean, "running variance": variance });
}

/**
 * BatchNorm over the rows, eps 1e-5: x [n, d] -> [n, d]. With `training` it uses the batch's own statistics and updates
 * the running ones (momentum 0.1, unbiased variance), except those of a column with a NaN or an infinity; else it uses the running
 * ones.
 * @throws InputError with `training` for a batch of no rows
 */
export function batchNorm(x: Tensor, norm: LinearWeights, running: RunningStatistics, training: boolean): Tensor {
  const { device } = x;
  const [rows, width] = matrixShape("x", x);
  expectBatchNorm(x, norm, running, width);
  if (training && rows === 0) {
    throw new InputError("x has no rows, so BatchNorm has no statistics to train with: leave the batch out", {
      tensor: "x",
      found: [...x.shape],
    });
  }
  return scope(() => {
    const y = withClouds(new Tensor(device, [rows, width]), x);
    const own = training ? { mean: new Tensor(device, [width]), variance: new Tensor(device, [width]) } : undefined;
    if (own) {
      device.operators.batchStatistics({
        x: x.storage,
        mean: own.mean.storage,
        variance: own.variance.storage,
        runningMean: running.mean.storage,
        runningVariance: running.variance.storage,
        rows,
        width,
      });
      running.mean.changed();
      running.variance.changed();
    }
    const { mean, variance } = own ?? running;
    device.operators.batchNorm({
      x: x.storage,
      mean: mean.storage,
      variance: variance.storage,
      ...storageOf(norm),
      y: y.storage,
      rows,
      width,
    });
    const kept = { x, mean, variance, weight: norm.weight, bias: norm.bias };
    record(y, [x, norm.weight, norm.bias], kept, (gradient, gradients, kept) => {
      device.operators.batchNormBackward({
        gradient: gradient.storage,
        x: kept.x.storage,
        mean: kept.mean.storage,
        variance: kept.variance.storage,
        norm: storageOf(kept),
        training,
        into: { x: destinationOf(gradients, x), ...destinationsOf(gradients, norm) },
        rows,
        width,
      });
    });
    own?.mean.dispose();
    own?.variance.dispose();
    return y;
  });
}

/**
 * batchNorm of a linear map's result, each row of which holds one or more rows of the norm's, side by side: x [n, inner], weight
 * [columns, inner (+ more)], norm [d] -> [n columns / d, d]. In evaluation where nothing is recorded it is a single kernel.
 */
export function linearBatchNorm(
  x: Tensor,
  weight: Tensor,
  extras: Omit<LinearExtras, "scatter">,
  norm: LinearWeights,
  running: RunningStatistics,
  training: boolean,
): Tensor {
  const [rows] = matrixShape("x", x);
  const [columns] = matrixShape("weight", weight);
  const width = norm.weight.size;
  const shape = [(rows * columns) / width, width];
  const { bias, second, residual } = extras;
  if (training || recording(x, weight, bias, second, residual, norm.weight, norm.bias)) {
    return scope(() => batchNorm(reshape(linear(x, weight, extras), shape), norm, running, training));
  }
  expectBatchNorm(x, norm, running, width);
  const { mean, variance } = running;
  const columnNorm = { ...storageOf(norm), mean: mean.storage, variance: variance.storage, width };
  return scope(() => {
    const { y, given } = prepareLinear(x, weight, extras);
    x.device.operators.linear({ ...given, norm: columnNorm });
    return reshape(y, shape);
  });
}
