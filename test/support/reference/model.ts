// The model's forward pass in float64: embedding, encoder, bottleneck, decoder, as defined in src/SPECIFICATION.md.

import { ballAttention } from "./attention.ts";
import { type ReferenceConfig, readConfig } from "./config.ts";
import { radiusEdges } from "./graph.ts";
import { type BatchTree, buildLevels, buildTrees, type Level, offsetsOf } from "./levels.ts";
import type { Matrix } from "./matrix.ts";
import * as M from "./matrix.ts";

/** A checkpoint's tensors: parameters and buffers by name. */
export type ReferenceState = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly data: ArrayLike<number> | ArrayLike<bigint> }
>;

export interface ReferenceInput {
  /** [N, cIn], row-major. */
  nodeFeatures: ArrayLike<number>;
  /** [N, D], row-major. */
  nodePositions: ArrayLike<number>;
  batchIdx: ArrayLike<number>;
  /** Sources, then targets. */
  edgeIndex?: ArrayLike<number>;
  radius?: number;
  /** The trees; by default they are built by the specification's rule. */
  tree?: BatchTree;
}

export interface ReferenceOutput {
  data: Float64Array;
  shape: [number, number];
  /** The cloud of each output row. */
  batchIdx: Int32Array;
  /** After a pass in train mode: the new running statistics, by name. */
  running: Map<string, Float64Array>;
}

/** Runs the model. The state does not change: the statistics that training mode would write are in `running`. */
export function referenceForward(
  config: object,
  state: ReferenceState,
  input: ReferenceInput,
  { train = false } = {},
): ReferenceOutput {
  return new Pass(readConfig(config), state, train).run(input);
}

class Pass {
  readonly running = new Map<string, Float64Array>();
  readonly #config: ReferenceConfig;
  readonly #state: ReferenceState;
  readonly #train: boolean;

  constructor(config: ReferenceConfig, state: ReferenceState, train: boolean) {
    this.#config = config;
    this.#state = state;
    this.#train = train;
  }

  run(input: ReferenceInput): ReferenceOutput {
    const c = this.#config;
    const K = c.ballSizes.length;
    const offsets = offsetsOf(input.batchIdx);
    const n = input.batchIdx.length;
    const positions = M.matrix(n, c.dimensionality, input.nodePositions);
    const tree = input.tree ?? buildTrees(positions, offsets);
    const levels = buildLevels(c, positions, offsets, tree);
    const level = (l: number) => levels[l];

    let x = this.#embed(M.matrix(n, c.cIn, input.nodeFeatures), positions, this.#edges(input, offsets));
    x = M.gather(x, tree.treeIdx);
    const skips: Matrix[] = [];
    for (let l = 0; l < K - 1; l++) {
      x = this.#blocks(`encoder.${l}`, x, l, level(l), c.encDepths[l]);
      skips.push(x);
      if (c.strides[l] > 1) x = this.#pool(`encoder.${l}.pool`, x, level(l), level(l + 1), c.strides[l]);
    }
    x = this.#blocks("bottleneck", x, K - 1, level(K - 1), c.encDepths[K - 1]);
    if (!c.decode) return this.#output(x, spansToBatchIdx(level(K - 1)));
    for (let j = 0; j < K - 1; j++) {
      const l = K - 2 - j;
      x = this.#unpool(`decoder.${j}.unpool`, x, skips[l], level(l), level(l + 1), c.strides[l]);
      x = this.#blocks(`decoder.${j}`, x, l, level(l), c.decDepths[l]);
    }
    const originals = Array.from(tree.treeMask, (_, slot) => slot).filter((slot) => tree.treeMask[slot]);
    const order = originals.map((slot) => tree.treeIdx[slot]);
    return this.#output(M.scatter(M.gather(x, originals), order, n), Int32Array.from(input.batchIdx));
  }

