// The backward pass of the product that computes queries, keys and values.

import type {
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
