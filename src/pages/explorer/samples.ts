// Sample clouds: the bunny, generated samples of the experiments, and one of a million points.

import type { Attribute } from "erwin/formats";
import { meshEdges } from "erwin/formats";
import { sampleSurface } from "../../drawing/surface.ts";
import { haloCatalogue } from "../../experiments/cosmology/generate.ts";
import { flowTrajectory } from "../../experiments/eagle/generate.ts";
import { chainTrajectory } from "../../experiments/md/generate.ts";
import { carBody } from "../../experiments/shapenet/generate.ts";
import { Random } from "../../random.ts";
import { type Cloud, quadsOf, trianglesOf } from "./cloud.ts";

type Make = () => Promise<SampleCloud> | SampleCloud;

interface SampleCloud {
  positions: Float32Array;
  dimensionality?: number;
  offsets?: Int32Array;
  fields?: Readonly<Record<string, Float32Array | Int32Array>>;
  edges?: Int32Array;
}

const makers: Readonly<Record<string, Make>> = { bunny, cosmology, cars, polymer, flow, galaxy };

/** @param name a sample's, as the settings list them */
export async function makeSample(name: string): Promise<Cloud> {
  const { positions, dimensionality = 3, offsets, fields = {}, edges } = await makers[name]();
  return {
    name,
    positions,
    dimensionality,
    offsets: offsets ?? Int32Array.of(0, positions.length / dimensionality),
    fields: Object.keys(fields),
    field: (field): Attribute => {
      const data = fields[field];
      return { data, channels: data.length / (positions.length / dimensionality) };
    },
    edges: () => edges,
  };
}

/** A power of two, so that the balls are full. */
const BUNNY_POINTS = 16384;

async function bunny(): Promise<SampleCloud> {
  const { default: mesh } = await import("bunny").catch((cause: Error) => {
    throw new Error("The bunny could not be loaded: check the connection, and pick it again.", { cause });
  });
  const { positions, normals } = sampleSurface(mesh, BUNNY_POINTS, 0);
  return { positions, fields: { normals } };
}

function cosmology(): SampleCloud {
  const catalogue = haloCatalogue(4096, 0, 0);
  const { x, y, z, v_x, v_y, v_z, M200c: mass } = catalogue;
  return { positions: columns(x, y, z), fields: { velocity: columns(v_x, v_y, v_z), mass } };
}

/** Makes a batch of four bodies, one beside the other. */
function cars(): SampleCloud {
  const bodies = [0, 1, 2, 3].map((index) => carBody(3586, 0, index));
  const offsets = [0];
  const positions: number[] = [];
  const pressure: number[] = [];
  const corners: number[] = [];
  bodies.forEach((body, index) => {
    const first = offsets[index];
    body.points.forEach((value, i) => {
      positions.push(i % 3 === 0 ? value + 3 * index : value);
    });
    for (const value of body.pressure) pressure.push(value);
    for (const corner of body.quads) corners.push(first + corner);
    offsets.push(first + body.pressure.length);
  });
  const edges = meshEdges(quadsOf(Int32Array.from(corners)), pressure.length);
  return {
    positions: Float32Array.from(positions),
    offsets: Int32Array.from(offsets),
    fields: { pressure: Float32Array.from(pressure) },
    edges,
  };
}

function polymer(): SampleCloud {
  const { positions, types, bonds } = chainTrajectory(400, 1, 0, "explorer");
  const count = bonds.length / 2;
  // Edges are in both directions of each bond.
  const edges = Int32Array.from({ length: 4 * count }, (_, i) => {
    const [row, edge] = [Math.floor(i / (2 * count)), i % (2 * count)];
    return bonds[2 * (edge % count) + ((row + Math.floor(edge / count)) % 2)];
  });
  return { positions, fields: { type: types, bead: Int32Array.from(types, (_, bead) => bead) }, edges };
}

function flow(): SampleCloud {
  const { nodes, points, VX, VY, PS, triangles } = flowTrajectory(3000, 1, 0, "explorer");
  const edges = meshEdges(trianglesOf(triangles), nodes);
  return { positions: points, dimensionality: 2, fields: { velocity: columns(VX, VY), pressure: PS }, edges };
}

const GALAXY_POINTS = 1_000_000;
const ARMS = 4;

/** Makes stars on spiral arms around a bulge, with their orbital speeds. */
function galaxy(): SampleCloud {
  const random = new Random(0, "galaxy");
  const positions = new Float32Array(3 * GALAXY_POINTS);
  const speed = new Float32Array(GALAXY_POINTS);
  for (let star = 0; star < GALAXY_POINTS; star++) {
    const inBulge = random.uniform() < 0.18;
    const radius = inBulge ? 0.14 * Math.abs(random.normal()) : 0.06 + 0.3 * Math.sqrt(-2 * Math.log(random.uniform()));
    const arm = Math.floor(random.uniform() * ARMS) * ((2 * Math.PI) / ARMS);
    const scatter = inBulge ? 2 * Math.PI * random.uniform() : 0.28 * random.normal();
    const angle = arm + 3.4 * Math.log(radius + 0.1) + scatter;
    const height = (inBulge ? 0.09 * Math.exp(-3 * radius) : 0.018) * random.normal();
    positions.set([radius * Math.cos(angle), height, radius * Math.sin(angle)], 3 * star);
    speed[star] = 220 * Math.tanh(6 * radius) + 8 * random.normal();
  }
  return { positions, fields: { speed } };
}

/** Joins columns side by side. */
function columns(...parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(
    { length: parts.length * parts[0].length },
    (_, i) => parts[i % parts.length][Math.floor(i / parts.length)],
  );
}
