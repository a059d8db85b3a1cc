// The Erwin Transformer in jax-js, the peer that trains in a browser, too: written like pytorch/erwin.py, with the reference's names
// for parameters, tree and graph given, and all balls of a level of one size.
//
// jax-js frees an array once it was passed on as often as it was referred to, so a name that is needed again has `.ref`.
//
// Shapes: N points with K neighbours each, S slots of the tree, D dimensions; at one level n nodes of width d in balls of m.

/** @typedef {any} JaxArray jax-js types arrays, but this repository is checked without it */
/** @typedef {{ offsets: JaxArray, distances: JaxArray }} Balls offsets [n, D] from a ball's centre, distances [n / m, 1, m, m] */
/** @typedef {{ balls: Balls, rotated: Balls, children?: JaxArray }} Level children: [n / stride, stride D] from their mean */

/**
 * @typedef {object} Indices Arrays of int32.
 * @property {JaxArray} sources [N K] the neighbours of each point
 * @property {JaxArray} index [S] the point in each slot
 * @property {JaxArray} slots [N] the slot of each point
 * @property {JaxArray[]} orders for each level [n] its nodes in the order of the rotated balls
 * @property {JaxArray[]} inverses and back
 */

const rmsEpsilon = 2 ** -23;
const epsilon = 1e-5;

/**
 * @param {any} jax the module @jax-js/jax
 * @param {import("../../../index.ts").ErwinConfig} config with rotation and a decoder
 */
