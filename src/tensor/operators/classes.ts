// Classes: the probabilities that logits stand for, and the cross entropy with what is known.

import { type Indices, isIntegers, toIndices } from "../../arguments/indices.ts";
import { classOf, describe } from "../../arguments/kinds.ts";
import { type Numbers, toNumbers } from "../../arguments/numbers.ts";
import { checkOptions, expectOption } from "../../arguments/options.ts";
import { ConfigError, InputError } from "../../errors.ts";
import { expectNumbers, matrixShape } from "../shapes.ts";
import { noGrad, record } from "../tape.ts";
import { scope, Tensor } from "../tensor.ts";
import { add, clamp, divide, maximum, multiply, subtract } from "./arithmetic.ts";
import { affine, exp, log, negate, relu, scale } from "./functions.ts";
import { embeddingLookup } from "./lookup.ts";
import { type Target, targetOf } from "./losses.ts";
import { sum } from "./reductions.ts";
import { reshape } from "./reshape.ts";
import { slice } from "./sections.ts";

/** The least number of float32, and less its sign the largest. In place of an infinity it lets zero times it be zero. */
const LEAST = -(2 ** 128 - 2 ** 104);

/** What counts how much in a `crossEntropy`: as in torch.nn.functional.cross_entropy. */
export interface CrossEntropyOptions {
  /** [classes] The weight of each class. Default: 1. */
  weight?: Numbers;
  /** The class number of rows that do not count. Default -100. */
  ignoreIndex?: number;
  /** The share of each row's target that all classes have alike, from 0 to 1. Default 0. */
  labelSmoothing?: number;
}

/**
 * The cross entropy between known classes, or distributions over classes, and the distributions that logits stand for, with
 * p = softmax(logits) and w the weights:
 *
 *     class numbers c:        sum_n -w[c_n] log p[n, c_n] / sum_n w[c_n]      over the rows that count; 0 if none does
 *     distributions t:        sum_nk -w[k] t[n, k] log p[n, k] / n
 *
 * @param logits [n, classes]
 * @param target [n] class numbers from 0 on, in an array; or [n, classes], each row of which adds up to 1
 * @throws InputError if the shapes do not match, for a number of no class, and without rows or classes; ConfigError naming an
 *   invalid option
 */
export function crossEntropy(logits: Tensor, target: Target | Indices, options: CrossEntropyOptions = {}): Tensor {
  checkOptions("crossEntropy", options, { weight: true, ignoreIndex: true, labelSmoothing: true });
  const { labelSmoothing = 0, ignoreIndex = -100 } = options;
  const [rows, classes] = logitsShape(logits);
  const fits = labelSmoothing >= 0 && labelSmoothing <= 1;
  expectOption("labelSmoothing", labelSmoothing, "a number from 0 to 1", fits);
  const weight = options.weight === undefined ? undefined : weightsOf(options.weight, classes);
  const smooth = { factor: 1 - labelSmoothing, shift: labelSmoothing / classes };
  const surpriseOf = (x: Tensor) => negate(logProbabilities(x, LEAST));
  return scope(() => {
    if (!areClassNumbers(target, rows, classes)) {
      const wanted = affine(targetOf(logits, target as Target, logits.shape), smooth.factor, smooth.shift);
      const terms = multiply(wanted, surpriseOf(logits));
      const weighted = weight ? multiply(terms, Tensor.from(logits.device, weight)) : terms;
      return scale(sum(weighted), 1 / rows);
    }
    const { x, numbers } = rowsThatCount(logits, classNumbers(target, { rows, classes, ignoreIndex }));
    const share = (isOwn: boolean, k: number) => (weight?.[k] ?? 1) * ((isOwn ? smooth.factor : 0) + smooth.shift);
    const wanted = rowsOfClasses(logits, numbers, share);
    let all = 0;
    for (const number of numbers) all += weight?.[number] ?? 1;
    return scale(sum(multiply(wanted, surpriseOf(x))), all > 0 ? 1 / all : 0);
  });
}

/**
 * The share of the rows whose own class has the largest logit, a scalar for `metrics`. Where another's is as large, the row counts.
 * @param logits [n, classes]
 * @param target [n] class numbers from 0 on, in an array
 * @param options.ignoreIndex the class number of rows that do not count; default -100. Without any that does, the result is 0
 * @throws InputError as `crossEntropy`
 */
export function accuracy(
  logits: Tensor,
  target: Indices,
  options: Pick<CrossEntropyOptions, "ignoreIndex"> = {},
): Tensor {
  checkOptions("accuracy", options, { ignoreIndex: true });
  const { ignoreIndex = -100 } = options;
  const [rows, classes] = logitsShape(logits);
  const all = classNumbers(target, { rows, classes, ignoreIndex });
  const compute = () => {
    const { x, numbers } = rowsThatCount(logits, all);
    const count = numbers.length;
    const finite = clamp(x, LEAST, -LEAST);
    const own = sum(multiply(rowsOfClasses(logits, numbers, Number), finite), 1);
    const lead = relu(subtract(finite, own.detach([count, 1])));
    // How many classes have a larger logit: x / x for each.
    const larger = sum(divide(lead, add(lead, 1e-30)), 1);
    return scale(sum(relu(affine(larger, -1, 1))), count > 0 ? 1 / count : 0);
  };
  return noGrad(() => scope(compute));
}

