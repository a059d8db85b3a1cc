// The model of a folder's experiment as an ONNX graph: fields go in, and predictions come out, in the units of the files.

import { float32StepAt } from "../../formats/rounding.ts";
import type { Linear } from "../../nn/linear.ts";
import type { Module } from "../../nn/module.ts";
import type { OnnxGraph, OnnxValue } from "../../onnx/index.ts";
import { MIN_DEVIATION } from "../../tensor/operators/losses.ts";
import type { Field, Target } from "./config.ts";
import { areTexts } from "./labels.ts";
import type { HistoryPlace, InputPlace, Layout, TargetPlace } from "./layout.ts";
import type { Scaling } from "./statistics.ts";

/** The parts of a `FieldModel`. */
export interface FieldParts {
  waves: Linear;
  embedding: Linear;
  main: Module;
  head: Module;
}

/** ONNX's number of float32. */
const FLOAT = 1;
/** The steps of float32 in the positions' deviation below which an origin has to be subtracted from them in float64. */
const FINE = 2 ** 16;

/** Adds inputs, outputs and what is between them; returns the rows of the head. */
export function fieldGraph(graph: OnnxGraph, { waves, embedding, main, head }: FieldParts, layout: Layout): OnnxValue {
  const positions = positionsIn(graph, layout);
  const angles = graph.module(waves, positions);
  const seen = [positions, graph.node("Cos", [angles]), graph.node("Sin", [angles])];
  for (const place of layout.inputs) seen.push(columnsIn(graph, place, "points"));
  for (const place of layout.globals) seen.push(inEachRow(graph, columnsIn(graph, place, "rows"), place, positions));
  for (const place of layout.state) seen.push(withoutGaps(graph, columnsIn(graph, place, "points"), place));
  for (const place of layout.history) seen.push(changeIn(graph, place));
  const nodes = graph.module(main, graph.module(embedding, graph.concatenate(...seen)), positions);
  const rows = graph.module(head, nodes);
  const { targets } = layout;
  const columns = split(
    graph,
    rows,
    targets.map(({ output }) => output.width),
  );
  targets.forEach((place, i) => {
    addOutputs(graph, place, columns[i], { isOnly: targets.length === 1, isChange: layout.state.length > 0 });
  });
  return rows;
}

/** Returns the positions, normalised. Those of maps are given from an origin on, which is in the file's metadata. */
function positionsIn(graph: OnnxGraph, { dimensions, positions: { shift, scale } }: Layout): OnnxValue {
  const isFar = shift.some((far, axis) => float32StepAt(far) > scale[axis] / FINE);
  if (isFar) graph.metadata.origin = JSON.stringify(shift);
  const doc = `positions of the points${isFar ? `, minus [${shift}]: subtracted in float64` : ""}`;
  const given = graph.input("node_positions", "float32", ["points", dimensions], doc);
  return normalised(graph.within("positions"), given, { shift: isFar ? shift.map(() => 0) : shift, scale });
}

/** Returns the columns of a field, normalised or one for each class. @param rows the name of the number of rows */
function columnsIn(graph: OnnxGraph, { field, width, scaling }: InputPlace, rows: string): OnnxValue {
  const { name, classes, labels: named, ignore } = field;
  const whose = rows === "points" ? "of each point" : "of the cloud, in one row or in a row for each point";
  if (classes === undefined) {
    const given = graph.input(name, "float32", width === 1 ? [rows] : [rows, width], `${name} ${whose}`);
    return normalised(graph.within(name), graph.reshape(given, -1, width), scaling);
  }
  const labels = graph.input(name, "int64", [rows], `${name} ${whose}, ${namesOf(field)}`);
  // A class that is ignored has no column with a 1, as have labels that are no class.
  const known = Array.from({ length: classes }, (_, label) =>
    ignore.includes(label) ? Number.MIN_SAFE_INTEGER : areTexts(field) ? label : Number(named?.[label] ?? label),
  );
  const isOne = graph.node("Equal", [graph.reshape(labels, -1, 1), graph.integers(...known)]);
  return graph.node("Cast", [isOne], { to: { i: FLOAT } });
}

