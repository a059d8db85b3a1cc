// Formats a result of the benchmarks for people.

import { formatGraphs } from "../cases/graph.ts";
import { formatPasses } from "../cases/pass.ts";
import { formatTrees } from "../cases/tree.ts";
import { formatRoofline } from "../rates/roofline.ts";
import { formatExponents } from "../rates/scaling.ts";
import type { BenchmarkName } from "./measurement.ts";
import { type BenchResult, deviceName, expectResult } from "./result.ts";

/** Formats the result as one table for each of its benchmarks. @throws InputError for what is no result */
export function formatResult(result: BenchResult): string {
  expectResult(result);
  const passes = (what: string) => (cases: BenchResult["cases"]) =>
    devicesOf(result).flatMap(({ name, device, floors }, i) => {
      const own = cases.filter((entry) => entry.device === name);
      const gradients = device?.gradientPrecision === "half" ? ", gradients in half" : "";
      const precision = device?.precision === "mixed" ? `, mixed precision${gradients}` : "";
      const where = `${device ? deviceName(device) : "?"}${precision}`;
      const heading = `${what} of the benchmarks' model on ${where}, ${result.host}`;
      const lines = [heading, ...(floors ? [formatRoofline(floors)] : []), "", ...formatPasses(own, floors)];
      return own.length === 0 ? [] : i === 0 ? lines : ["", ...lines];
    });
  const tables: Record<BenchmarkName, (cases: BenchResult["cases"]) => string[]> = {
    tree: (cases) => [`Ball trees, 3 dimensions, ${result.host}`, "", ...formatTrees(cases)],
    graph: (cases) => [`Graphs, 3 dimensions, ${result.host}`, "", ...formatGraphs(cases)],
    forward: passes("Forward pass"),
    training: passes("Training step (forward, backward, AdamW)"),
    scaling: (cases) => [...passes("Forward pass over the number of points,")(cases), ...formatExponents(cases)],
  };
  return Object.entries(tables)
    .map(([name, format]) => [format, result.cases.filter(({ benchmark }) => benchmark === name)] as const)
    .filter(([, cases]) => cases.length > 0)
    .map(([format, cases]) => format(cases).join("\n"))
    .join("\n\n");
}

/** The devices of a result; the only one of most has no name. */
function devicesOf({ device, floors, devices }: BenchResult) {
  return (
    devices?.map(({ description, ...rest }) => ({ ...rest, device: description })) ?? [
      { name: undefined, device, floors },
    ]
  );
}