function logitsShape(logits: Tensor): [number, number] {
  const [rows, classes] = matrixShape("logits", logits);
  if (rows * classes > 0) return [rows, classes];
  throw new InputError(`logits of shape [${rows},${classes}] have no rows or no classes`, { found: [rows, classes] });
}

/** Leaves out the rows that do not count. To weigh them by 0 would not do: 0 times a logit that is infinite is NaN. */
function rowsThatCount(logits: Tensor, all: Int32Array): { x: Tensor; numbers: Int32Array } {
  const classes = logits.shape[1] as number;
  const numbers = all.filter((number) => number < classes);
  if (numbers.length === all.length) return { x: logits, numbers };
  return {
    x: embeddingLookup(
      logits,
      [...all.keys()].filter((row) => all[row] < classes),
    ),
    numbers,
  };
}

/** Returns for each row what stands for its class: valueOf(whether k is the class, k) at k. */
function rowsOfClasses(
  { device, shape }: Tensor,
  numbers: Int32Array,
  valueOf: (isOwn: boolean, k: number) => number,
): Tensor {
  const classes = shape[1] as number;
  const table = Float32Array.from({ length: classes * classes }, (_, entry) =>
    valueOf(entry % (classes + 1) === 0, entry % classes),
  );
  return embeddingLookup(Tensor.from(device, table, [classes, classes]), numbers);
}

function weightsOf(given: Numbers, classes: number): Float32Array {
  const { data: weight } = toNumbers("weight", given);
  if (weight.length === classes && weight.every((value) => value >= 0 && value < Number.POSITIVE_INFINITY))
    return weight;
  throw new ConfigError(
    `weight must be ${classes} numbers of at least 0, one for each class, not ${describe([...weight])}`,
    {
      field: "weight",
    },
  );
}

/** Whether it is an array of one number for each row, which is no distribution. */
function areClassNumbers(target: Target | Indices, rows: number, classes: number): target is Indices {
  if (target instanceof Tensor) {
    if (target.type === "f32" && (target.size !== rows || classes === 1)) return false;
    throw new InputError(
      "class numbers are given in an array, such as an Int32Array, not in a tensor: there they are checked",
      {
        tensor: "target",
      },
    );
  }
  if (isIntegers(target)) return true;
  return classes > 1 && target?.length !== rows * classes && typeof target?.[0] === "number";
}

/** Returns the checked numbers; those of rows that do not count are the number of classes. */
function classNumbers(target: Indices, of: { rows: number; classes: number; ignoreIndex: number }): Int32Array {
  const { rows, classes, ignoreIndex } = of;
  // Labels of files are often bytes.
  const numbers = Int32Array.from(
    classOf(target) === "Uint8Array" ? (target as Uint8Array) : toIndices("target", target),
  );
  if (numbers.length !== rows) {
    throw new InputError(`target has ${numbers.length} class numbers, expected one for each of the ${rows} rows`, {
      tensor: "target",
      expected: rows,
      found: numbers.length,
    });
  }
  numbers.forEach((number, row) => {
    if (number === ignoreIndex) numbers[row] = classes;
    else if (!(number >= 0 && number < classes)) {
      throw new InputError(
        `target[${row}] is ${number}, expected a class number from 0 to ${classes - 1}, or ${ignoreIndex} (ignoreIndex)`,
        { tensor: "target", row },
      );
    }
  });
  return numbers;
}

/**
 * The probabilities that logits stand for, exp(x_k) / sum_j exp(x_j) along the last axis.
 * @throws InputError for another axis, and for a tensor without classes
 */
export const softmax = (x: Tensor, axis?: number): Tensor => scope(() => exp(logSoftmax(x, axis)));

/** The logarithm of `softmax`. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  expectNumbers("x", x);
  const classes = x.shape.at(-1);
  if (axis !== -1 && axis !== x.shape.length - 1) {
    throw new InputError(`a softmax is along the last axis, not along axis ${describe(axis)}`, { axis });
  }
  if (!classes) throw new InputError(`a tensor of shape [${x.shape}] has no classes`, { found: [...x.shape] });
  return scope(() => reshape(logProbabilities(reshape(x, [x.size / classes, classes])), x.shape));
}

/**
 * The logarithms of the probabilities of each row's classes, [n, classes] -> [n, classes]. The row's largest logit is subtracted first:
 * no exponential can overflow, and logits that are as good as -infinity, by which classes are masked, take no digits from the others.
 * @param least what takes the place of smaller results
 */
function logProbabilities(x: Tensor, least?: number): Tensor {
  const column = [x.shape[0] as number, 1];
  const result = noGrad(() => {
    const rest = subtract(x, largestOfRows(x));
    const exact = subtract(rest, reshape(log(sum(exp(rest), 1)), column));
    return least === undefined ? exact : maximum(exact, least);
  });
  return record(result, [x], { result }, (gradient, gradients, kept) => {
    const total = reshape(sum(gradient, 1), column);
    gradients.give(x, subtract(gradient, multiply(exp(kept.result), total)));
  });
}

/** [n, classes] -> [n, 1]. The halves that are compared share the middle column of an odd number. */
function largestOfRows(x: Tensor): Tensor {
  let left = x;
  for (let width = x.shape[1] as number; width > 1; ) {
    const half = Math.ceil(width / 2);
    left = maximum(slice(left, 1, 0, half), slice(left, 1, width - half));
    width = half;
  }
  return left;
}
