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
import { inOrder, withMemory } from "./memory.ts";

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
  const { gradient, norm, offsets, position, projection, into, rows, width, dimensions } = a;
  inOrder(device, { source: a.x, index: a.gather, rows, width }, (x, gather) =>
    withMemory(device, { y: rows * width, scale: rows }, ({ y, scale }) => {
      device.normPosition({ x, gather, norm, offsets, position, y, scale, rows, width, dimensions });
      const packed = { gradient, rows, columns: 3 * width, inner: width, packedWidth: width };
      device.weightGradient({ ...packed, x: y, into: into.projection });
      // The normalised rows are no longer needed.
      const dy = y;
      device.inputGradient({ ...packed, weight: projection.weight, into: { storage: dy, accumulate: false } });
      const through = { gradient: dy, rows, columns: width, inner: dimensions };
      device.weightGradient({ ...through, x: offsets, into: { weight: into.position.weight } });
      const shared = { norm, scale, dy, rows, width };
      const parameters = { weight: into.norm, bias: into.position.bias };
      const { x: dx } = into;
      if (!dx || !a.gather || gather) {
        device.rmsNormBackward({ x, gather, ...shared, into: { ...parameters, x: dx } });
        return;
      }
      const index = a.gather;
      withMemory(device, { ordered: rows * width }, ({ ordered }) => {
        const inPlace = { storage: ordered, accumulate: false };
        device.rmsNormBackward({ x, ...shared, into: { ...parameters, x: inPlace } });
        // The index is a permutation: every row is written, so nothing has to be cleared.
        device.scatterRows({ source: ordered, index, into: dx, rows, targets: rows, width });
      });
    }),
  );
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
