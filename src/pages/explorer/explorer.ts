// The worker's side of the explorer: keeps a cloud and its tree, and answers the page's requests.

import type { AttentionQuestion, AttentionWeights, Device, ErwinInput, ErwinTransformer } from "erwin";
import { ballOfEachPoint, nodeOfEachSlot, slotOfEachPoint } from "../../balltree/balls.ts";
import type { BallTree } from "../../balltree/index.ts";
import { cloudOfEach } from "../../balltree/offsets.ts";
import { ballCentres, type Colour, chooseColours, palette } from "../../drawing/colours.ts";
import { readBlob } from "../../experiments/sources/files.ts";
import { noteOnRounding } from "../../formats/rounding.ts";
import { loadEngine } from "../shared/engine.ts";
import { inOrder, placesOf, spacingOf, spreadOrder } from "../shared/stage/layout.ts";
import { colourOfEach, hasGaps, magnitudes, paint, rangeOf } from "../shared/stage/paint.ts";
import { type Cloud, fieldWith, readCloud } from "./cloud.ts";
import { boundingSpheres, connectedPairs, mergedPositions, partOfEachPoint, splitsOf } from "./partition.ts";
import {
  type Attention,
  type AttentionSettings,
  type BuiltTree,
  type Colouring,
  type Cut,
  type Drawing,
  type DrawingRequest,
  type Graph,
  type GraphKind,
  NEVER,
  type OpenedCloud,
  type OpenedModel,
  type ReachSettings,
  type Selection,
  type Spheres,
  type TreeSettings,
} from "./protocol.ts";
import { receptiveField } from "./receptive-field.ts";
import { makeSample } from "./samples.ts";
import { attentionHeads } from "./settings.ts";

/** The largest numbers of edges and spheres that are drawn: more show less and take long. */
const MAX_EDGES = 60_000;
const MAX_SPHERES = 1024;
const NEIGHBOURS = 8;
/** The largest number of points for the model's forward pass, beyond which it takes too long. */
const MAX_ATTENDING = 200_000;
const ATTENTION_WIDTH = 32;
/** The model takes positions of about unit deviation, while those of the drawing are within the unit sphere. */
const MODEL_SCALE = 2.5;
/** The colour of points without a colour of their own. */
const PLAIN: Colour = [150, 162, 184];

export class Explorer {
  #cloud: Cloud | undefined;
  #tree: BallTree | undefined;
  /** [points] The point at each place of the drawing. */
  #order = new Int32Array();
  /** [points, 3] by index: moved and scaled into the unit sphere, with z = 0 in the plane. */
  #places = new Float32Array();
  /** The model that was opened; undefined if one with initial weights is used. */
  #model: ErwinTransformer | undefined;
  /** The device of that model. */
  #device: Device | undefined;
  readonly #graphs = new Map<GraphKind, Int32Array>();

