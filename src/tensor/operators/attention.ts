// Ball attention, and its queries, keys and values.

import { expectOperands, expectShape, matrixShape, positionsShape } from "../shapes.ts";
import { record, recording } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { type Balls, ballListOf } from "./balls.ts";
import { destinationOf, destinationsOf, type LinearWeights, namedOf, storageOf } from "./destinations.ts";

/**
 * qkv = (RMSNorm(x[gather]; norm) + offsets P^T + b_P) W^T + b: x [n, d], offsets [n, D] -> [n, 3 d]. Each row has q,
 * then k, then v of all heads.
 */
export function normPositionQkv(
  x: Tensor,
  norm: Tensor,
  offsets: Tensor,
  position: LinearWeights,
  projection: LinearWeights,
  gather?: Tensor,
): Tensor {
  const [rows, width] = matrixShape("x", x);
  const [, dimensions] = positionsShape("offsets", offsets);
  expectShape("offsets", offsets, [rows, dimensions]);
  expectShape("norm", norm, [width]);
  expectShape("position weight", position.weight, [width, dimensions]);
  expectShape("position bias", position.bias, [width]);
  expectShape("qkv weight", projection.weight, [3 * width, width]);
  expectShape("qkv bias", projection.bias, [3 * width]);
  expectOperands({ norm, x, offsets, ...namedOf("position", position), ...namedOf("qkv", projection) }, { gather });
  return scope(() => {
    const qkv = new Tensor(x.device, [rows, 3 * width]);
    x.device.operators.normPositionQkv({
      x: x.storage,
      gather: gather?.storage,
      norm: norm.storage,
      offsets: offsets.storage,
      position: storageOf(position),
      projection: storageOf(projection),
      qkv: qkv.storage,
      rows,
      width,
      dimensions,
    });
    const kept = {
      x,
      norm,
      offsets,
      gather,
      positionWeight: position.weight,
      positionBias: position.bias,
      weight: projection.weight,
      bias: projection.bias,
    };
    return record(
      qkv,
      [x, norm, position.weight, position.bias, projection.weight, projection.bias],
      kept,
      (gradient, gradients, kept) => {
        x.device.operators.normPositionQkvBackward({
          gradient: gradient.storage,
          x: kept.x.storage,
          gather: kept.gather?.storage,
          norm: kept.norm.storage,
          offsets: kept.offsets.storage,
          position: storageOf({ weight: kept.positionWeight, bias: kept.positionBias }),
          projection: storageOf(kept),
          into: {
            x: destinationOf(gradients, x),
            norm: destinationOf(gradients, norm),
            position: destinationsOf(gradients, position),
            projection: destinationsOf(gradients, projection),
          },
          rows,
          width,
          dimensions,
        });
      },
    );
  });
}

/**
 * softmax(q . k / sqrt(E) + sigma |p_i - p_j|) v within each ball: qkv [n, 3 d], positions [n, D], sigma [H] -> [n, d], d = H E.
 * Balls are not checked.
 */
export function ballAttention(qkv: Tensor, positions: Tensor, sigma: Tensor, balls: Balls): Tensor {
  const [rows, packed] = matrixShape("qkv", qkv);
  const [, dimensions] = positionsShape("positions", positions);
  expectOperands({ sigma, qkv, positions });
  const heads = sigma.size;
  const headWidth = Math.max(1, Math.floor(packed / 3 / heads));
  const width = heads * headWidth;
  expectShape("qkv", qkv, [rows, 3 * width]);
  expectShape("positions", positions, [rows, dimensions]);
  return scope(() => {
    const out = new Tensor(qkv.device, [rows, width]);
    const logSum = new Tensor(qkv.device, [rows, heads]);
    const shape = { rows, heads, headWidth, dimensions };
    qkv.device.operators.ballAttention({
      qkv: qkv.storage,
      positions: positions.storage,
      sigma: sigma.storage,
      out: out.storage,
      logSum: logSum.storage,
      balls: ballListOf(balls),
      ...shape,
    });
    if (recording(qkv, sigma)) {
      const kept = { qkv, positions, sigma, out, logSum, balls: balls.tensor };
      record(out, [qkv, sigma], kept, (gradient, gradients, kept) => {
        const dqkv = new Tensor(qkv.device, [rows, packed]);
        qkv.device.operators.ballAttentionBackward({
          gradient: gradient.storage,
          qkv: kept.qkv.storage,
          positions: kept.positions.storage,
          sigma: kept.sigma.storage,
          out: kept.out.storage,
          logSum: kept.logSum.storage,
          balls: ballListOf({ ...balls, tensor: kept.balls }),
          into: { qkv: dqkv.storage, sigma: destinationOf(gradients, sigma) },
          ...shape,
        });
        gradients.give(qkv, dqkv);
      });
    }
    logSum.dispose();
    return out;
  });
}
