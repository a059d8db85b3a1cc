// Shows one result: score, devices, tables.

import type { MeasuredDevice } from "erwin/bench";
import { threadsText } from "../../bench/report/measurement.ts";
import { THROTTLED } from "../../bench/suite/rounds.ts";
import { byId, element } from "../shared/dom.ts";
import { bytes, figure, milliseconds, percent } from "../shared/format.ts";
import { type Column, table } from "../shared/table.ts";
import { deviceTitle, type Entry, keyOf, type Measure } from "./entry.ts";
import { intervalText, timeText } from "./interval.ts";
import type { Score } from "./score.ts";

/**
 * @param others results whose times are shown for comparison
 */
export function showResult(
  entry: Entry,
  score: Score | undefined,
  reference: Entry | undefined,
  others: readonly Entry[],
): void {
  byId("result").hidden = false;
  byId("result-title").textContent = entry.title;
  byId("result-detail").textContent = entry.detail;
  byId("score").replaceChildren(...scoreParts(score, reference));
  byId("devices").replaceChildren(...deviceParts(entry));
  byId("tables").replaceChildren(...tables(entry, others), ...missing(entry));
}

function scoreParts(score: Score | undefined, reference: Entry | undefined): Node[] {
  if (!score || !reference)
    return [
      element("h3", {}, "Score"),
      element("p", { className: "muted" }, "It has no case in common with the reference."),
    ];
  const list = element("dl");
  for (const { title, ratio, cases } of score.parts) {
    list.append(
      element("dt", {}, title),
      element(
        "dd",
        {},
        `${figure(ratio)} × `,
        element("span", { className: "muted small" }, `in ${cases} ${cases === 1 ? "case" : "cases"}`),
      ),
    );
  }
  return [
    element("h3", {}, "Score"),
    element("p", { className: "value" }, figure(score.ratio)),
    element(
      "p",
      { className: "muted small" },
      `times as fast as the reference, ${reference.title} (${reference.detail})`,
    ),
    list,
  ];
}

function deviceParts({ devices, measures, result }: Entry): Node[] {
  const list = element("dl");
  for (const device of devices)
    list.append(element("dt", {}, deviceTitle(device.name)), element("dd", {}, ...describe(device, measures)));
  const { machine, rounds } = result ?? {};
  if (machine) {
    const facts = [
      `${machine.cores} cores`,
      machine.memory && `${bytes(machine.memory)} of memory or more`,
      machine.shared ? `${machine.threads} threads` : "one thread, as the page is not cross-origin isolated",
      `clock in steps of ${figure(1000 * machine.clockQuantum)} µs`,
    ];
    list.append(element("dt", {}, "Machine"), element("dd", {}, facts.filter(Boolean).join(", ")));
  }
  if (rounds) {
    const throttled = (rounds.slowdown ?? 1) > THROTTLED;
    const text = `${rounds.rounds}${rounds.void > 0 ? `, and ${rounds.void} void` : ""} `;
    const badge =
      throttled &&
      element("span", { className: "badge warn" }, `throttled: ${percent(rounds.slowdown! - 1)} slower at the end`);
    list.append(element("dt", {}, "Rounds"), element("dd", {}, text, badge));
  }
  return [element("h3", {}, "Devices"), list];
}

function describe(device: MeasuredDevice, measures: readonly Measure[]): (Node | string)[] {
  const { description, answer, note } = device;
  const parts: (Node | string)[] = [];
  if (description) parts.push(description.description, " ");
  else parts.push(element("span", { className: "muted" }, "none "));
  if (description?.software) parts.push(element("span", { className: "badge warn" }, "in software"), " ");
  if (answer) {
    const text = answer.right ? "right answer" : `wrong answer, off by ${answer.difference.toExponential(1)}`;
    parts.push(element("span", { className: `badge ${answer.right ? "good" : "bad"}` }, text), " ");
  }
  const facts = factsOf(device, measures);
  if (facts.length > 0) parts.push(element("p", { className: "muted small" }, facts.join("; ")));
  if (note) parts.push(element("p", { className: "muted small" }, note));
  return parts;
}

