// The reference's view of a model's configuration (camelCase or snake_case), and the name and shape of every parameter.

/** A config with all defaults filled in and one width for each level. */
export interface ReferenceConfig {
  cIn: number;
  cHidden: number[];
  ballSizes: number[];
  encNumHeads: number[];
  encDepths: number[];
  decNumHeads: number[];
  decDepths: number[];
  strides: number[];
  rotate: number;
  decode: boolean;
  mlpRatio: number;
  dimensionality: number;
  mpSteps: number;
}

/** The config that tests write: `cHidden` may be one number, and fields with a default are optional. */
export type ReferenceConfigInput = Partial<Omit<ReferenceConfig, "cHidden">> &
  Pick<ReferenceConfig, "cIn" | "ballSizes" | "encNumHeads" | "encDepths"> & { cHidden: number | number[] };

/** Reads either spelling; `cHidden` as one number c becomes c * prod(strides[:i]). */
export function readConfig(config: object): ReferenceConfig {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    fields[key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  const full = {
    decNumHeads: [],
    decDepths: [],
    strides: [],
    rotate: 0,
    decode: true,
    mlpRatio: 4,
    dimensionality: 3,
    mpSteps: 3,
    ...fields,
  } as unknown as ReferenceConfig & { cHidden: number | number[] };
  const width = full.cHidden as number | number[];
  if (typeof width === "number") {
    full.cHidden = full.ballSizes.map((_, level) => full.strides.slice(0, level).reduce((c, s) => c * s, width));
  }
  return full;
}

/** Every tensor of a checkpoint for this config, in module order: name -> shape. */
export function stateShapes(config: object): Map<string, number[]> {
  const c = readConfig(config);
  const D = c.dimensionality;
  const shapes = new Map<string, number[]>();
  const linear = (name: string, from: number, to: number) => {
    shapes.set(`${name}.weight`, [to, from]);
    shapes.set(`${name}.bias`, [to]);
  };
  const norm = (name: string, width: number) => {
    shapes.set(`${name}.weight`, [width]);
    shapes.set(`${name}.bias`, [width]);
  };
  const batchNorm = (name: string, width: number) => {
    norm(name, width);
    shapes.set(`${name}.running_mean`, [width]);
    shapes.set(`${name}.running_var`, [width]);
    shapes.set(`${name}.num_batches_tracked`, []);
  };
  const blocks = (name: string, depth: number, d: number, heads: number) => {
    for (let b = 0; b < depth; b++) {
      const block = `${name}.blocks.${b}`;
      shapes.set(`${block}.norm1.weight`, [d]);
      shapes.set(`${block}.norm2.weight`, [d]);
      shapes.set(`${block}.BMSA.sigma_att`, [1, heads, 1, 1]);
      linear(`${block}.BMSA.qkv`, d, 3 * d);
      linear(`${block}.BMSA.proj`, d, d);
      linear(`${block}.BMSA.pe_proj`, D, d);
      linear(`${block}.swiglu.w1`, d, c.mlpRatio * d);
      linear(`${block}.swiglu.w2`, d, c.mlpRatio * d);
      linear(`${block}.swiglu.w3`, c.mlpRatio * d, d);
    }
  };
  const width = (level: number) => c.cHidden[level];
  const K = c.ballSizes.length;

  linear("embed.embed_fn", c.cIn, width(0));
  for (let i = 0; i < c.mpSteps; i++) {
    linear(`embed.mpnn.message_fns.${i}.0`, 2 * width(0) + D, width(0));
    norm(`embed.mpnn.message_fns.${i}.2`, width(0));
    linear(`embed.mpnn.update_fns.${i}.0`, 2 * width(0), width(0));
    norm(`embed.mpnn.update_fns.${i}.1`, width(0));
  }
  for (let l = 0; l < K - 1; l++) {
    const s = c.strides[l];
    blocks(`encoder.${l}`, c.encDepths[l], width(l), c.encNumHeads[l]);
    linear(`encoder.${l}.pool.proj`, s * width(l) + s * D, width(l + 1));
    batchNorm(`encoder.${l}.pool.norm`, width(l + 1));
  }
  blocks("bottleneck", c.encDepths[K - 1], width(K - 1), c.encNumHeads[K - 1]);
  for (let j = 0; c.decode && j < K - 1; j++) {
    const l = K - 2 - j;
    const s = c.strides[l];
    linear(`decoder.${j}.unpool.proj`, width(l + 1) + s * D, s * width(l));
    batchNorm(`decoder.${j}.unpool.norm`, width(l));
    blocks(`decoder.${j}`, c.decDepths[l], width(l), c.decNumHeads[l]);
  }
  return shapes;
}
