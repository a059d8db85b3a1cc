// The option --limit of all commands, which accepts larger files and models than the defaults allow.

import { type Limits, limits } from "../../limits.ts";
import { type Arguments, type CommandOption, UsageError } from "../command.ts";

export const limitOption: Readonly<Record<"limit", CommandOption>> = {
  limit: {
    value: "NAME=NUMBER",
    repeats: true,
    description: "accept more than is safe from any file: refusals name it",
  },
};

/** @throws UsageError for an unknown name, and for a value that is not a number greater than 0 */
export function readLimits(args: Arguments): Partial<Limits> {
  return Object.fromEntries(
    args.texts("limit").map((text) => {
      const [name, value] = text.split("=");
      const names = Object.keys(limits);
      if (names.includes(name) && Number(value) > 0) return [name, Number(value)];
      throw new UsageError(`--limit is "${text}", expected a number of one of ${names.join(", ")}, such as depth=64`);
    }),
  );
}
