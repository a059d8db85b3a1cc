// The general operators on the CPU: elementwise functions, and sums along an axis.

import { elementFunctions, type Primitives } from "../operators.ts";
import { type Context, from } from "./context.ts";
import type { Fields } from "./recorder.ts";

/** The number of axes of the command. Arrays with fewer get outer axes of size 1. */
const AXES = 4;

export const elementOperators = ({ record }: Context) =>
  ({
    elementwise(a) {
      const { x, y, out, shape, derivative, accumulate, factor = 1, shift = 0 } = a;
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
        derivative,
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
  }) satisfies Partial<Primitives>;
