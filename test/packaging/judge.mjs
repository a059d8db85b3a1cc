// Whether a project's result is right: the losses of its training steps are those of the other projects.

/**
 * Of the first project that had any.
 * @type {number[] | undefined}
 */
let expected;

/**
 * "right", or what is wrong.
 * @param {string} result what main.js printed: the losses, or an error
 */
export function judge(result) {
  if (!result.startsWith("losses ")) return result;
  const losses = result.split(" ").slice(1).map(Number);
  const known = (expected ??= losses);
  // Rounding differs between processors with and without fused multiply-add.
  const agree = losses.length === 3 && losses.every((loss, i) => Math.abs(loss - known[i]) <= 1e-5 * known[i]);
  return agree ? "right" : `losses ${losses.join(", ")}; elsewhere ${known.join(", ")}`;
}