  #output(x: Matrix, batchIdx: Int32Array): ReferenceOutput {
    return { data: x.data, shape: [x.rows, x.cols], batchIdx, running: this.running };
  }

  #edges(input: ReferenceInput, offsets: number[]): ArrayLike<number> {
    if (this.#config.mpSteps === 0) return [];
    if (input.edgeIndex) return input.edgeIndex;
    if (input.radius === undefined) throw new Error("message passing needs edges or a radius");
    return radiusEdges(input.nodePositions, this.#config.dimensionality, offsets, input.radius);
  }

  #embed(features: Matrix, positions: Matrix, edgeIndex: ArrayLike<number>): Matrix {
    const source = Array.prototype.slice.call(edgeIndex, 0, edgeIndex.length / 2) as number[];
    const target = Array.prototype.slice.call(edgeIndex, edgeIndex.length / 2) as number[];
    const offset = M.subtractRows(M.gather(positions, source), positions, (edge) => target[edge]);
    let h = this.#linear("embed.embed_fn", features);
    for (let i = 0; i < this.#config.mpSteps; i++) {
      const message = `embed.mpnn.message_fns.${i}`;
      const update = `embed.mpnn.update_fns.${i}`;
      const pair = M.concatenate(M.gather(h, source), M.gather(h, target), offset);
      const messages = this.#layerNorm(`${message}.2`, M.gelu(this.#linear(`${message}.0`, pair)));
      const mean = M.meanByTarget(messages, target, h.rows);
      h = M.add(h, this.#layerNorm(`${update}.1`, this.#linear(`${update}.0`, M.concatenate(h, mean))));
    }
    return h;
  }

  /** A layer: every second block runs in the rotated order. */
  #blocks(name: string, input: Matrix, l: number, level: Level, depth: number): Matrix {
    let x = input;
    for (let b = 0; b < depth; b++) {
      const block = `${name}.blocks.${b}`;
      if (level.rotated && b % 2) {
        const positions = M.gather(level.positions, level.rotated);
        x = M.scatter(this.#block(block, M.gather(x, level.rotated), positions, l, level), level.rotated);
      } else {
        x = this.#block(block, x, level.positions, l, level);
      }
    }
    return x;
  }

  #block(name: string, input: Matrix, positions: Matrix, l: number, level: Level): Matrix {
    const y = M.rmsNorm(input, this.#get(`${name}.norm1.weight`));
    const attended = ballAttention(y, positions, level.spans, this.#config.ballSizes[l], {
      peWeight: this.#get(`${name}.BMSA.pe_proj.weight`),
      peBias: this.#get(`${name}.BMSA.pe_proj.bias`),
      qkvWeight: this.#get(`${name}.BMSA.qkv.weight`),
      qkvBias: this.#get(`${name}.BMSA.qkv.bias`),
      projWeight: this.#get(`${name}.BMSA.proj.weight`),
      projBias: this.#get(`${name}.BMSA.proj.bias`),
      sigma: this.#get(`${name}.BMSA.sigma_att`).data,
    });
    const x = M.add(input, attended);
    const z = M.rmsNorm(x, this.#get(`${name}.norm2.weight`));
    const hidden = M.swiglu(this.#linear(`${name}.swiglu.w2`, z), this.#linear(`${name}.swiglu.w1`, z));
    return M.add(x, this.#linear(`${name}.swiglu.w3`, hidden));
  }

  #pool(name: string, x: Matrix, fine: Level, coarse: Level, stride: number): Matrix {
    const groups = fine.groups as number[];
    const features = M.reshape(M.gather(x, groups), stride * x.cols);
    return this.#batchNorm(
      `${name}.norm`,
      this.#linear(`${name}.proj`, M.concatenate(features, childOffsets(fine, coarse, stride))),
    );
  }

  #unpool(name: string, x: Matrix, skip: Matrix, fine: Level, coarse: Level, stride: number): Matrix {
    const groups = fine.groups as number[];
    const wide = this.#linear(`${name}.proj`, M.concatenate(x, childOffsets(fine, coarse, stride)));
    // Padding repeats a cloud's last node: the node gets the slice of its first place, and the others are dropped.
    const place = new Int32Array(skip.rows);
    for (let i = groups.length - 1; i >= 0; i--) place[groups[i]] = i;
    return this.#batchNorm(`${name}.norm`, M.add(skip, M.gather(M.reshape(wide, skip.cols), place)));
  }

  #batchNorm(name: string, x: Matrix): Matrix {
    let mean = this.#get(`${name}.running_mean`).data;
    let variance = this.#get(`${name}.running_var`).data;
    if (this.#train) {
      const batch = M.columnStatistics(x);
      const unbiased = x.rows / (x.rows - 1);
      this.running.set(
        `${name}.running_mean`,
        mean.map((old, k) => 0.9 * old + 0.1 * batch.mean[k]),
      );
      this.running.set(
        `${name}.running_var`,
        variance.map((old, k) => 0.9 * old + 0.1 * unbiased * batch.variance[k]),
      );
      mean = batch.mean;
      variance = batch.variance;
    }
    return M.batchNorm(x, { mean, variance }, this.#get(`${name}.weight`), this.#get(`${name}.bias`));
  }

  #layerNorm(name: string, x: Matrix): Matrix {
    return M.layerNorm(x, this.#get(`${name}.weight`), this.#get(`${name}.bias`));
  }

  #linear(name: string, x: Matrix): Matrix {
    return M.linear(x, this.#get(`${name}.weight`), this.#get(`${name}.bias`));
  }

  /** Returns a tensor of the state as a matrix: [out, in] with its shape, all others with one row. */
  #get(name: string): Matrix {
    const tensor = this.#state.get(name);
    if (!tensor) throw new Error(`the state has no ${name}`);
    const data = Float64Array.from(tensor.data as ArrayLike<number>);
    const rows = tensor.shape.length === 2 ? tensor.shape[0] : 1;
    return { rows, cols: data.length / rows, data };
  }
}

/** For each group: its nodes' positions relative to the group's centre, side by side. */
function childOffsets(fine: Level, coarse: Level, stride: number): Matrix {
  const children = M.gather(fine.positions, fine.groups as number[]);
  const relative = M.subtractRows(children, coarse.positions, (child) => Math.floor(child / stride));
  return M.reshape(relative, stride * relative.cols);
}

function spansToBatchIdx(level: Level): Int32Array {
  const batchIdx = new Int32Array(level.positions.rows);
  for (const [cloud, [start, end]] of level.spans.entries()) batchIdx.fill(cloud, start, end);
  return batchIdx;
}
