// The number of threads that is asked for. It is checked here, apart from the limits, of which each thread has a copy.

import { expectWhole } from "../arguments/options.ts";
import { ConfigError } from "../errors.ts";
import { howToAllow, limits } from "../limits.ts";

/** @throws ConfigError for an option that is not a number of threads to start */
export function expectThreads(field: string, value: unknown): void {
  expectWhole(field, value, 1);
  if ((value as number) <= limits.threads) return;
  const advice = `one for each of the processor's cores is enough (${howToAllow("threads", value as number)})`;
  throw new ConfigError(`${field} is ${value}: ${advice}`, { field, limit: limits.threads });
}
