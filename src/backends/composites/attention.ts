// The backward passes of ball attention and of the product before it.

import type {
  BallAttention,
  Destination,
  LinearDestinations,
  LinearParameters,
  NormedRows,
  PositionTerm,
  Primitives,
  Storage,
} from "../operators.ts";
import { withMemory } from "./memory.ts";

/** The backward pass of normPositionQkv; `gradient` is that of qkv. */
export function normPositionQkvBackward(
  device: Primitives,
  a: NormedRows &
    PositionTerm & {
      gradient: Storage;
      projection: LinearParameters;
      into: { x?: Destination; norm?: Destination; position: LinearDestinations; projection: LinearDestinations };
    },
): void {
  const { gradient, x, gather, norm, offsets, position, projection, into, rows, width, dimensions } = a;
  withMemory(device, { y: rows * width, scale: rows }, ({ y, scale }) => {
    device.normPosition({ x, gather, norm, offsets, position, y, scale, rows, width, dimensions });
    const packed = { gradient, rows, columns: 3 * width, inner: width, packedWidth: width };
    device.weightGradient({ ...packed, x: y, into: into.projection });
    // The normalised rows are no longer needed.
    const dy = y;
    device.inputGradient({ ...packed, weight: projection.weight, into: { storage: dy, accumulate: false } });
    const through = { gradient: dy, rows, columns: width, inner: dimensions };
    device.weightGradient({ ...through, x: offsets, into: { weight: into.position.weight } });
    const parameters = { weight: into.norm, bias: into.position.bias };
    device.rmsNormBackward({ x, gather, norm, scale, dy, into: { ...parameters, x: into.x }, rows, width });
  });
}

/** The backward pass of ballAttention: writes the gradients of qkv and sigma. */
export function ballAttentionBackward(
  device: Primitives,
  { into, ...a }: BallAttention & { gradient: Storage; into: { qkv: Storage; sigma?: Destination } },
): void {
  const { rows, heads } = a;
  withMemory(device, { rowTerms: rows * heads }, ({ rowTerms }) => {
    device.ballAttentionGradients({ ...a, dqkv: into.qkv, rowTerms });
    device.columnSums({ x: rowTerms, into: into.sigma, rows, columns: heads });
  });
}
