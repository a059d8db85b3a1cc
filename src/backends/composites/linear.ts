// The backward pass of the linear map.

import type { Destination, LinearDestinations, LinearMap, Primitives, Storage } from "../operators.ts";
import { inOrder } from "./memory.ts";

/** The backward pass of linear; `gradient` is that of y, [rows, columns]. */
export function linearBackward(
  device: Primitives,
  a: LinearMap & { gradient: Storage; into: LinearDestinations & { x?: Destination; second?: Destination } },
): void {
  const { x, second, weight, scatter, into, rows, columns, inner, secondInner = 0 } = a;
  const stride = inner + secondInner;
  inOrder(device, { source: a.gradient, index: scatter, rows, width: columns }, (gradient, gather) => {
    const beside = { gradient, gather, rows, columns, inner, stride };
    const besideSecond = { ...beside, inner: secondInner, offset: inner };
    if (into.x) device.inputGradient({ ...beside, weight, into: into.x });
    if (into.second) device.inputGradient({ ...besideSecond, weight, into: into.second });
    device.weightGradient({ ...beside, x, into: { weight: into.weight, bias: into.bias } });
    if (second) device.weightGradient({ ...besideSecond, x: second, into: { weight: into.weight } });
  });
}
