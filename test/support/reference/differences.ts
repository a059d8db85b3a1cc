// Gradients by central differences in float64: they need no formula, which could be wrong, but two evaluations for each element.

/** A function of some arrays, in float64. */
export type Compute = (...inputs: Float64Array[]) => ArrayLike<number>;

/** For each input the gradient of sum(compute(inputs) * probe); accurate to about 1e-9 for inputs and derivatives around 1. */
export function differences(
  compute: Compute,
  inputs: readonly ArrayLike<number>[],
  probe: ArrayLike<number>,
  step = 1e-6,
): Float64Array[] {
  const arrays = inputs.map((input) => Float64Array.from(input));
  const total = () => {
    const values = compute(...arrays);
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i] * probe[i];
    return sum;
  };
  return arrays.map((array) =>
    Float64Array.from(array, (value, i) => {
      array[i] = value + step;
      const above = total();
      array[i] = value - step;
      const below = total();
      array[i] = value;
      return (above - below) / (2 * step);
    }),
  );
}
