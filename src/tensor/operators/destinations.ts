// Where an operator's backward writes, for inputs that may want no gradient.

import type { Destination, LinearDestinations } from "../../backends/operators.ts";
import type { Gradients } from "../tape.ts";
import type { Tensor } from "../tensor.ts";

/** The weights of a linear map, or of a norm. */
export interface LinearWeights {
  weight: Tensor;
  bias: Tensor;
}

export const storageOf = ({ weight, bias }: LinearWeights) => ({ weight: weight.storage, bias: bias.storage });

export function destinationOf(gradients: Gradients, input: Tensor | undefined): Destination | undefined {
  return gradients.wanted(input) ? gradients.into(input) : undefined;
}

export function destinationsOf(gradients: Gradients, { weight, bias }: LinearWeights): LinearDestinations {
  return { weight: destinationOf(gradients, weight), bias: destinationOf(gradients, bias) };
}
