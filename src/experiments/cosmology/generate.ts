// Halos of a generated universe: peaks of a Gaussian random density field in a periodic box, moved along with it to first order
// (Zel'dovich 1970). Where a halo is and how fast it moves follow from the same field, which is what there is to learn.

import { Random } from "../../random.ts";

/** Side of the box, Mpc/h. */
export const BOX = 1000;
/** Waves of the field: all with at most this many periods along the box. */
const SHORTEST_WAVE = 7;
/** Power of a wave by its wave number, near the large scales' own: P(k) ~ k^SLOPE. */
const SLOPE = -1.5;
/** Deviation of a velocity's component, km/s, that of the Quijote simulations. */
const VELOCITY_DEVIATION = 344;
/** How much denser halos lie than matter: their number goes as exp(BIAS density). */
const BIAS = 4;
const COSMOLOGY = { Omega_m: 0.3175, Omega_b: 0.049, h: 0.6711, n_s: 0.9624, sigma_8: 0.834 };
/** H / h in km/s per Mpc/h, times the growth rate of structure: velocity of a displacement of 1 Mpc/h. */
const VELOCITY_OF_DISPLACEMENT = 100 * COSMOLOGY.Omega_m ** 0.55;
/** Mass of a halo of the mean radius, Msun/h, and that radius, kpc/h. */
const MEAN_MASS = 3.213e14;
const MEAN_RADIUS = 1424;
/** Bounds of the bins of the two-point correlation function, Mpc/h. */
const CORRELATION_BINS = 24;
const CORRELATION_STEP = 5;

/** Names of the arrays of a sample, one number a halo. */
export const HALO_FIELDS = ["x", "y", "z", "v_x", "v_y", "v_z", "J_x", "J_y", "J_z", "M200c", "Rvir"] as const;

/** A sample of the published data: arrays of a number for each halo, the heaviest first, the cosmology, the correlation. */
export type HaloCatalogue = Record<string, Float32Array>;

/** A sum of plane waves, and what it does at a place. */
interface DensityField {
  /** Density contrast and displacement (Mpc/h) at a place (Mpc/h). */
  at(x: number, y: number, z: number): { density: number; displacement: [number, number, number] };
}

/** A Gaussian random field whose displacements have the deviation that the velocities ask for. */
export function densityField(random: Random): DensityField {
  const waves: { k: [number, number, number]; squared: number; amplitude: number; phase: number }[] = [];
  for (let i = 0; i <= SHORTEST_WAVE; i++) {
    for (let j = -SHORTEST_WAVE; j <= SHORTEST_WAVE; j++) {
      for (let l = -SHORTEST_WAVE; l <= SHORTEST_WAVE; l++) {
        const length = i * i + j * j + l * l;
        // Of each pair k, -k one: a real field has both alike.
        const first = i > 0 || (i === 0 && (j > 0 || (j === 0 && l > 0)));
        if (!first || length > SHORTEST_WAVE ** 2) continue;
        const unit = (2 * Math.PI) / BOX;
        const amplitude = Math.sqrt(length ** (SLOPE / 2)) * Math.hypot(random.normal(), random.normal());
        const phase = 2 * Math.PI * random.uniform();
        waves.push({ k: [unit * i, unit * j, unit * l], squared: unit * unit * length, amplitude, phase });
      }
    }
  }
  // A wave of density a cos(k q + phase) displaces by -(k / k^2) a sin(k q + phase), since density = -div displacement.
  const variance = waves.reduce((sum, { squared, amplitude }) => sum + amplitude ** 2 / (2 * squared), 0);
  const scale = (VELOCITY_DEVIATION / VELOCITY_OF_DISPLACEMENT) * Math.sqrt(3 / variance);
  return {
    at(x, y, z) {
      let density = 0;
      const displacement: [number, number, number] = [0, 0, 0];
      for (const { k, squared, amplitude, phase } of waves) {
        const angle = k[0] * x + k[1] * y + k[2] * z + phase;
        density += scale * amplitude * Math.cos(angle);
        const along = (-scale * amplitude * Math.sin(angle)) / squared;
        for (let axis = 0; axis < 3; axis++) displacement[axis] += k[axis] * along;
      }
      return { density, displacement };
    },
  };
}

interface Halo {
  position: number[];
  velocity: number[];
  spin: number[];
  mass: number;
}

/** A catalogue of `halos` halos. The same seed and index give the same. */
export function haloCatalogue(halos: number, seed: number, index: number): HaloCatalogue {
  const random = new Random(seed, `cosmology ${index}`);
  const field = densityField(random);
  const found: Halo[] = [];
  while (found.length < halos) {
    const origin = [random.uniform() * BOX, random.uniform() * BOX, random.uniform() * BOX];
    const { density, displacement } = field.at(origin[0], origin[1], origin[2]);
    // Peaks beyond a density of 0.5, of which there are next to none, are all taken.
    if (random.uniform() > Math.exp(BIAS * (density - 0.5))) continue;
    const position = origin.map((q, axis) => (((q + displacement[axis]) % BOX) + BOX) % BOX);
    const velocity = displacement.map((distance) => VELOCITY_OF_DISPLACEMENT * distance);
    const mass = MEAN_MASS * Math.exp(0.5 * random.normal() + 0.5 * density - 0.125);
    // Of halos of one mass, spins are log-normal and point anywhere.
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

/** Two-point correlation function of positions in the periodic box: pairs in each bin over those of a uniform cloud, minus 1. */
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
