// A picture of a generated plate: the model's inputs, and the temperature that it has to predict.

import type { GeneratorOptions, SamplePanel, SamplePicture } from "../generator.ts";
import { heatedPlate, type Plate } from "./generate.ts";

export function platePicture({ points, seed }: GeneratorOptions): SamplePicture {
  const plate = heatedPlate(points, seed, 0);
  return {
    title: "folder: from a plate to the temperature in it",
    explanation:
      "A model gets the mesh, the conductivity, the heat put in and the kinds of points; it predicts the temperature.",
    panels: [
      panel(plate, plate.conductivity, "given: conductivity", "conductivity, W/(m K)"),
      panel(plate, plate.temperature, "asked for: temperature", "temperature, K"),
    ],
  };
}

function panel({ positions, triangles }: Plate, values: Float64Array, title: string, what: string): SamplePanel {
  const scale = { least: Math.min(...values), most: Math.max(...values), what };
  return { title, points: Float32Array.from(positions), values: Float32Array.from(values), scale, triangles };
}
