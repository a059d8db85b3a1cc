// The sizes that the suite measures, and its time limits.

/** Sizes and time limits. */
export interface Plan {
  rounds: number;
  seconds: number;
  /** The number of seconds after which no more subjects are prepared. */
  preparation: number;
  /** The seconds for the whole suite: the longest cases are left out if the rounds would take longer than the remaining time. */
  whole: number;
  /** The bytes of the largest case, which are tried on each device. */
  memory: number;
  rooflineSeconds: number;
  channels: number;
  trees: { clouds: number; points: number }[];
  graphs: { clouds: number; points: number }[];
  /** Numbers of clouds, and of points in each cloud. In each entry, sizes are measured in order as far as time and memory allow. */
  passes: { clouds: number; points: number[] }[];
}

/** The channels of the model's finest level; machines with little memory get fewer. */
const channels = 32;

export const quickPlan: Plan = {
  rounds: 10,
  seconds: 15,
  preparation: 80,
  whole: 130,
  memory: 2 ** 29,
  rooflineSeconds: 0.2,
  channels,
  trees: [
    { clouds: 1, points: 4096 },
    { clouds: 16, points: 1024 },
  ],
  graphs: [{ clouds: 1, points: 4096 }],
  passes: [{ clouds: 1, points: [256, 1024, 4096] }],
};

export const fullPlan: Plan = {
  rounds: 15,
  seconds: 25,
  preparation: 400,
  whole: 800,
  memory: 6.5 * 2 ** 30,
  rooflineSeconds: 1,
  channels,
  trees: [
    { clouds: 1, points: 4096 },
    { clouds: 16, points: 1024 },
    { clouds: 1, points: 65536 },
    { clouds: 1, points: 262144 },
  ],
  graphs: [
    { clouds: 1, points: 4096 },
    { clouds: 1, points: 65536 },
  ],
  passes: [
    { clouds: 1, points: [1024, 4096, 16384, 65536] },
    { clouds: 16, points: [1024, 4096, 16384] },
  ],
};
