// Generates halos of a universe: peaks of a Gaussian random density field in a periodic box, displaced by the field to first order
// (Zel'dovich 1970). Positions and velocities of halos follow from the same field, so that a model can learn their relation.

import { Random } from "../../random.ts";

/** The side of the box, Mpc/h. */
export const BOX = 1000;
/** The field consists of all waves with at most this many periods along each side of the box. */
const SHORTEST_WAVE = 7;
/** The power of a wave by its wave number, P(k) ~ k^SLOPE, close to that of the universe at large scales. */
const SLOPE = -1.5;
/** The deviation of a velocity component, km/s, as in the Quijote simulations. */
const VELOCITY_DEVIATION = 344;
/** How much the density of halos varies with that of matter: their number is proportional to exp(BIAS density). */
const BIAS = 4;
const COSMOLOGY = { Omega_m: 0.3175, Omega_b: 0.049, h: 0.6711, n_s: 0.9624, sigma_8: 0.834 };
/** H / h in km/s per Mpc/h, times the growth rate of structure: the velocity for a displacement of 1 Mpc/h. */
const VELOCITY_OF_DISPLACEMENT = 100 * COSMOLOGY.Omega_m ** 0.55;
/** The mass of a halo of the mean radius, Msun/h, and that radius, kpc/h. */
const MEAN_MASS = 3.213e14;
const MEAN_RADIUS = 1424;
/** The bounds of the bins of the two-point correlation function, Mpc/h. */
const CORRELATION_BINS = 24;
const CORRELATION_STEP = 5;

/** A sample in the published form: arrays with an element per halo, the heaviest first; the cosmology; the correlation function. */
export type HaloCatalogue = Record<string, Float32Array>;

/** A density field of matter as functions of position in Mpc/h. */
interface DensityField {
  /** The density contrast. */
  density(x: number, y: number, z: number): number;
  /** The displacement of the matter that was at this position, Mpc/h. */
  displacement(x: number, y: number, z: number): [number, number, number];
}

/** Makes a Gaussian random field whose displacements have the deviation that the velocities require. */
export function densityField(random: Random): DensityField {
  const waves: { periods: Periods; squared: number; amplitude: number; phase: number }[] = [];
  for (let i = 0; i <= SHORTEST_WAVE; i++) {
    for (let j = -SHORTEST_WAVE; j <= SHORTEST_WAVE; j++) {
      for (let l = -SHORTEST_WAVE; l <= SHORTEST_WAVE; l++) {
        const length = i * i + j * j + l * l;
        // Only one wave of each pair k, -k is drawn, because in a real field the other is its conjugate.
        const first = i > 0 || (i === 0 && (j > 0 || (j === 0 && l > 0)));
        if (!first || length > SHORTEST_WAVE ** 2) continue;
        const amplitude = Math.sqrt(length ** (SLOPE / 2)) * Math.hypot(random.normal(), random.normal());
        const phase = 2 * Math.PI * random.uniform();
        waves.push({ periods: [i, j, l], squared: WAVE_NUMBER ** 2 * length, amplitude, phase });
      }
    }
  }
  // A density wave a cos(k q + phase) displaces matter by -(k / k^2) a sin(k q + phase), since density = -div displacement.
  const moved = waves.reduce((sum, { squared, amplitude }) => sum + amplitude ** 2 / (2 * squared), 0);
  const scale = (VELOCITY_DEVIATION / VELOCITY_OF_DISPLACEMENT) * Math.sqrt(3 / moved);
  const density = new WaveSum();
  const displacement = [new WaveSum(), new WaveSum(), new WaveSum()];
  for (const { periods, squared, amplitude, phase } of waves) {
    density.set(periods, scale * amplitude, phase);
    displacement.forEach((along, axis) => {
      const strength = (scale * amplitude * WAVE_NUMBER * periods[axis]) / squared;
      // -sin(angle) = cos(angle + a quarter turn)
      along.set(periods, strength, phase + Math.PI / 2);
    });
  }
  return {
    density: (x, y, z) => density.at(wavesAt(x, y, z)),
    displacement(x, y, z) {
      const waves = wavesAt(x, y, z);
      return [displacement[0].at(waves), displacement[1].at(waves), displacement[2].at(waves)];
    },
  };
}

/** The numbers of periods of a wave along x, y and z: from 0 to SHORTEST_WAVE along x, from -SHORTEST_WAVE along the others. */
type Periods = readonly [number, number, number];
const PERIODS = 2 * SHORTEST_WAVE + 1;
/** The largest number of periods along z of waves with i periods along x and j - SHORTEST_WAVE along y, at i PERIODS + j; or -1. */
const LONGEST = Int32Array.from({ length: (SHORTEST_WAVE + 1) * PERIODS }, (_, row) => {
  const rest = SHORTEST_WAVE ** 2 - Math.floor(row / PERIODS) ** 2 - ((row % PERIODS) - SHORTEST_WAVE) ** 2;
  return rest < 0 ? -1 : Math.floor(Math.sqrt(rest));
});
/** The wave number of a single period. */
const WAVE_NUMBER = (2 * Math.PI) / BOX;

/** The waves along one axis at a position, by their numbers of periods: e^(i WAVE_NUMBER periods position). */
interface AxisWaves {
  cosines: Float64Array;
  sines: Float64Array;
}

const wavesAt = (x: number, y: number, z: number) => [axisWaves(x), axisWaves(y), axisWaves(z)] as const;

function axisWaves(place: number): AxisWaves {
  const cosines = new Float64Array(PERIODS);
  const sines = new Float64Array(PERIODS);
  for (let i = 0; i < PERIODS; i++) {
    const angle = WAVE_NUMBER * (i - SHORTEST_WAVE) * place;
    cosines[i] = Math.cos(angle);
    sines[i] = Math.sin(angle);
  }
  return { cosines, sines };
}

