// Random numbers that are the same on every platform: integer generators, and normal numbers computed by arithmetic
// alone, since Math.log and Math.exp may differ in their last bit between engines.

import { expectNumber } from "./arguments/kinds.ts";
import { InputError } from "./errors.ts";
import { Opaque } from "./inspect.ts";

/**
 * The number of layers of the ziggurat (Marsaglia and Tsang 2000): the area under exp(-x^2 / 2), x >= 0, is divided
 * into 256 parts of equal area. Layer i is a rectangle EDGES[i] wide between the heights HEIGHTS[i] and HEIGHTS[i + 1],
 * of which everything within EDGES[i + 1] is under the curve. Layer 0 includes the tail beyond EDGES[1]: EDGES[0] is
 * the width of a rectangle with that area.
 */
const LAYERS = 256;
const TAIL_BEGINS = 3.654152885361009;
const TAIL_HEIGHT = 0.0012602859304985975; // exp(-TAIL_BEGINS^2 / 2)
const LAYER_AREA = 0.004928673233974655; // TAIL_BEGINS TAIL_HEIGHT + the area under the tail
const EDGES = new Float64Array(LAYERS + 1);
const HEIGHTS = new Float64Array(LAYERS + 1);
/** A layer's width divided by 2^23, the step of a signed 24-bit integer. */
const STEPS = new Float64Array(LAYERS);

/** xoshiro128** (Blackman and Vigna 2018), seeded through splitmix32. */
export class Random extends Opaque {
  readonly #state = new Uint32Array(4);
  readonly #drawn = new Uint32Array(256);
  #next = 256;

  /**
   * The same seed and stream give the same numbers; different streams of a seed are independent, and so are different seeds.
   * @throws InputError for a seed that is not a whole number, or that is beyond 2^53, where not all whole numbers exist
   */
  constructor(seed: number, stream = "") {
    super();
    expectNumber("seed", seed);
    if (!Number.isSafeInteger(seed)) {
      const expected = "a whole number below 2^53";
      throw new InputError(`seed is ${seed}, expected ${expected}`, { tensor: "seed", expected });
    }
    // The upper 22 bits change the step of splitmix32: no two seeds have the same state.
    const step = 0x9e3779b9 + 2 * Math.floor(seed / 2 ** 32);
    let mixed = seed >>> 0;
    for (let i = 0; i < stream.length; i++) mixed = Math.imul(mixed ^ stream.charCodeAt(i), 0x01000193) >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + step) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
  }

  /** An integer, 0 <= n < 2^32. */
  bits(): number {
    if (this.#next === this.#drawn.length) this.#draw();
    return this.#drawn[this.#next++];
  }

  /** A number 0 < x < 1 with 32 random bits. */
  uniform(): number {
    return (this.bits() + 0.5) / 2 ** 32;
  }

  /** A normal number with mean 0 and deviation 1, at a resolution of 24 bits within its layer of the ziggurat. */
  normal(): number {
    const bits = this.bits();
    const x = inLayer(bits);
    return isUnderCurve(bits, x) ? x : this.#edge(layerOf(bits), x);
  }

  /** Writes normal numbers with a mean and a deviation: the same as repeated calls of `normal`, in less time. */
  fillNormal(values: Float32Array, mean: number, deviation: number): void {
    const drawn = this.#drawn;
    for (let filled = 0; filled < values.length; ) {
      const shift = filled - this.#next;
      const end = Math.min(drawn.length, values.length - shift);
      let i = this.#next;
      for (; i < end; i++) {
        const x = inLayer(drawn[i]);
        if (!isUnderCurve(drawn[i], x)) break;
        values[shift + i] = mean + deviation * x;
      }
      this.#next = i;
      filled = shift + i;
      if (filled < values.length) values[filled++] = mean + deviation * this.normal();
    }
  }

  /** A normal number if x, in its layer, may lie beyond the curve, as in 1.2 % of cases. */
  #edge(layer: number, x: number): number {
    if (layer === 0) return x < 0 ? -this.#tail() : this.#tail();
    const height = HEIGHTS[layer] + this.uniform() * (HEIGHTS[layer + 1] - HEIGHTS[layer]);
    return naturalLogarithm(height) < -0.5 * x * x ? x : this.normal();
  }

  /** A normal number beyond TAIL_BEGINS (Marsaglia 1964). */
  #tail(): number {
    for (;;) {
      const beyond = -naturalLogarithm(this.uniform()) / TAIL_BEGINS;
      if (-2 * naturalLogarithm(this.uniform()) > beyond * beyond) return TAIL_BEGINS + beyond;
    }
  }

  /** Computes the next integers, many at a time, so that the state stays in the processor's registers. */
  #draw(): void {
    const state = this.#state;
    const drawn = this.#drawn;
    let a = state[0] | 0;
    let b = state[1] | 0;
    let c = state[2] | 0;
    let d = state[3] | 0;
    for (let i = 0; i < drawn.length; i++) {
      drawn[i] = Math.imul(rotate(Math.imul(b, 5), 7), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = rotate(d, 11);
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
    this.#next = 0;
  }
}

/** Shuffles a list or an array in place (Fisher and Yates), and returns it. */
export function shuffled<List extends unknown[] | Int32Array>(list: List, random: Random): List {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

const layerOf = (bits: number) => bits & (LAYERS - 1);

/** A number in the layer that the last 8 bits choose, at the position that the other 24 give. */
const inLayer = (bits: number) => ((bits >> 8) + 0.5) * STEPS[layerOf(bits)];

/** Whether x is certain to be under the curve. */
const isUnderCurve = (bits: number, x: number) => Math.abs(x) < EDGES[layerOf(bits) + 1];

const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k));

/** 1 / 25, 1 / 23, ... 1: divisions would take most of the series' time. */
const RECIPROCALS = Float64Array.from({ length: 13 }, (_, i) => 1 / (25 - 2 * i));

/**
 * ln x for 0 < x <= 1 by halving and the series of artanh: the standard defines additions, products and quotients
 * exactly.
 */
function naturalLogarithm(x: number): number {
  let halvings = 0;
  while (x < 0.7) {
    x *= 2;
    halvings++;
  }
  const z = (x - 1) / (x + 1);
  let sum = 0;
  for (let i = 0; i < RECIPROCALS.length; i++) sum = sum * z * z + RECIPROCALS[i];
  return 2 * z * sum - halvings * Math.LN2;
}

EDGES[0] = LAYER_AREA / TAIL_HEIGHT;
EDGES[1] = TAIL_BEGINS;
HEIGHTS[1] = TAIL_HEIGHT;
for (let i = 2; i < LAYERS; i++) {
  HEIGHTS[i] = HEIGHTS[i - 1] + LAYER_AREA / EDGES[i - 1];
  EDGES[i] = Math.sqrt(-2 * naturalLogarithm(HEIGHTS[i]));
}
HEIGHTS[LAYERS] = 1;
for (let i = 0; i < LAYERS; i++) STEPS[i] = EDGES[i] / 2 ** 23;