/** Returns a target's change from an earlier frame, whose values are an input, to the one after it, normalised. */
function changeIn(graph: OnnxGraph, place: HistoryPlace): OnnxValue {
  const { field, width, scaling, back } = place;
  const { name } = field;
  const nameOf = (steps: number) => (steps === 0 ? name : `${name}_before_${steps}`);
  const shape = width === 1 ? ["points"] : ["points", width];
  graph.input(nameOf(back), "float32", shape, `${name} of each point, ${back} steps before`);
  const [before, after] = [back, back - 1].map((steps) => graph.reshape(nameOf(steps), -1, width));
  return withoutGaps(graph, normalised(graph.within(nameOf(back)), graph.subtract(after, before), scaling), place);
}

/** Returns normalised columns of a target with 0 where a value is missing, which is NaN. */
function withoutGaps(graph: OnnxGraph, columns: OnnxValue, { field }: InputPlace): OnnxValue {
  const { missing } = field as Partial<Target>;
  return missing ? graph.node("Where", [graph.node("IsNaN", [columns]), graph.float(0), columns]) : columns;
}

/** Says what the classes are. */
const namesOf = ({ classes = 0, labels }: Field) => labels?.slice(0, classes).join(", ") ?? `0 to ${classes - 1}`;

/** Repeats a single row for each point. */
function inEachRow(graph: OnnxGraph, columns: OnnxValue, { width }: InputPlace, positions: OnnxValue): OnnxValue {
  const points = graph.node("Shape", [positions], { end: { i: 1 } });
  return graph.node("Expand", [columns, graph.node("Concat", [points, graph.integers(width)], { axis: { i: 0 } })]);
}

function split(graph: OnnxGraph, rows: OnnxValue, widths: readonly number[]): OnnxValue[] {
  if (widths.length === 1) return [rows];
  return graph.nodes("Split", [rows, graph.integers(...widths)], widths.length, { axis: { i: 1 } });
}

/**
 * Adds the outputs of a target, with the names of `predictionArrays`; of classes their logits.
 * @param options.isOnly whether there is no other target
 * @param options.isChange whether numbers are the change from those that are given
 */
function addOutputs(
  graph: OnnxGraph,
  { target, width, scaling, output }: TargetPlace,
  given: OnnxValue,
  { isOnly, isChange }: { isOnly: boolean; isChange: boolean },
): void {
  const { name, whole, classes, loss } = target;
  const columns = whole ? graph.node("ReduceMean", [given], { axes: { ints: [0] } }) : given;
  const [rows, whose] = whole ? ["clouds", "of the cloud, of which there has to be one"] : ["points", "of each point"];
  const named = (what: string) => (isOnly ? what : `${what}_${name}`);
  const add = (value: OnnxValue, what: string, doc: string) => {
    const shape = width === 1 ? [rows] : [rows, width];
    graph.output(width === 1 ? graph.reshape(value, -1) : value, named(what), shape, `${doc} ${whose}`);
  };
  if (classes !== undefined) {
    graph.output(columns, named("logits"), [rows, output.width], `logits of ${name} ${whose}, ${namesOf(target)}`);
    return;
  }
  const part = graph.within(`outputs.${name}`);
  const [means, raw] = loss === "gaussian" ? split(graph, columns, [width, width]) : [columns];
  const scaled = part.multiply(means, constant(part, "scale", scaling.scale));
  const shifted = part.add(scaled, constant(part, "shift", scaling.shift));
  add(isChange ? graph.add(shifted, graph.reshape(name, -1, width)) : shifted, "prediction", name);
  if (raw === undefined) return;
  const deviation = graph.add(graph.node("Softplus", [raw]), graph.float(MIN_DEVIATION));
  add(part.multiply(deviation, constant(part, "scale", scaling.scale)), "deviation", `deviation of ${name}`);
}

function normalised(graph: OnnxGraph, x: OnnxValue, { shift, scale }: Scaling): OnnxValue {
  return graph.divide(graph.subtract(x, constant(graph, "shift", shift)), constant(graph, "scale", scale));
}

const constant = (graph: OnnxGraph, name: string, values: readonly number[]): OnnxValue =>
  graph.constant(name, { shape: [values.length], data: Float32Array.from(values) });