/**
 * A sum of plane waves. Each wave is the product of a wave along each axis, so the sum is computed axis by axis with
 * multiplications alone: sum_i e^ix sum_j e^jy sum_l c_ijl e^lz.
 */
class WaveSum {
  readonly #real = new Float64Array((SHORTEST_WAVE + 1) * PERIODS ** 2);
  readonly #imaginary = new Float64Array((SHORTEST_WAVE + 1) * PERIODS ** 2);

  set([i, j, l]: Periods, amplitude: number, phase: number): void {
    const at = (i * PERIODS + j + SHORTEST_WAVE) * PERIODS + l + SHORTEST_WAVE;
    this.#real[at] = amplitude * Math.cos(phase);
    this.#imaginary[at] = amplitude * Math.sin(phase);
  }

  at([alongX, alongY, alongZ]: readonly [AxisWaves, AxisWaves, AxisWaves]): number {
    const [real, imaginary] = [this.#real, this.#imaginary];
    let sum = 0;
    for (let i = 0; i <= SHORTEST_WAVE; i++) {
      let planeRe = 0;
      let planeIm = 0;
      for (let j = 0; j < PERIODS; j++) {
        const row = i * PERIODS + j;
        const longest = LONGEST[row];
        let rowRe = 0;
        let rowIm = 0;
        for (let l = SHORTEST_WAVE - longest; l <= SHORTEST_WAVE + longest; l++) {
          const at = row * PERIODS + l;
          rowRe += real[at] * alongZ.cosines[l] - imaginary[at] * alongZ.sines[l];
          rowIm += real[at] * alongZ.sines[l] + imaginary[at] * alongZ.cosines[l];
        }
        planeRe += rowRe * alongY.cosines[j] - rowIm * alongY.sines[j];
        planeIm += rowRe * alongY.sines[j] + rowIm * alongY.cosines[j];
      }
      sum += planeRe * alongX.cosines[i + SHORTEST_WAVE] - planeIm * alongX.sines[i + SHORTEST_WAVE];
    }
    return sum;
  }
}

interface Halo {
  position: number[];
  velocity: number[];
  spin: number[];
  mass: number;
}

/** Generates a catalogue of `halos` halos. The same seed and index give the same catalogue. */
export function haloCatalogue(halos: number, seed: number, index: number): HaloCatalogue {
  const random = new Random(seed, `cosmology ${index}`);
  const field = densityField(random);
  const found: Halo[] = [];
  while (found.length < halos) {
    const origin = [random.uniform() * BOX, random.uniform() * BOX, random.uniform() * BOX];
    const density = field.density(origin[0], origin[1], origin[2]);
    // Matter with a contrast above 0.5, of which there is hardly any, is always accepted.
    if (random.uniform() > Math.exp(BIAS * (density - 0.5))) continue;
    const displacement = field.displacement(origin[0], origin[1], origin[2]);
    const position = origin.map((q, axis) => (((q + displacement[axis]) % BOX) + BOX) % BOX);
    const velocity = displacement.map((distance) => VELOCITY_OF_DISPLACEMENT * distance);
    const mass = MEAN_MASS * Math.exp(0.5 * random.normal() + 0.5 * density - 0.125);
    // Halos of one mass have log-normal spins in random directions.
    const spin = 1e15 * (mass / MEAN_MASS) ** (5 / 3) * Math.exp(0.5 * random.normal());
    const direction = [random.normal(), random.normal(), random.normal()];
    const length = Math.hypot(...direction);
    found.push({ position, velocity, mass, spin: direction.map((part) => (spin * part) / length) });
  }
  found.sort((a, b) => b.mass - a.mass);
  const column = (value: (halo: Halo) => number) => Float32Array.from(found, value);
  const axes = (of: (halo: Halo) => number[]) => [0, 1, 2].map((axis) => column((halo) => of(halo)[axis]));
  const [x, y, z] = axes((halo) => halo.position);
  const [v_x, v_y, v_z] = axes((halo) => halo.velocity);
  const [J_x, J_y, J_z] = axes((halo) => halo.spin);
  const M200c = column((halo) => halo.mass);
  const Rvir = column((halo) => MEAN_RADIUS * Math.cbrt(halo.mass / MEAN_MASS));
  const scalars = Object.fromEntries(Object.entries(COSMOLOGY).map(([name, value]) => [name, Float32Array.of(value)]));
  return { x, y, z, v_x, v_y, v_z, J_x, J_y, J_z, M200c, Rvir, ...scalars, tpcf: correlation(x, y, z) };
}

/** Returns the two-point correlation function in the periodic box: pairs in each bin divided by those of a uniform cloud, minus 1. */
export function correlation(x: Float32Array, y: Float32Array, z: Float32Array): Float32Array {
  const pairs = new Float64Array(CORRELATION_BINS);
  const farthest = (CORRELATION_BINS * CORRELATION_STEP) ** 2;
  const apart = (a: number, b: number) => {
    const distance = Math.abs(a - b);
    return distance > BOX / 2 ? BOX - distance : distance;
  };
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      const squared = apart(x[i], x[j]) ** 2 + apart(y[i], y[j]) ** 2 + apart(z[i], z[j]) ** 2;
      if (squared < farthest) pairs[Math.floor(Math.sqrt(squared) / CORRELATION_STEP)]++;
    }
  }
  const all = (x.length * (x.length - 1)) / 2;
  return Float32Array.from(pairs, (count, bin) => {
    const shell = (4 / 3) * Math.PI * CORRELATION_STEP ** 3 * ((bin + 1) ** 3 - bin ** 3);
    return count / ((all * shell) / BOX ** 3) - 1;
  });
}