/** Returns peak rates, memory, limits, and the step of the device's own clock. */
function factsOf({ name, description, floors, memory }: MeasuredDevice, measures: readonly Measure[]): string[] {
  const facts: string[] = [];
  if (floors) facts.push(`peak ${figure(floors.gigaflops)} GFLOP/s, ${figure(floors.gigabytes)} GB/s`);
  if (memory) facts.push(`gave ${bytes(memory)} of memory`);
  // Links contain no limits.
  if (description?.backend === "webgpu" && description.maxBufferBytes > 0) {
    const { maxBufferBytes, maxBindingBytes } = description;
    facts.push(`buffers up to ${bytes(maxBufferBytes)}, bindings up to ${bytes(maxBindingBytes)}`);
  }
  const clocks = measures.flatMap(({ device, clock }) => (device === name && clock ? [clock] : []));
  if (clocks.length > 0) {
    const quantum = Math.min(...clocks.map((clock) => clock.quantum));
    const steps = Math.min(...clocks.map(({ time, passes }) => (time * passes) / quantum));
    facts.push(`its clock in steps of ${figure(1000 * quantum)} µs, at least ${figure(Math.floor(steps))} in a span`);
  }
  return facts;
}

const sections: [string, Measure["benchmark"][]][] = [
  ["Trees and graphs", ["tree", "graph"]],
  ["Forward pass", ["forward", "scaling"]],
  ["Training step: forward, backward, AdamW", ["training"]],
];

function tables(entry: Entry, others: readonly Entry[]): HTMLElement[] {
  const times = others.map((other) => new Map(other.measures.map((measure) => [keyOf(measure), measure.time])));
  return sections.flatMap(([title, benchmarks]) => {
    const measures = entry.measures.filter(({ benchmark, time }) => time && benchmarks.includes(benchmark));
    if (measures.length === 0) return [];
    const compared = others.map(
      (other, i): Column<Measure> => ({
        title: other.title,
        number: true,
        cell: (measure) => {
          const time = times[i]!.get(keyOf(measure));
          return time && `${timeText(time)} (${figure(time.median / measure.time!.median)} ×)`;
        },
      }),
    );
    return [table(title, measures, [...columns, ...compared])];
  });
}

const columns: Column<Measure>[] = [
  {
    title: "Case",
    cell: ({ name, benchmark, threads }) =>
      benchmark === "tree" ? name : benchmark === "graph" ? graphName(name, threads) : name.slice(benchmark.length + 1),
  },
  { title: "On", cell: ({ device }) => device && deviceTitle(device) },
  { title: "Median", number: true, cell: ({ time }) => time && timeText(time) },
  { title: "95 % interval", number: true, cell: ({ time }) => time && intervalText(time) },
  {
    title: "By the GPU's clock",
    number: true,
    cell: ({ clock }) => (clock === undefined ? undefined : milliseconds(clock.time)),
  },
  {
    title: "GFLOP/s",
    number: true,
    cell: ({ gigaflops }) => (gigaflops === undefined ? undefined : figure(gigaflops)),
  },
  { title: "Of roofline", number: true, cell: ({ reached }) => (reached === undefined ? undefined : percent(reached)) },
];

/** Returns a graph's name with its number of threads, which names of graphs on all threads do not contain. */
const graphName = (name: string, threads: number | undefined) =>
  threads === undefined || name.includes(", ") ? name : `${name}, ${threadsText(threads)}`;

function missing({ measures }: Entry): HTMLElement[] {
  const notes = measures.filter(({ time, note }) => !time && note);
  if (notes.length === 0) return [];
  const items = notes.map((measure) =>
    element("li", {}, `${keyOf(measure)}: ${measure.note!.replace(/^not measured: /, "")}`),
  );
  const summary = element(
    "summary",
    {},
    notes.length === 1 ? "1 case was left out" : `${notes.length} cases were left out`,
  );
  return [element("details", { className: "muted small" }, summary, element("ul", {}, ...items))];
}
