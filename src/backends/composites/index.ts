// Composites: operators that consist of several primitives, each written once for all devices. Every function that the files below
// export is one.

import type { Memory, Primitives } from "../operators.ts";
import type { Pool } from "../storage.ts";
import * as attention from "./attention.ts";
import * as feedForward from "./feed-forward.ts";
import * as geometry from "./geometry.ts";
import * as linear from "./linear.ts";
import * as messages from "./messages.ts";
import * as norms from "./norms.ts";

const composites = { ...attention, ...feedForward, ...geometry, ...linear, ...messages, ...norms };

export type Composites = {
  [Name in keyof typeof composites]: (a: Parameters<(typeof composites)[Name]>[1]) => void;
};

/** The operators that tensors and the optimiser call: composites, and the primitives themselves. */
export interface Operators extends Omit<Primitives, keyof Memory>, Composites {}

/**
 * Makes all operators of a device from its primitives. One that fails, which is for lack of memory, leaves none of its temporary
 * memory in use: the primitives and composites themselves need not care.
 * @param pool the memory of the primitives
 */
export function operatorsOf(primitives: Primitives, pool: Pick<Pool<never>, "freeingOnFailure">): Operators {
  const composed = Object.entries(composites).map(([name, run]) => [name, (a: never) => run(primitives, a)]);
  const operators = { ...primitives, ...(Object.fromEntries(composed) as Composites) };
  const freeing = Object.entries(operators).map(([name, operator]) => [
    name,
    typeof operator === "function"
      ? (...a: never[]) => pool.freeingOnFailure(() => (operator as (...a: never[]) => unknown)(...a))
      : operator,
  ]);
  return Object.fromEntries(freeing);
}