  /**
   * Opens a file or a sample, and drops the previous cloud and its tree.
   * @throws FormatError for a file that cannot be read
   */
  async open(source: File | string): Promise<OpenedCloud> {
    const cloud =
      typeof source === "string"
        ? await makeSample(source)
        : await readCloud(await readBlob(source, source.name), source.name);
    const { positions, dimensionality, offsets } = cloud;
    const { buildBallTree } = await loadEngine();
    // This rejects positions that are not finite before anything is drawn; slots do not depend on the settings.
    const tree = await buildBallTree(positions, { dimensionality, offsets });
    const edges = cloud.edges();
    // From here on nothing fails: a file that is refused leaves the cloud before it as it was.
    this.#cloud = cloud;
    this.#tree = undefined;
    this.#graphs.clear();
    this.#order = spreadOrder(tree);
    this.#places = placesOf(positions, dimensionality);
    if (edges) this.#graphs.set("file", edges);
    return {
      name: cloud.name,
      points: positions.length / dimensionality,
      dimensionality,
      clouds: offsets.length - 1,
      fields: cloud.fields,
      hasEdges: edges !== undefined,
      order: this.#order.slice(),
      positions: inOrder(this.#places, this.#order),
      spacing: spacingOf(tree, this.#places),
      noteOnRounding: noteOnRounding(positions, dimensionality),
    };
  }

  /**
   * Opens a model, whose tree and attention replace those of the settings.
   * @param file a safetensors file with its config; undefined to go back to the settings
   * @throws Error for a file that contains no Erwin model
   */
  async openModel(file: File | undefined): Promise<OpenedModel | undefined> {
    const opened = file && (await this.#loadModel(file));
    this.#model?.dispose();
    this.#model = opened;
    if (!file || !opened) return undefined;
    const { encNumHeads: heads, encDepths: blocks, ballSizes, strides, rotate } = opened.config;
    return { name: file.name, heads, blocks, ballSizes, strides, rotate };
  }

  async #loadModel(file: File): Promise<ErwinTransformer> {
    const { ErwinTransformer, requestDevice } = await loadEngine();
    this.#device ??= await requestDevice({ backend: "cpu" });
    try {
      return await ErwinTransformer.load(await readBlob(file, file.name), { device: this.#device });
    } catch (cause) {
      throw new Error(`${file.name} is not the file of an Erwin model: ${(cause as Error).message}`, { cause });
    }
  }

  async build({ ballSize, stride, levels, rotate }: TreeSettings): Promise<BuiltTree> {
    const { positions, dimensionality, offsets } = this.#opened();
    const { buildBallTree } = await loadEngine();
    const start = performance.now();
    const { strides, ballSizes, ...own } = this.#model?.config ?? {
      strides: Array.from({ length: levels - 1 }, () => stride),
      ballSizes: Array.from({ length: levels }, () => ballSize),
      rotate,
    };
    const tree = await buildBallTree(positions, { dimensionality, offsets, rotate: own.rotate, strides, ballSizes });
    const milliseconds = performance.now() - start;
    this.#tree = tree;
    return {
      slots: tree.treeIdx.length,
      levels: tree.levels.map(({ nodes }, level) => {
        const ballOf = ballOfEachPoint(tree, level);
        const counts = countsOf(ballOf);
        return { nodes, balls: counts.length, points: counts.reduce((most, count) => Math.max(most, count), 0) };
      }),
      splits: splitsOf(tree),
      milliseconds,
    };
  }

  draw({ colouring, rotated, apart, merged }: DrawingRequest): Drawing {
    const partOf = this.#partOf(colouring, rotated);
    const places = merged > 0 ? mergedPositions(this.#wideTree(), this.#places, merged) : this.#places;
    const drawn = partOf && apart > 0 ? drawApart(places, partOf, apart) : places;
    return {
      ...this.#colours(colouring, partOf),
      positions: drawn === this.#places ? undefined : inOrder(drawn, this.#order),
    };
  }

  /** Returns balls as spheres: only the largest if there are many. */
  spheres(cut: Cut, rotated: boolean): Spheres {
    const ballOf = this.#partOf(cut, rotated) as Int32Array;
    const spheres = boundingSpheres(ballOf, this.#places);
    const colours = chooseColours(ballOf, this.#places);
    const total = colours.length;
    const largest = Array.from({ length: total }, (_, ball) => ball)
      .sort((a, b) => spheres[4 * b + 3] - spheres[4 * a + 3])
      .slice(0, MAX_SPHERES);
    return {
      spheres: Float32Array.from({ length: 4 * largest.length }, (_, i) => spheres[4 * largest[i >> 2] + (i & 3)]),
      colours: Uint8Array.from(largest.flatMap((ball) => palette[colours[ball]])),
      total,
    };
  }

  async graph(kind: GraphKind): Promise<Graph> {
    const edgeIndex = await this.#edges(kind);
    const points = this.#order.length;
    const once = connectedPairs(edgeIndex, points);
    const drawn = Math.min(once.length, MAX_EDGES);
    const lines = new Float32Array(6 * drawn);
    for (let line = 0; line < drawn; line++) {
      const pair = once[Math.floor((line * once.length) / drawn)];
      for (const [end, point] of [Math.floor(pair / points), pair % points].entries()) {
        lines.set(this.#places.subarray(3 * point, 3 * point + 3), 6 * line + 3 * end);
      }
    }
    return { lines, total: once.length };
  }

  async select(point: number, { blocks, graph }: ReachSettings): Promise<Selection> {
    const tree = this.#built();
    const edgeIndex = graph && (await this.#edges(graph));
    const reachedAt = (rotated: boolean) => {
      const first = new Uint8Array(this.#order.length).fill(NEVER);
      for (let level = tree.levels.length - 1; level >= 0; level--) {
        receptiveField(tree, point, level, { blocks, rotated, edgeIndex }).forEach((isReached, other) => {
          if (isReached) first[other] = level;
        });
      }
      return first;
    };
    return {
      point,
      balls: tree.levels.map((_, level) => ({
        ball: membersWith(point, ballOfEachPoint(tree, level)),
        rotatedBall: membersWith(point, ballOfEachPoint(tree, level, tree.treeIdxRot.length > 0)),
      })),
      reachedAt: reachedAt(false),
      reachedWithRotationAt: reachedAt(tree.treeIdxRot.length > 0),
    };
  }

  /**
   * Returns the attention of the opened model, or of a model with the tree's settings and the initial weights of seed 0, computed
   * on the CPU backend.
   * @throws Error for a cloud that is too large, or that the model does not accept
   */
  async attention({ point, level, block, head, blocks }: AttentionSettings): Promise<Attention> {
    const tree = this.#built();
    const points = this.#order.length;
    if (points > MAX_ATTENDING) {
      throw new Error(`Attention is shown for clouds of up to ${MAX_ATTENDING} points; this one has ${points}.`);
    }
    const { attentionWeights } = await loadEngine();
    const question = { point, level, block };
    const { nodes, weights } = this.#model
      ? await attentionWeights(this.#model, await this.#inputOf(this.#model), question)
      : await this.#initialAttention(question, blocks);
    const ofHead = weights.subarray(head * nodes.length, (head + 1) * nodes.length);
    const weightOf = new Map(Array.from(nodes, (node, i) => [node, ofHead[i]]));
    const [slotOf, nodeOf] = [slotOfEachPoint(tree), nodeOfEachSlot(tree, level)];
    return {
      weights: Float32Array.from(slotOf, (slot) => weightOf.get(nodeOf[slot]) ?? 0),
      range: rangeOf(ofHead),
      nodes: nodes.length,
    };
  }

  async #initialAttention(question: AttentionQuestion, blocks: number): Promise<AttentionWeights> {
    const { attentionWeights, ErwinTransformer, requestDevice } = await loadEngine();
    const tree = this.#built();
    const each = <Value>(value: Value) => tree.levels.map(() => value);
    const config = {
      ...{ cIn: 3, cHidden: each(ATTENTION_WIDTH), ballSizes: tree.levels.map(({ ballSize }) => ballSize) },
      ...{ strides: tree.levels.slice(0, -1).map(({ stride }) => stride), decode: false, mpSteps: 0 },
      ...{ encNumHeads: each(attentionHeads), encDepths: each(blocks), decNumHeads: each(1).slice(1) },
      ...{ decDepths: each(0).slice(1), rotate: tree.treeIdxRot.length > 0 ? 45 : 0, dimensionality: 3 },
    };
    const positions = this.#places.map((value) => MODEL_SCALE * value);
    const { offsets } = this.#opened();
    using device = await requestDevice({ backend: "cpu" });
    using model = await ErwinTransformer.create(config, { device, seed: 0 });
    const input = { nodeFeatures: positions, nodePositions: positions, offsets, tree };
    // The model is needed only for this call.
    return await attentionWeights(model, input, question);
  }

  /** Returns the cloud as a model's input: its features are the positions, or the fields with as many channels as the model expects. */
  async #inputOf({ config: { cIn, dimensionality, mpSteps } }: ErwinTransformer): Promise<ErwinInput> {
    const cloud = this.#opened();
    if (cloud.dimensionality !== dimensionality) {
      throw new Error(`The model is for ${dimensionality} dimensions, and the cloud has ${cloud.dimensionality}.`);
    }
    const { positions, offsets } = cloud;
    const features = cIn === dimensionality ? positions : fieldWith(cloud, cIn)?.data;
    if (!features) {
      throw new Error(
        `The model takes ${cIn} channels per point, but neither the positions nor any field has as many.`,
      );
    }
    const nodeFeatures = Float32Array.from(features);
    const edgeIndex = mpSteps > 0 ? await this.#edges(this.#graphs.has("file") ? "file" : "neighbours") : undefined;
    return { nodeFeatures, nodePositions: positions, offsets, tree: this.#built(), edgeIndex };
  }

  #opened(): Cloud {
    if (!this.#cloud) throw new Error("no cloud is open");
    return this.#cloud;
  }

  #built(): BallTree {
    if (!this.#tree) throw new Error("the tree is not built yet");
    return this.#tree;
  }

  /** Returns the tree of the drawn positions, which have three coordinates. */
  #wideTree(): BallTree {
    return { ...this.#built(), dimensionality: 3 };
  }

  #partOf(colouring: Colouring, rotated: boolean): Int32Array | undefined {
    const tree = this.#built();
    const turned = rotated && tree.treeIdxRot.length > 0;
    if ("level" in colouring) return ballOfEachPoint(tree, Math.min(colouring.level, tree.levels.length - 1), turned);
    if ("halvings" in colouring) return partOfEachPoint(tree, Math.min(colouring.halvings, splitsOf(tree)), turned);
    return undefined;
  }

  #colours(colouring: Colouring, partOf: Int32Array | undefined): Pick<Drawing, "colours" | "values"> {
    if (partOf) {
      const colours = chooseColours(partOf, this.#places);
      return { colours: paint(this.#order, (point) => palette[colours[partOf[point]]]) };
    }
    if ("cloud" in colouring) {
      const cloudOf = cloudOfEach(this.#opened().offsets);
      return { colours: paint(this.#order, (point) => palette[(3 * cloudOf[point]) % palette.length]) };
    }
    if (!("field" in colouring)) return { colours: paint(this.#order, () => PLAIN) };
    const values = magnitudes(this.#opened().field(colouring.field));
    const range = rangeOf(values);
    return { colours: paint(this.#order, colourOfEach(values, range)), values: { range, hasGaps: hasGaps(values) } };
  }

  async #edges(kind: GraphKind): Promise<Int32Array> {
    let edges = this.#graphs.get(kind);
    if (!edges) {
      const { positions, dimensionality, offsets } = this.#opened();
      const { knnGraph } = await loadEngine();
      edges = await knnGraph(positions, { dimensionality, offsets, k: NEIGHBOURS });
      this.#graphs.set(kind, edges);
    }
    return edges;
  }
}

function countsOf(ballOf: Int32Array): number[] {
  const counts: number[] = [];
  for (const ball of ballOf) counts[ball] = (counts[ball] ?? 0) + 1;
  return counts;
}

function membersWith(point: number, ballOf: Int32Array): Int32Array {
  const members: number[] = [];
  ballOf.forEach((ball, other) => {
    if (ball === ballOf[point]) members.push(other);
  });
  return Int32Array.from(members);
}

/** Moves every part away from the centre as a whole, and scales the drawing down so that it fits on the stage. */
function drawApart(places: Float32Array, partOf: Int32Array, apart: number): Float32Array {
  const centres = ballCentres(partOf, places);
  const drawn = new Float32Array(places.length);
  for (let point = 0; point < partOf.length; point++) {
    for (let d = 0; d < 3; d++) {
      drawn[3 * point + d] = (places[3 * point + d] + apart * centres[3 * partOf[point] + d]) / (1 + 0.7 * apart);
    }
  }
  return drawn;
}
