// A point cloud as columns of single values, which is how tables and PLY files store it; and the check of arrays before they are
// written.

import { classOf, describe, expectKind, isMap } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";
import { isInt32Array } from "../bytes/elements.ts";
import { exactOf } from "../rounding.ts";
import type { Attribute, PointCloud } from "./positions.ts";

/** The value of point i is `data[i * stride + start]`. */
export interface Column {
  name: string;
  /** Float64 where the cloud has more exact numbers than float32. */
  data: Float32Array | Float64Array | Int32Array;
  stride: number;
  start: number;
  integer: boolean;
  /** The texts that integers stand for. */
  labels?: ReadonlyMap<number, string | number>;
}

/**
 * Returns the columns of a point cloud: the coordinates x, y, z, then the channels of every attribute.
 * @param options.z whether two-dimensional points get a z of 0
 * @param options.rename maps an attribute's name to the name of its columns
 * @throws InputError for arrays that do not fit each other, and for two columns of the same name
 */
export function columnsOf(
  cloud: PointCloud,
  { z = false, rename = (name: string) => name }: { z?: boolean; rename?: (name: string) => string } = {},
): Column[] {
  const points = checkCloud(cloud);
  const { positions, exact, dimensionality, attributes } = cloud;
  const columns = channelsOf(exactOf(positions, exact), dimensionality, (d) => "xyz"[d]);
  if (z && dimensionality === 2) columns.push(...channelsOf(new Float32Array(points), 1, () => "z"));
  columns.push(...attributeColumns(attributes, rename));
  const names = new Set<string>();
  for (const { name } of columns) {
    if (names.has(name)) throw new InputError(`Two columns would be called "${name}": rename one.`, { tensor: name });
    names.add(name);
  }
  return columns;
}

/** Returns the columns of attributes: one channel gives its attribute's name to its column, several are numbered: out_0, out_1. */
export function attributeColumns(
  attributes: ReadonlyMap<string, Attribute> = new Map(),
  rename = (name: string) => name,
): Column[] {
  return [...attributes].flatMap(([name, { data, exact, channels, labels }]) => {
    const plain = rename(name);
    const columns = channelsOf(exactOf(data, exact), channels, (channel) =>
      channels === 1 ? plain : `${plain}_${channel}`,
    );
    return labels ? columns.map((column) => ({ ...column, labels })) : columns;
  });
}

/** Returns a name without white space, which would end it. */
export const withoutSpaces = (name: string): string => name.replaceAll(/\s+/g, "_");

/** Returns a column for each channel of rows of `stride` elements. */
function channelsOf(data: Column["data"], stride: number, nameOf: (channel: number) => string): Column[] {
  const integer = isInt32Array(data);
  return Array.from({ length: stride }, (_, start) => ({ name: nameOf(start), data, stride, start, integer }));
}

/**
 * Checks a point cloud and returns its number of points.
 * @throws InputError for arrays of the wrong type, or that do not fit each other
 */
export function checkCloud(cloud: PointCloud): number {
  expectKind("cloud", cloud, "points { positions, dimensionality }", typeof cloud === "object" && cloud !== null);
  const { positions, dimensionality, attributes } = cloud;
  if (dimensionality !== 2 && dimensionality !== 3) {
    throw new InputError(`dimensionality is ${describe(dimensionality)}, expected 2 or 3.`, { expected: [2, 3] });
  }
  if (classOf(positions) !== "Float32Array" || positions.length % dimensionality !== 0) {
    throw new InputError(`positions must be a Float32Array of ${dimensionality} numbers for each point.`, {
      tensor: "positions",
      expected: dimensionality,
      found: typeof positions?.length === "number" ? positions.length : null,
    });
  }
  const points = positions.length / dimensionality;
  expectKind("attributes", attributes, "a Map by name", attributes === undefined || isMap(attributes));
  for (const [name, attribute] of attributes ?? []) checkAttribute(name, attribute, points);
  return points;
}

function checkAttribute(name: string, attribute: Attribute, points: number): void {
  expectKind("the name of an attribute", name, "a text", typeof name === "string");
  expectKind(
    `attribute "${name}"`,
    attribute,
    "{ data, channels }",
    typeof attribute === "object" && attribute !== null,
  );
  const { data, channels, labels } = attribute;
  expectKind(`the labels of attribute "${name}"`, labels, "a Map by number", labels === undefined || isMap(labels));
  const fits = Number.isSafeInteger(channels) && channels >= 1 && data?.length === points * channels;
  if (fits && ["Float32Array", "Int32Array"].includes(classOf(data))) return;
  throw new InputError(
    `attribute "${name}" must be a Float32Array or Int32Array of ${describe(channels)} numbers for each of ${points} points.`,
    { tensor: name, expected: points * channels, found: data?.length ?? null },
  );
}
