// Message passing: graphs with loops, repeated edges, isolated nodes and no edges, as a whole and in parts.

import { operators, Tensor } from "erwin";
import { expect, test } from "vitest";
import { normals, type Random, seededRandom } from "../support/clouds.ts";
import { type Edges, graphInParts, wholeGraph } from "../support/graph-parts.ts";
import { comparedBackends, onEachDevice } from "../support/models.ts";
import { byReverse, check, given } from "../support/operators.ts";

const graphs: Record<string, (nodes: number, random: Random) => Edges> = {
  "random edges": (nodes, random) => {
    const ends = () => Array.from({ length: 3 * nodes }, () => Math.floor(nodes * random()));
    return { nodes, sources: ends(), targets: ends() };
  },
  "one target for all": (nodes) => ({
    nodes,
    sources: Array.from({ length: nodes }, (_, i) => i),
    targets: Array<number>(nodes).fill(nodes - 1),
  }),
  "the same edge twice, and a loop": (nodes) => ({
    nodes,
    sources: [0, 0, nodes - 1],
    targets: [nodes - 1, nodes - 1, nodes - 1],
  }),
  "few edges": (nodes) => {
    const sources = Array.from({ length: Math.ceil(nodes / 37) }, (_, i) => 37 * i);
    return { nodes, sources, targets: sources.map((source) => nodes - 1 - source) };
  },
  "no edge": (nodes) => ({ nodes, sources: [], targets: [] }),
};

interface Shape {
  nodes: number;
  width: number;
  dimensions: number;
}

const shapes: Shape[] = [
  { nodes: 1, width: 8, dimensions: 3 },
  { nodes: 150, width: 8, dimensions: 3 },
  { nodes: 67, width: 5, dimensions: 2 },
  // Several threads for each edge; more channels than a workgroup has threads for.
  { nodes: 9, width: 300, dimensions: 3 },
];
/** Some threads of an edge are idle. Chromium's software adapter takes seconds to compile each shape. */
const idle: Shape = { nodes: 20, width: 40, dimensions: 3 };
/** So many workgroups that their sums for the parameters are added up in several steps. */
const long = { kind: "few edges", nodes: 600, width: 300, dimensions: 3, parts: false };

onEachDevice((device, backend) => {
  const isQuick = backend === "cpu" || "Deno" in globalThis;
  const kinds = Object.keys(graphs).filter((kind) => kind !== long.kind);
  const cases = kinds.flatMap((kind) =>
    [...shapes, ...(isQuick ? [idle] : [])].flatMap((shape) =>
      (shape.nodes > 64 ? [false, true] : [false]).map((parts) => ({ kind, ...shape, parts })),
    ),
  );
  test.each([...cases, long])(
    "messageMean: $kind, $nodes nodes, width $width, D = $dimensions, in parts: $parts",
    async (shape) => {
      const { kind, nodes, width, dimensions, parts } = shape;
      const random = seededRandom(nodes + width);
      const edges = graphs[kind](nodes, random);
      const positions = normals(nodes * dimensions, random);
      const inner = 2 * width + dimensions;
      const found = await check(
        device(),
        [
          given([nodes, width], random),
          given([width, inner], random, { scale: 1 / Math.sqrt(inner) }),
          given([width], random, { scale: 0.3 }),
          given([width], random, { scale: 0.3, shift: 1 }),
          given([width], random, { scale: 0.3 }),
        ],
        (h, weight, bias, normWeight, normBias) =>
          operators.messageMean(
            h,
            Tensor.from(device(), positions, [nodes, dimensions]),
            parts ? graphInParts(device(), edges, 64) : wholeGraph(device(), edges),
            { weight, bias },
            { weight: normWeight, bias: normBias },
          ),
        byReverse(
          [
            [nodes, width],
            [width, inner],
            [1, width],
            [1, width],
            [1, width],
          ],
          (r, h, weight, bias, normWeight, normBias) => {
            const { sources, targets } = edges;
            const offsets = sources.flatMap((source, e) =>
              Array.from(
                { length: dimensions },
                (_, a) => positions[source * dimensions + a] - positions[targets[e] * dimensions + a],
              ),
            );
            const pairs = r.concatenate(
              r.gather(h, sources),
              r.gather(h, targets),
              r.variable(sources.length, dimensions, offsets),
            );
            const messages = r.layerNorm(r.gelu(r.linear(pairs, weight, bias)), normWeight, normBias);
            return r.meanByTarget(messages, targets, nodes);
          },
        ),
        random,
      );
      expect(found).toEqual([nodes, width]);
    },
  );
}, comparedBackends);
