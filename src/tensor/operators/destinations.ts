// Destinations of an operator's backward pass, for inputs that may not need a gradient.

import type { Destination, LinearDestinations } from "../../backends/operators.ts";
import type { Gradients } from "../tape.ts";
import type { Tensor } from "../tensor.ts";

/** The weight and bias of a linear map or of a norm. */
export interface LinearWeights {
  weight: Tensor;
  bias: Tensor;
}

export const storageOf = ({ weight, bias }: LinearWeights) => ({ weight: weight.storage, bias: bias.storage });

/** Weight and bias by their names in messages. */
export const namedOf = (name: string, { weight, bias }: LinearWeights) => ({
  [`${name} weight`]: weight,
  [`${name} bias`]: bias,
});

export function destinationOf(gradients: Gradients, input: Tensor | undefined): Destination | undefined {
  return gradients.wanted(input) ? gradients.into(input) : undefined;
}

export function destinationsOf(gradients: Gradients, { weight, bias }: LinearWeights): LinearDestinations {
  return { weight: destinationOf(gradients, weight), bias: destinationOf(gradients, bias) };
}
