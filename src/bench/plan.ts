// What the suite measures: sizes, and how long.

/** Sizes, and the time each case may take in all rounds together. */
export interface Plan {
  rounds: number;
  seconds: number;
  /** After so many seconds nothing more is made ready. */
  preparation: number;
  /** Seconds for all rounds of all cases: the longest cases are left out where they would take longer. */
  measurement: number;
  rooflineSeconds: number;
  channels: number;
  trees: { clouds: number; points: number }[];
  graphs: { clouds: number; points: number }[];
  /** Clouds, and points of each: for each entry the sizes grow as far as time and memory allow. */
  passes: { clouds: number; points: number[] }[];
}

/** Of the benchmarks' model, unless there is little memory. */
const channels = 32;

export const quickPlan: Plan = {
  rounds: 10,
  seconds: 15,
  preparation: 90,
  measurement: 45,
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
  measurement: 400,
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
