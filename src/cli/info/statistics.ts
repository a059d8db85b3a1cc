// Statistics of an array's values, in one pass and without a copy.

import type { SafeTensor } from "../../formats/bytes/elements.ts";
import { bfloat16ToFloat32, halfToNumber } from "../../formats/bytes/half.ts";

export interface ArraySummary {
  name: string;
  /** The shape in one sample; null along axes on which samples differ. */
  shape: (number | null)[];
  /** The type of the elements in the file, or as which its digits are read. */
  dtype: string;
  /** Statistics of the finite values; null if there are none. */
  min: number | null;
  max: number | null;
  mean: number | null;
  /** The numbers of NaN and of infinite values. */
  nan: number;
  infinite: number;
}

/** Accumulates one array of a file or, sample by sample, the arrays of one name in several samples. */
export class Statistics {
  readonly #name: string;
  readonly #dtype: string;
  #shape: (number | null)[];
  #low = Number.POSITIVE_INFINITY;
  #high = Number.NEGATIVE_INFINITY;
  #sum = 0;
  #count = 0;
  #nan = 0;
  #infinite = 0;

  constructor(name: string, { dtype, shape }: Pick<SafeTensor, "dtype" | "shape">) {
    this.#name = name;
    this.#dtype = dtype;
    this.#shape = [...shape];
  }

  add({ dtype, shape, data }: SafeTensor): void {
    const differs = shape.length !== this.#shape.length;
    this.#shape = differs ? [null] : this.#shape.map((size, axis) => (size === shape[axis] ? size : null));
    const values = dtype === "BF16" ? bfloat16ToFloat32(data as Uint16Array) : data;
    const isHalf = dtype === "F16";
    for (let i = 0; i < values.length; i++) {
      const value = isHalf ? halfToNumber(values[i] as number) : Number(values[i]);
      if (Number.isNaN(value)) this.#nan++;
      else if (!Number.isFinite(value)) this.#infinite++;
      else {
        if (value < this.#low) this.#low = value;
        if (value > this.#high) this.#high = value;
        this.#sum += value;
        this.#count++;
      }
    }
  }

  summary(): ArraySummary {
    const some = this.#count > 0;
    return {
      name: this.#name,
      shape: this.#shape,
      dtype: this.#dtype,
      min: some ? this.#low : null,
      max: some ? this.#high : null,
      mean: some ? this.#sum / this.#count : null,
      nan: this.#nan,
      infinite: this.#infinite,
    };
  }
}
