// The wake of a drone over ground: its two propellers blow air down, and their tips shed vortices.

import type { Random } from "../../random.ts";
import { advanceVortices, STEP, type Vortex } from "./vortices.ts";

/** The distance of the propellers from the centre of the drone, and of the tips of a propeller from its hub, m. */
const ARM = 0.6;
const BLADE = 0.24;
/** The speed of a propeller's jet, m/s. */
const SLOWEST = 4.5;
const FASTEST = 6;
/** The frequency at which a jet sheds vortices, times its width and divided by its speed: the Strouhal number. */
const STROUHAL = 0.3;
/** The share of a vortex's strength that is random. */
const CHANCE = 0.2;
/** The squared radius of a vortex's core at the beginning, m^2. */
const FIRST_CORE = 0.03;
/** The share of a vortex's strength that turbulence leaves in a step. */
const KEPT_PER_STEP = Math.exp(-0.5 * STEP);
/** Vortices that are weaker, m^2/s, or farther away, m, are left out. */
const WEAKEST = 0.4;
const FARTHEST = 5;
/** The steps before the first frame, in which the wake reaches the ground and spreads. */
const WARM_UP = 60;

/** The end of a propeller, at which a vortex grows. */
interface Tip {
  /** The distance to the right of the drone's centre, m. */
  offset: number;
  /** The circulation by which the vortex grows in a step, m^2/s, and its approximate circulation when it is shed. */
  growth: number;
  full: number;
  vortex: Vortex;
  /** The circulation of this vortex when it is shed. */
  limit: number;
}

/**
 * The wake of a drone that hovers and sways. The vortices of a propeller's two tips turn in opposite directions, so that they carry
 * air down between them: a jet of speed U, whose edges move at U / 2, sheds a circulation of U^2 / 2 per second.
 */
export class Wake {
  readonly #wind: number;
  readonly #random: Random;
  readonly #sway: { phase: number; width: number; height: number };
  readonly #tips: Tip[];
  #shed: Vortex[] = [];
  #step = -WARM_UP;

  /** @param wind its speed along the ground, m/s */
  constructor(wind: number, random: Random) {
    const between = (low: number, high: number) => low + (high - low) * random.uniform();
    this.#wind = wind;
    this.#random = random;
    this.#sway = { phase: between(0, 2 * Math.PI), width: between(0.3, 0.6), height: between(1.2, 1.5) };
    this.#tips = [-1, 1].flatMap((side) => {
      const speed = between(SLOWEST, FASTEST);
      const rate = speed ** 2 / 2;
      const frequency = (STROUHAL * speed) / (2 * BLADE);
      return [-1, 1].map((end) => ({
        offset: side * ARM + end * BLADE,
        growth: end * rate * STEP,
        full: rate / frequency,
        // The first vortices are shed at random times, so that the tips are not synchronous.
        limit: (rate / frequency) * random.uniform(),
        vortex: { x: 0, y: 0, circulation: 0, core: FIRST_CORE },
      }));
    });
    while (this.#step < 0) this.advance();
  }

  /** The drone's position, m. */
  get drone(): [number, number] {
    const { phase, width, height } = this.#sway;
    const time = this.#step * STEP;
    return [width * Math.sin(time + phase), height + 0.15 * Math.cos(1.3 * time + phase)];
  }

  get vortices(): Vortex[] {
    return [...this.#shed, ...this.#tips.map(({ vortex }) => vortex)];
  }

  /** Advances by a step. */
  advance(): void {
    advanceVortices(this.vortices, this.#wind);
    this.#step++;
    for (const vortex of this.#shed) vortex.circulation *= KEPT_PER_STEP;
    this.#shed = this.#shed.filter(({ x, circulation }) => Math.abs(circulation) > WEAKEST && Math.abs(x) < FARTHEST);
    const [x, y] = this.drone;
    for (const tip of this.#tips) {
      if (Math.abs(tip.vortex.circulation) > tip.limit) {
        this.#shed.push(tip.vortex);
        tip.vortex = { x, y, circulation: 0, core: FIRST_CORE };
        tip.limit = tip.full * (1 + CHANCE * this.#random.normal());
      }
      // The growing vortex stays at the tip.
      const circulation = tip.vortex.circulation + tip.growth;
      Object.assign(tip.vortex, { x: x + tip.offset, y, circulation, core: FIRST_CORE });
    }
  }
}
