// What the general operators share: a call of the device's elementwise operator on tensors of any layout.

import type { Storage } from "../../backends/device.ts";
import type { ElementFunction, Strided } from "../../backends/operators.ts";
import { InputError } from "../../errors.ts";
import { mergeAxes, stridesOf } from "../layout.ts";
import type { Tensor } from "../tensor.ts";

/** The maximum number of axes of the device's elementwise operator. */
const MAX_AXES = 4;

/** Elements on the device and their strides; without strides they are row-major. */
export interface Walk {
  storage: Storage;
  first?: number;
  strides?: readonly number[];
}

export interface ElementwiseCall {
  function: ElementFunction;
  derivative?: boolean;
  x: Walk;
  y?: Walk;
  out: Walk & { accumulate?: boolean };
  factor?: number;
  shift?: number;
}

/** Runs an elementwise operator over all indices of `shape`, without recording. */
export function elementwise({ device }: Pick<Tensor, "device">, shape: readonly number[], call: ElementwiseCall): void {
  const { x, y, out } = call;
  const flat = stridesOf(shape);
  const merged = mergeAxes(
    shape,
    [x, y, out].map((array) => array?.strides ?? flat),
  );
  if (merged.shape.length > MAX_AXES) {
    throw new InputError(
      `the shape [${shape}] needs ${merged.shape.length} axes, but at most ${MAX_AXES} are possible: copy a slice or reshape first`,
      { found: [...shape], limit: MAX_AXES },
    );
  }
  const [xStrides, yStrides, outStrides] = merged.strides as [number[], number[], number[]];
  device.operators.elementwise({
    ...call,
    x: strided(x, xStrides),
    y: y && strided(y, yStrides),
    out: strided(out, outStrides),
    accumulate: out.accumulate,
    shape: merged.shape,
  });
}

const strided = ({ storage, first = 0 }: Walk, strides: number[]): Strided => ({ storage, first, strides });
