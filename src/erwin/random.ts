// Random numbers that are the same on every platform: whole-number generators, and normal numbers made by arithmetic alone,
// since Math.log and Math.cos may differ in their last bit from engine to engine.

/** xoshiro128** (Blackman and Vigna 2018), seeded through splitmix32. */
export class Random {
  readonly #state = new Uint32Array(4);
  readonly #drawn = new Uint32Array(256);
  #next = 256;

  /** The same seed and stream give the same numbers; different streams of a seed are independent. */
  constructor(seed: number, stream = "") {
    let mixed = seed >>> 0;
    for (let i = 0; i < stream.length; i++) mixed = Math.imul(mixed ^ stream.charCodeAt(i), 0x01000193) >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
  }

  /** A whole number, 0 <= n < 2^32. */
  bits(): number {
    if (this.#next === this.#drawn.length) this.#draw();
    return this.#drawn[this.#next++]!;
  }

  /** 0 < x < 1, 32 bits of it. */
  uniform(): number {
    return uniformOf(this.bits());
  }

  /** A normal number of mean 0 and deviation 1. */
  normal(): number {
    return inverseNormal(this.uniform());
  }

  /** Normal numbers of a mean and a deviation: what `normal` would give one by one, in less time. */
  fillNormal(values: Float32Array, mean: number, deviation: number): void {
    const drawn = this.#drawn;
    for (let filled = 0; filled < values.length; ) {
      if (this.#next === drawn.length) this.#draw();
      const shift = filled - this.#next;
      const end = Math.min(drawn.length, values.length - shift);
      for (let i = this.#next; i < end; i++) {
        values[shift + i] = mean + deviation * inverseNormal(uniformOf(drawn[i]!));
      }
      filled = shift + end;
      this.#next = end;
    }
  }

  /** The next whole numbers, many at a time: their state then stays in the processor's registers. */
  #draw(): void {
    const state = this.#state;
    const drawn = this.#drawn;
    let a = state[0]! | 0;
    let b = state[1]! | 0;
    let c = state[2]! | 0;
    let d = state[3]! | 0;
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

const uniformOf = (bits: number) => (bits + 0.5) / 2 ** 32;

const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k));

/** The normal distribution's quantile, relative error below 1.2e-9 (P. J. Acklam's rational approximation). */
function inverseNormal(p: number): number {
  const tail = 0.02425;
  if (p < tail) return lowerTail(Math.sqrt(-2 * naturalLogarithm(p)));
  if (p > 1 - tail) return -lowerTail(Math.sqrt(-2 * naturalLogarithm(1 - p)));
  // Written out, not looped over coefficients: a new model draws millions of these.
  const q = p - 0.5;
  const r = q * q;
  const above =
    ((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r + 1.38357751867269e2) * r -
      3.066479806614716e1) *
      r +
    2.506628277459239;
  const below =
    ((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r + 6.680131188771972e1) * r -
      1.328068155288572e1) *
      r +
    1;
  return (q * above) / below;
}

function lowerTail(q: number): number {
  const above =
    ((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734) * q +
      4.374664141464968) *
      q +
    2.938163982698783;
  const below =
    (((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1;
  return above / below;
}

/** 1 / 25, 1 / 23, ... 1: divisions would take most of the series' time. */
const RECIPROCALS = Float64Array.from({ length: 13 }, (_, i) => 1 / (25 - 2 * i));

/** ln x for 0 < x <= 1 by halving and the series of artanh: additions, products and quotients are exact to the standard everywhere. */
function naturalLogarithm(x: number): number {
  let halvings = 0;
  while (x < 0.7) {
    x *= 2;
    halvings++;
  }
  const z = (x - 1) / (x + 1);
  let sum = 0;
  for (let i = 0; i < RECIPROCALS.length; i++) sum = sum * z * z + RECIPROCALS[i]!;
  return 2 * z * sum - halvings * Math.LN2;
}
