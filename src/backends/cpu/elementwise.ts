// The general operators on the CPU: functions of single numbers, and sums along an axis.

import { elementFunctions } from "../operators.ts";
import { type Context, from, type Part } from "./context.ts";
import type { Fields } from "./recorder.ts";

/** Axes of the command; fewer are filled up with axes of one number in front. */
const AXES = 4;

export const elementOperators = ({ record }: Context): Part<"elementwise" | "sumAxis"> => ({
  elementwise(a) {
    const { x, y, out, shape, slope, accumulate, factor = 1, shift = 0 } = a;
    if (shape.includes(0)) return;
    const axes: Fields = {};
    const missing = AXES - shape.length;
    for (let axis = 0; axis < AXES; axis++) {
      axes[`size${axis}`] = shape[axis - missing] ?? 1;
      for (const [name, array] of Object.entries({ x, y, out })) {
        axes[`${name}${axis}`] = array?.strides[axis - missing] ?? 0;
      }
    }
    record("Elementwise", {
      chosen: elementFunctions.indexOf(a.function),
      slope,
      accumulate,
      factor,
      shift,
      x: from(x.storage, x.first),
      y: y && from(y.storage, y.first),
      out: from(out.storage, out.first),
      ...axes,
    });
  },

  sumAxis({ x, into, outer, middle, inner, factor = 1 }) {
    const { storage: out, accumulate } = into;
    record("SumAxis", { x, out, accumulate, outer, middle, inner, factor });
  },
});
