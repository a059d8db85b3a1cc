// Checks of the sizes that layers are built with, so that a wrong one is told where it was given.

import { describe } from "../arguments.ts";
import { ConfigError } from "../errors.ts";

/**
 * @param of the name of the layer, for the message
 * @param sizes the sizes that were given, by name
 * @param least for each size that the layer needs, the least that it can be
 * @throws ConfigError naming a size that is not a whole number, or too small
 */
export function expectSizes(of: string, sizes: object, least: Readonly<Record<string, number>>): void {
  const given: Readonly<Record<string, unknown>> = { ...sizes };
  for (const [field, smallest] of Object.entries(least)) {
    const size = given[field];
    if (Number.isSafeInteger(size) && (size as number) >= smallest) continue;
    throw new ConfigError(`${of}: ${field} must be a whole number of at least ${smallest}, not ${describe(size)}`, {
      field,
    });
  }
}
