// A config read off a checkpoint's tensors: what their names and shapes say of the model.

import { CheckpointError } from "../errors.ts";
import type { ErwinConfig } from "./config.ts";

export interface InferredConfig {
  /** What the shapes say. */
  config: Partial<ErwinConfig>;
  /** Fields that change what the model computes, but no shape. */
  unknown: (keyof ErwinConfig)[];
}

type Shapes = ReadonlyMap<string, readonly number[]>;

/** The tensor by which an Erwin is found among others: its name ends so. */
const FIRST_TENSOR = "embed.embed_fn.weight";

/** What stands before the names of each Erwin among these tensors: "" for one by itself, "main_model." in an experiment's. */
export function findErwins(names: Iterable<string>): string[] {
  return [...names]
    .filter((name) => name === FIRST_TENSOR || name.endsWith(`.${FIRST_TENSOR}`))
    .map((name) => name.slice(0, -FIRST_TENSOR.length));
}

/**
 * Infers a model's config. Heads of a level without blocks, which nothing depends on, are 1.
 * @param shapes of the model's parameters by the reference's names
 * @param file its name in error messages
 * @throws CheckpointError naming a tensor without which nothing can be said
 */
export function inferConfig(shapes: Shapes, file: string): InferredConfig {
  return new Inference(shapes, file).run();
}

class Inference {
  readonly #shapes: Shapes;
  readonly #file: string;
  /** The names and every beginning of them that ends before a dot. */
  readonly #places: ReadonlySet<string>;

  constructor(shapes: Shapes, file: string) {
    this.#shapes = shapes;
    this.#file = file;
    this.#places = new Set([...shapes.keys()].flatMap(beginnings));
  }

  run(): InferredConfig {
    const [firstWidth, cIn] = this.#shape(FIRST_TENSOR, 2);
    const mpSteps = this.#count("embed.mpnn.message_fns");
    const encoders = Array.from({ length: this.#count("encoder") }, (_, l) => `encoder.${l}`);
    const layers = [...encoders, "bottleneck"];
    const decoders = Array.from({ length: this.#count("decoder") }, (_, j) => `decoder.${j}`).reverse();
    const dimensionality = this.#dimensionality(firstWidth, mpSteps, [...layers, ...decoders]);

    const cHidden = [firstWidth];
    const strides = encoders.map((encoder, l) => {
      // BatchNorm(Linear([the features of `stride` nodes, their offsets])).
      const [coarse, inputs] = this.#shape(`${encoder}.pool.proj.weight`, 2);
      cHidden.push(coarse);
      return inputs / (cHidden[l] + dimensionality);
    });
    const encDepths = layers.map((layer) => this.#depth(layer));
    const decode = decoders.length > 0 || encoders.length === 0;
    // Without a decoder its depths and heads only have to be there.
    const decoderOf = (l: number) => decoders[l] as string | undefined;
    const decDepths = encoders.map((_, l) => this.#depth(decoderOf(l)));
    const turns = [...encDepths, ...decDepths].some((depth) => depth > 1);
    return {
      config: {
        cIn,
        cHidden,
        encNumHeads: layers.map((layer) => this.#heads(layer)),
        encDepths,
        decNumHeads: encoders.map((_, l) => this.#heads(decoderOf(l))),
        decDepths,
        strides,
        decode,
        mlpRatio: this.#mlpRatio([...layers, ...decoders]),
        dimensionality,
        mpSteps,
        // Only second blocks see the rotated tree.
        ...(!turns && { rotate: 0 }),
      },
      unknown: ["ballSizes", ...(turns ? (["rotate"] as const) : [])],
    };
  }

  /** Parts that are numbered from 0 on. */
  #count(list: string): number {
    let count = 0;
    while (this.#places.has(`${list}.${count}`)) count++;
    return count;
  }

  #depth(layer: string | undefined): number {
    return layer === undefined ? 0 : this.#count(`${layer}.blocks`);
  }

  #heads(layer: string | undefined): number {
    return this.#depth(layer) === 0 ? 1 : this.#shape(`${layer}.blocks.0.BMSA.sigma_att`, 4)[1];
  }

  #mlpRatio(layers: readonly string[]): number {
    const layer = layers.find((candidate) => this.#depth(candidate) > 0);
    if (layer === undefined) return 4;
    const [hidden, width] = this.#shape(`${layer}.blocks.0.swiglu.w1.weight`, 2);
    return hidden / width;
  }

  #dimensionality(width: number, mpSteps: number, layers: readonly string[]): number {
    if (mpSteps > 0) return this.#shape("embed.mpnn.message_fns.0.0.weight", 2)[1] - 2 * width;
    const layer = layers.find((candidate) => this.#depth(candidate) > 0) ?? layers[0];
    return this.#shape(`${layer}.blocks.0.BMSA.pe_proj.weight`, 2)[1];
  }

  #shape(name: string, rank: number): readonly number[] {
    const shape = this.#shapes.get(name);
    if (shape?.length === rank) return shape;
    const found = shape ? `${name} has the shape [${shape}], expected ${rank} axes` : `there is no ${name}`;
    throw new CheckpointError(`${this.#file}: no config can be inferred from its tensors: ${found}`, {
      file: this.#file,
      tensor: name,
    });
  }
}

/** "a.b.c": "a", "a.b", "a.b.c". */
function beginnings(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, i) => parts.slice(0, i + 1).join("."));
}
