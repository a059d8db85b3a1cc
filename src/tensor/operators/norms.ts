// Normalisations as operators of their own (RMSNorm is fused into the products that follow it).

import { expectSameDevice, expectShape, matrixShape } from "../shapes.ts";
import { record } from "../tape.ts";
import { Tensor } from "../tensor.ts";
import { destinationOf, destinationsOf, type LinearWeights, storageOf } from "./destinations.ts";

/** residual + LayerNorm(x): all [n, d]. eps 1e-5. */
export function layerNorm(x: Tensor, residual: Tensor, norm: LinearWeights): Tensor {
  const [rows, width] = matrixShape("x", x);
  expectShape("residual", residual, [rows, width]);
  expectSameDevice({ ...norm, x, residual });
  const y = new Tensor(x.device, [rows, width]);
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
}

/** The mean and variance of each column, as BatchNorm keeps them. */
export interface RunningStatistics {
  mean: Tensor;
  variance: Tensor;
}

/**
 * BatchNorm over the rows, eps 1e-5: x [n, d] -> [n, d]. With `training` it uses the batch's own statistics and updates
 * the running ones (momentum 0.1, unbiased variance); else it uses the running ones.
 */
export function batchNorm(x: Tensor, norm: LinearWeights, running: RunningStatistics, training: boolean): Tensor {
  const { device } = x;
  const [rows, width] = matrixShape("x", x);
  expectShape("running mean", running.mean, [width]);
  expectSameDevice({ ...norm, x });
  const y = new Tensor(device, [rows, width]);
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
}
