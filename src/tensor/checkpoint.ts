// Gradient checkpointing: what a backward pass needs is computed again instead of being kept.

import { expectKind } from "../arguments/kinds.ts";
import { playBack } from "./backward.ts";
import { expectTensor } from "./shapes.ts";
import { type Gradients, makeLeaf, noGrad, record, type Saved } from "./tape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Runs `compute` on the inputs without keeping what its backward pass needs, and runs it again when that is needed:
 * this trades time for memory, with the same bits in every gradient. `compute` must be synchronous, give the same result twice (so
 * no dropout in training mode) and not dispose its inputs.
 * @param leaves the parameters it uses; other tensors among them are checked for changes only
 * @param constants other tensors it uses; they are kept alive and passed to `compute` as its second argument
 * @throws InputError for anything but lists of tensors, and a function that returns one; DisposedError
 */
export function checkpoint(
  inputs: readonly Tensor[],
  leaves: readonly Tensor[],
  compute: (inputs: readonly Tensor[], constants: readonly (Tensor | undefined)[]) => Tensor,
  constants: readonly (Tensor | undefined)[] = [],
): Tensor {
  for (const [name, list] of Object.entries({ inputs, leaves, constants })) {
    expectKind(name, list, "a list of tensors", Array.isArray(list));
  }
  expectKind("compute", compute, "a function", typeof compute === "function");
  const computed = noGrad(() => compute(inputs, constants));
  expectTensor("what compute returns", computed);
  // What it returns may be something that it was given, which keeps its own place on the tape.
  const result = [...inputs, ...leaves, ...constants].includes(computed) ? computed.detach() : computed;
  const kept: Saved = Object.fromEntries([...inputs, ...constants].map((tensor, i) => [i, tensor]));
  const recompute = (gradient: Tensor, gradients: Gradients, saved: Saved) => {
    const again = inputs.map((input, i) => {
      const view = saved[i]!.detach();
      // Gradients are written directly to their destinations, so that sums have the same order as without a checkpoint.
      if (gradients.wanted(input)) makeLeaf(view, gradients.into(input));
      return view;
    });
    const constantsAgain = constants.map((_, i) => saved[inputs.length + i]);
    const recomputed = compute(again, constantsAgain);
    // A result that depends on nothing that wants a gradient is not on the tape.
    if (recomputed.history) playBack(recomputed, gradient.view());
    for (const view of again) {
      const leaf = view.history?.leaf;
      if (leaf?.gradient && !leaf.held) view.device.clear(leaf.gradient.storage);
    }
  };
  return record(result, [...inputs, ...leaves], kept, recompute, leaves);
}
