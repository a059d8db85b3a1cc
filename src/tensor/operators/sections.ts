// Concatenation of tensors, and sections of them.

import { describe, expectKind, expectNumber } from "../../arguments/kinds.ts";
import { toShape } from "../../arguments/numbers.ts";
import { InputError } from "../../errors.ts";
import { type AroundAxis, aroundAxis, stridesOf } from "../layout.ts";
import { expectNumbers, expectSameDevice, expectShape } from "../shapes.ts";
import { record } from "../tape.ts";
import { Tensor, withClouds } from "../tensor.ts";
import { elementwise } from "./elementwise.ts";

/**
 * Concatenates tensors along an axis; their other sizes must be equal.
 * @param axis 0 by default; negative ones count from the end
 * @throws InputError if there is no tensor or no such axis, or another size differs.
 */
export function concatenate(tensors: readonly Tensor[], axis = 0): Tensor {
  expectKind("tensors", tensors, "a list of tensors", Array.isArray(tensors));
  const [first] = tensors;
  if (!first) throw new InputError("there is nothing to concatenate");
  expectNumbers("tensor 0", first);
  const place = aroundAxis(first.shape, axis).axis;
  const along = (size: number) => first.shape.map((own, i) => (i === place ? size : own));
  Array.from(tensors).forEach((tensor, i) => {
    expectNumbers(`tensor ${i}`, tensor);
    expectShape(`tensor ${i}`, tensor, along(tensor.shape[place]));
    expectSameDevice({ "tensor 0": first, [`tensor ${i}`]: tensor });
  });
  const result = new Tensor(first.device, along(tensors.reduce((sum, { shape }) => sum + shape[place], 0)));
  if (place > 0) withClouds(result, ...tensors);
  const sections = sectionsOf(
    result,
    place,
    tensors.map(({ shape }) => shape[place]),
  );
  tensors.forEach((tensor, i) => {
    const { shape, first, strides } = sections[i];
    elementwise(result, shape, { function: "affine", x: tensor, out: { storage: result.storage, first, strides } });
  });
  return record(result, [...tensors], {}, (gradient, gradients) => {
    tensors.forEach((tensor, i) => {
      if (!gradients.wanted(tensor)) return;
      const { shape, first, strides } = sections[i];
      const x = { storage: gradient.storage, first, strides };
      elementwise(gradient, shape, { function: "affine", x, out: gradients.into(tensor) });
    });
  });
}

/**
 * Returns a copy of x[start .. end] along an axis.
 * @param axis negative ones count from the end
 * @param end one more than the last index; by default the axis's size
 * @throws InputError if the section is not within the axis.
 */
export function slice(x: Tensor, axis: number, start: number, end?: number): Tensor {
  expectNumbers("x", x);
  const { axis: place, size } = aroundAxis(x.shape, axis);
  const stop = end ?? size;
  expectNumber("start", start);
  expectNumber("end", stop);
  if (!(Number.isInteger(start) && Number.isInteger(stop) && 0 <= start && start <= stop && stop <= size)) {
    throw new InputError(`${start} to ${stop} is not a section of axis ${axis}, which has the size ${size}`, {
      start,
      end: stop,
      size,
    });
  }
  return section(x, place, sectionsOf(x, place, [start, stop - start])[1]);
}

/**
 * Splits x along an axis into sections, which are copies.
 * @param sizes the sizes of the sections, which add up to the axis's size; or the number of sections of equal size
 * @param axis 0 by default; negative ones count from the end
 * @throws InputError if the sections do not fill the axis.
 */
export function split(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  expectNumbers("x", x);
  const { axis: place, size } = aroundAxis(x.shape, axis);
  const equal = typeof sizes === "number" && Number.isInteger(sizes) && sizes >= 1 && size % sizes === 0;
  const list = equal ? new Array<number>(sizes).fill(size / sizes) : sizes;
  if (typeof list === "number" || toShape("list of sizes", list).reduce((a, b) => a + b, 0) !== size) {
    throw new InputError(`sections of ${describe(sizes)} do not fill axis ${axis}, which has the size ${size}`, {
      size,
    });
  }
  return sectionsOf(x, place, list).map((part) => section(x, place, part));
}

/** A part of an array: its three axes, named as in `AroundAxis`, and where its elements lie in the whole array. */
interface Section {
  count: number;
  shape: number[];
  first: number;
  strides: number[];
}

function sectionsOf(whole: Tensor, axis: number, sizes: readonly number[]): Section[] {
  const { outer, size, inner }: AroundAxis = aroundAxis(whole.shape, axis);
  let start = 0;
  return sizes.map((count) => {
    const first = start * inner;
    start += count;
    return { count, shape: [outer, count, inner], first, strides: stridesOf([outer, size, inner]) };
  });
}

function section(x: Tensor, axis: number, { count, shape, first, strides }: Section): Tensor {
  const y = new Tensor(
    x.device,
    x.shape.map((size, i) => (i === axis ? count : size)),
  );
  elementwise(x, shape, { function: "affine", x: { storage: x.storage, first, strides }, out: y });
  if (axis > 0) withClouds(y, x);
  return record(y, [x], {}, (gradient, gradients) => {
    const { storage, accumulate } = gradients.into(x);
    if (!accumulate) x.device.clear(storage);
    const out = { storage, first, strides, accumulate };
    elementwise(gradient, shape, { function: "affine", x: gradient, out });
  });
}
