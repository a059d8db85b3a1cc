// What is drawn of a model's prediction, and passed from a worker to its page.

import type { Range } from "../stage/paint.ts";
import type { Surface } from "../stage/surface.ts";

/** A model's prediction for a sample, for the stage. The values of points are in the drawing's order, those of a surface in the sample's. */
export interface Preview {
  /** The sample's name. */
  sample: string;
  /** Of a model in training: the number of steps done. */
  step?: number;
  flat: boolean;
  /** The typical distance between neighbouring points, in units of the drawing. */
  spacing: number;
  /** The surface between the points of a grid or a mesh; undefined for other points. */
  surface: Surface | undefined;
  /** The axis that points upwards. */
  up: "y" | "z";
  fields: PreviewField[];
  /** One frame, or several of a sequence. */
  frames: PreviewFrame[];
}

/** One value of each point: a field, a component of it, or the length of a vector. */
export interface PreviewField {
  name: string;
  /** Whether its values are classes, counted from 0. */
  isClass: boolean;
  /** Whether it has one value for the whole sample, which all points have. */
  isWhole: boolean;
  /** The range of the truth in all frames, if it is known; otherwise that of the prediction. */
  range: Range;
  /** Whether some of its values, in any frame, are missing; of classes also whether some do not count. */
  hasGaps: boolean;
}

export interface PreviewFrame {
  /** The frame's time. */
  time?: number;
  /** [points, 3] within the unit sphere. */
  positions: Float32Array;
  /** The values of each field. */
  values: PreviewValues[];
}

/** Where there is no value, it is NaN. */
export interface PreviewValues {
  /** [points] */
  prediction: Float32Array;
  /** [points] undefined if the truth is unknown, also if it is missing at all points. */
  truth?: Float32Array;
  /** The magnitude of the error; for the length of a vector, that of the difference of the vectors. */
  error?: Float32Array;
}
