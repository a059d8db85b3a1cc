// A small training task for the tests of the loop: to predict the distance of each point from the origin.

import { type DataSet, type Device, ErwinTransformer, mse, supervised, type Task } from "erwin";
import { normals, seededRandom, uniformCloud } from "../support/clouds.ts";

/** It is narrow, so that software adapters compile and run it in seconds. */
export const config = {
  cIn: 2,
  cHidden: [8, 8],
  ballSizes: [16, 16],
  encNumHeads: [2, 2],
  encDepths: [0, 1],
  decNumHeads: [2],
  decDepths: [0],
  strides: [2],
  rotate: 45,
  mlpRatio: 2,
  dimensionality: 2,
  mpSteps: 0,
};

/** A configuration without BatchNorm, whose batches do not depend on each other. */
export const flatConfig = {
  ...config,
  cHidden: [8],
  ballSizes: [16],
  encNumHeads: [2],
  encDepths: [1],
  decNumHeads: [],
  decDepths: [],
  strides: [],
};

export interface Cloud {
  positions: Float32Array;
  features: Float32Array;
  target: Float32Array;
}

export interface Clouds extends DataSet<Cloud> {
  readonly clouds: Cloud[];
}

/** Clouds of the same number of points each. */
export function makeClouds(size: number, seed: number, points = 24): Clouds {
  const random = seededRandom(seed);
  const clouds = Array.from({ length: size }, (): Cloud => {
    const positions = uniformCloud(points, 2, random);
    const target = new Float32Array(points * 8);
    for (let i = 0; i < target.length; i++) {
      const point = Math.floor(i / 8);
      target[i] = (1 + (i % 8)) * 0.2 * Math.hypot(positions[2 * point], positions[2 * point + 1]);
    }
    return { positions, features: normals(points * 2, random), target };
  });
  return { size, clouds, load: (index) => clouds[index] };
}

export const makeModel = (device: Device, seed = 1, shape = config) => ErwinTransformer.create(shape, { device, seed });

export function makeTask(model: ErwinTransformer): Task<Cloud, unknown> {
  const join = (parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));
  return supervised<Cloud>({
    model,
    collate: (clouds) => {
      const points = clouds[0].positions.length / 2;
      const offsets = Int32Array.from([...clouds.keys(), clouds.length], (cloud) => cloud * points);
      return {
        input: {
          nodeFeatures: join(clouds.map(({ features }) => features)),
          nodePositions: join(clouds.map(({ positions }) => positions)),
          offsets,
        },
        offsets,
        target: join(clouds.map(({ target }) => target)),
      };
    },
    loss: mse,
  }) as Task<Cloud, unknown>;
}