export function erwinOf({ numpy: np, nn, tree }, config) {
  /** @type {(rows: JaxArray, indices: JaxArray) => JaxArray} */
  const take = (rows, indices) => np.take(rows, indices, 0);

  /** @type {(positions: JaxArray, size: number) => Balls} */
  function placeInBalls(positions, size) {
    const [count, dimensions] = positions.shape;
    const balls = positions.reshape([count / size, size, dimensions]);
    const offsets = balls.ref.sub(np.mean(balls.ref, 1, { keepdims: true }));
    const apart = np.expandDims(balls.ref, 2).sub(np.expandDims(balls, 1));
    const distances = np.sqrt(np.square(apart).sum(-1));
    return { offsets: offsets.reshape([count, dimensions]), distances: np.expandDims(distances, 1) };
  }

  /**
   * The geometry, which carries no gradient: from each neighbour to its point [N, K, D], and of all levels.
   * @param {JaxArray} positions [N, D]
   * @param {Pick<Indices, "sources" | "index" | "orders">} indices
   * @param {number} clouds all of one size
   * @returns {{ offsets: JaxArray, levels: Level[] }}
   */
  function place(positions, { sources, index, orders }, clouds) {
    const [points, dimensions] = positions.shape;
    const neighbours = take(positions.ref, sources).reshape([points, -1, dimensions]);
    const offsets = neighbours.sub(np.expandDims(positions.ref, 1));
    let nodes = take(positions, index);
    const levels = config.ballSizes.map((largest, level) => {
      const size = Math.min(largest, nodes.shape[0] / clouds);
      const balls = placeInBalls(nodes.ref, size);
      const rotated = placeInBalls(take(nodes.ref, orders[level]), size);
      const stride = config.strides[level];
      if (stride === undefined) return { balls, rotated };
      const groups = nodes.reshape([-1, stride, dimensions]);
      nodes = np.mean(groups.ref, 1);
      const children = groups.sub(np.expandDims(nodes.ref, 1)).reshape([-1, stride * dimensions]);
      return { balls, rotated, children };
    });
    nodes.dispose();
    return { offsets, levels };
  }

  /**
   * @param {Record<string, JaxArray>} parameters
   * @param {Indices & { features: JaxArray, offsets: JaxArray, levels: Level[], one?: JaxArray }} input one: a 1, in training
   * @returns {JaxArray} [N, cHidden], in the order of the points
   */
  function forward(parameters, input) {
    /** @type {(name: string) => JaxArray} */
    const parameter = (name) => parameters[name].ref;
    /**
     * jax-js 0.1 compiles the gradient of rows taken only if these are computed with: "input is not imm" otherwise.
     * @type {(rows: JaxArray, indices: JaxArray) => JaxArray}
     */
    const takeRows = (rows, indices) => {
      const taken = take(rows, indices);
      return input.one ? taken.mul(input.one.ref) : taken;
    };
    /** @type {(x: JaxArray, name: string) => JaxArray} */
    const scaled = (x, name) => x.mul(parameter(`${name}.weight`)).add(parameter(`${name}.bias`));
    /** @type {(x: JaxArray, name: string) => JaxArray} */
    const linear = (x, name) => np.matmul(x, parameter(`${name}.weight`).transpose()).add(parameter(`${name}.bias`));
    /** @type {(x: JaxArray, name: string) => JaxArray} */
    const rmsNorm = (x, name) => {
      const size = np.sqrt(np.mean(np.square(x.ref), -1, { keepdims: true }).add(rmsEpsilon));
      return x.div(size).mul(parameter(`${name}.weight`));
    };
    /** @type {(x: JaxArray, name: string) => JaxArray} */
    const layerNorm = (x, name) => scaled(nn.standardize(x, -1, { epsilon }), name);
    /** Parameters without running statistics are those of training. @type {(x: JaxArray, name: string) => JaxArray} */
    const batchNorm = (x, name) => {
      if (!(`${name}.running_mean` in parameters)) return scaled(nn.standardize(x, 0, { epsilon }), name);
      const deviation = np.sqrt(parameter(`${name}.running_var`).add(epsilon));
      return scaled(x.sub(parameter(`${name}.running_mean`)).div(deviation), name);
    };

    /** @type {(x: JaxArray, balls: Balls, heads: number, name: string) => JaxArray} */
    const attention = (x, { offsets, distances }, heads, name) => {
      const [count, width] = x.shape;
      const size = distances.shape[2];
      const placed = x.add(linear(offsets.ref, `${name}.pe_proj`));
      const [queries, keys, values] = ["q", "k", "v"].map((part) =>
        linear(placed.ref, `${name}.${part}`).reshape([count / size, size, heads, width / heads]),
      );
      placed.dispose();
      const bias = parameter(`${name}.sigma_att`).mul(distances.ref);
      const attended = nn.dotProductAttention(queries, keys, values, { bias });
      return linear(attended.reshape([count, width]), `${name}.proj`);
    };
    /** @type {(x: JaxArray, name: string) => JaxArray} */
    const feedForward = (x, name) => {
      const gate = nn.silu(linear(x.ref, `${name}.w1`));
      return linear(linear(x, `${name}.w2`).mul(gate), `${name}.w3`);
    };
    /** @type {(x: JaxArray, balls: Balls, heads: number, name: string) => JaxArray} */
    const block = (x, balls, heads, name) => {
      const mixed = x.ref.add(attention(rmsNorm(x, `${name}.norm1`), balls, heads, `${name}.BMSA`));
      return mixed.ref.add(feedForward(rmsNorm(mixed, `${name}.norm2`), `${name}.swiglu`));
    };
    /** @type {(x: JaxArray, level: number, depth: number, heads: number, name: string) => JaxArray} */
    const layer = (x, level, depth, heads, name) => {
      const { balls, rotated } = input.levels[level];
      const [order, inverse] = [input.orders[level], input.inverses[level]];
      for (let i = 0; i < depth; i++) {
        const at = `${name}.blocks.${i}`;
        if (i % 2 === 0) x = block(x, balls, heads, at);
        else x = takeRows(block(takeRows(x, order.ref), rotated, heads, at), inverse.ref);
      }
      return x;
    };
    /** @type {(x: JaxArray) => JaxArray} */
    const embed = (x) => {
      x = linear(x, "embed.embed_fn");
      const [points, neighbours, dimensions] = input.offsets.shape;
      const width = x.shape[1];
      const shape = [points, neighbours, width];
      for (let i = 0; i < config.mpSteps; i++) {
        const [message, update] = [`embed.mpnn.message_fns.${i}`, `embed.mpnn.update_fns.${i}`];
        const sources = takeRows(x.ref, input.sources.ref).reshape(shape);
        const targets = np.broadcastTo(np.expandDims(x.ref, 1), shape);
        const pairs = np.concatenate([sources, targets, input.offsets.ref], 2).reshape([-1, 2 * width + dimensions]);
        const messages = layerNorm(nn.gelu(linear(pairs, `${message}.0`), { approximate: false }), `${message}.2`);
        const mean = np.mean(messages.reshape(shape), 1);
        x = x.ref.add(layerNorm(linear(np.concatenate([x, mean], 1), `${update}.0`), `${update}.1`));
      }
      return x;
    };
    /** @type {(x: JaxArray, level: number, name: string) => JaxArray} */
    const pool = (x, level, name) => {
      const children = input.levels[level].children.ref;
      const groups = np.concatenate([x.reshape([children.shape[0], -1]), children], 1);
      return batchNorm(linear(groups, `${name}.proj`), `${name}.norm`);
    };
    /** @type {(x: JaxArray, skip: JaxArray, level: number, name: string) => JaxArray} */
    const unpool = (x, skip, level, name) => {
      const groups = np.concatenate([x, input.levels[level].children.ref], 1);
      const spread = linear(groups, `${name}.proj`).reshape(skip.shape);
      return batchNorm(skip.add(spread), `${name}.norm`);
    };

    const { encDepths, encNumHeads, decDepths, decNumHeads } = config;
    const levels = config.strides.length;
    let x = takeRows(embed(input.features.ref), input.index.ref);
    const skips = [];
    for (let level = 0; level < levels; level++) {
      x = layer(x, level, encDepths[level], encNumHeads[level], `encoder.${level}`);
      skips.push(x.ref);
      x = pool(x, level, `encoder.${level}.pool`);
    }
    x = layer(x, levels, encDepths[levels], encNumHeads[levels], "bottleneck");
    for (let level = levels - 1; level >= 0; level--) {
      const name = `decoder.${levels - 1 - level}`;
      x = unpool(x, skips.pop(), level, `${name}.unpool`);
      x = layer(x, level, decDepths[level], decNumHeads[level], name);
    }
    const output = takeRows(x, input.slots.ref);
    tree.dispose([parameters, input]);
    return output;
  }

  return { place, forward };
}
