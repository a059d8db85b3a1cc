// The gated feed-forward part of a block.

import { expectOperands, expectShape, matrixShape } from "../shapes.ts";
import { record, recording } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { destinationOf, destinationsOf, type LinearWeights, namedOf, storageOf } from "./destinations.ts";
import { linear } from "./linear.ts";

/** The output map of attention: x[scatter] + attended W^T + b, all [n, d]. */
export interface AttentionOutput {
  attended: Tensor;
  projection: LinearWeights;
  /** [n] A permutation. */
  scatter: Tensor | undefined;
}

/** feedForward of attention's output. Consumes what is attended: it is disposed as soon as it has been used. */
export function attendedFeedForward(
  { attended, projection, scatter }: AttentionOutput,
  x: Tensor,
  norm: Tensor,
  gate: LinearWeights,
  value: LinearWeights,
  output: LinearWeights,
): Tensor {
  const { weight, bias } = projection;
  const { inputs, given } = prepareFeedForward(x, norm, gate, value, output);
  const { rows, width, hiddenWidth } = given;
  expectShape("attended", attended, [rows, width]);
  const records = recording(attended, weight, bias, ...Object.values(inputs));
  if (!records && x.device.operators.joinsFeedForward(rows, width, hiddenWidth)) {
    expectShape("projection weight", weight, [width, width]);
    expectShape("projection bias", bias, [width]);
    expectOperands({ x, attended, ...namedOf("projection", projection) }, { scatter });
    const attention = { attended: attended.storage, projection: storageOf(projection), scatter: scatter?.storage };
    return scope(() => {
      const y = new Tensor(x.device, [rows, width]);
      x.device.operators.feedForward({ ...given, attention, y: y.storage });
      attended.dispose();
      return y;
    });
  }
  return scope(() => {
    const added = linear(attended, weight, { bias, residual: x, scatter });
    attended.dispose();
    return feedForward(added, norm, gate, value, output);
  });
}

/** y = x + W3 (W2 n * SiLU(W1 n)) with n = RMSNorm(x; norm): x [n, d], W1 and W2 [r d, d], W3 [d, r d] -> [n, d]. */
export function feedForward(
  x: Tensor,
  norm: Tensor,
  gate: LinearWeights,
  value: LinearWeights,
  output: LinearWeights,
): Tensor {
  const { inputs, given } = prepareFeedForward(x, norm, gate, value, output);
  const { rows, width, hiddenWidth } = given;
  return scope(() => {
    const y = new Tensor(x.device, [rows, width]);
    const keeps = recording(...Object.values(inputs)) && x.device.operators.keepsGates(rows, hiddenWidth);
    const gates = keeps ? new Tensor(x.device, [2, rows, hiddenWidth]) : undefined;
    x.device.operators.feedForward({ ...given, y: y.storage, gates: gates?.storage });
    record(y, Object.values(inputs), { ...inputs, gates }, (gradient, gradients, kept) => {
      x.device.operators.feedForwardBackward({
        gradient: gradient.storage,
        x: kept.x.storage,
        norm: kept.norm.storage,
        gate: storageOf({ weight: kept.gateWeight, bias: kept.gateBias }),
        value: storageOf({ weight: kept.valueWeight, bias: kept.valueBias }),
        output: storageOf(kept),
        gates: kept.gates?.storage,
        into: {
          // It is added to the gradient that arrives, which the residual passes on.
          x: gradients.wanted(x) ? { storage: gradient.storage, accumulate: true } : undefined,
          norm: destinationOf(gradients, norm),
          gate: destinationsOf(gradients, gate),
          value: destinationsOf(gradients, value),
          output: destinationsOf(gradients, output),
        },
        rows,
        width,
        hiddenWidth,
      });
      gradients.give(x, gradient);
    });
    gates?.dispose();
    return y;
  });
}

/** Checks the arguments of a feed-forward part. Returns all tensors that it reads, and what an operator is given of them. */
function prepareFeedForward(x: Tensor, norm: Tensor, gate: LinearWeights, value: LinearWeights, output: LinearWeights) {
  const [rows, width] = matrixShape("x", x);
  const [hiddenWidth] = matrixShape("gate weight", gate.weight);
  expectShape("norm", norm, [width]);
  expectShape("gate weight", gate.weight, [hiddenWidth, width]);
  expectShape("value weight", value.weight, [hiddenWidth, width]);
  expectShape("output weight", output.weight, [width, hiddenWidth]);
  expectShape("gate bias", gate.bias, [hiddenWidth]);
  expectShape("value bias", value.bias, [hiddenWidth]);
  expectShape("output bias", output.bias, [width]);
  expectOperands({ norm, x, ...namedOf("gate", gate), ...namedOf("value", value), ...namedOf("output", output) });
  const inputs = {
    x,
    norm,
    gateWeight: gate.weight,
    gateBias: gate.bias,
    valueWeight: value.weight,
    valueBias: value.bias,
    weight: output.weight,
    bias: output.bias,
  };
  const given = {
    x: x.storage,
    norm: norm.storage,
    gate: storageOf(gate),
    value: storageOf(value),
    output: storageOf(output),
    rows,
    width,
    hiddenWidth,
  };
  return { inputs, given };
}
