// A cloud's output depends only on that cloud: not on the rest of the batch, its place there, or the order of its points.
// For any sizes and any config it equals that of the float64 reference.

import { radiusGraph } from "erwin";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Batch,
  type CloudShape,
  cloudOptions,
  clusteredCloud,
  joinClouds,
  permutation,
  randomCloud,
  randomState,
  seededRandom,
  sphereCloud,
  takeRows,
  uniformCloud,
} from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { forwardToHost, type HostOutput, modelFrom, useDevice } from "../support/models.ts";
import {
  offsetsOf,
  type ReferenceConfigInput,
  radiusEdges,
  readConfig,
  referenceForward,
} from "../support/reference.ts";

const evalTolerance = 1e-5;
const trainTolerance = 5e-5;
const device = useDevice();

/** Widths 8 and 16 serve most tests, so that few pipelines are compiled. */
const narrow = {
  cIn: 3,
  cHidden: [8, 16, 16],
  ballSizes: [16, 16, 8],
  encNumHeads: [2, 2, 4],
  encDepths: [2, 2, 2],
  decNumHeads: [2, 2],
  decDepths: [2, 2],
  strides: [2, 4],
  rotate: 45,
  mlpRatio: 2,
  mpSteps: 1,
} satisfies ReferenceConfigInput;

/**
 * Two levels with all features of a model, small enough for hundreds of forward passes on a software adapter. Only the coarse
 * level has a rotated block.
 */
const twoLevels = {
  ...narrow,
  cHidden: [8, 8],
  ballSizes: [32, 16],
  encNumHeads: [2, 2],
  encDepths: [1, 2],
  decNumHeads: [2],
  decDepths: [1],
  strides: [4],
} satisfies ReferenceConfigInput;

/** One level without message passing, for tests that need any model. */
const shallow = {
  ...narrow,
  cHidden: [8],
  ballSizes: [16],
  encNumHeads: [2],
  encDepths: [2],
  decNumHeads: [],
  decDepths: [],
  strides: [],
  mpSteps: 0,
} satisfies ReferenceConfigInput;

function cloudsFor(config: object, sizes: readonly number[], seed: number, shape: CloudShape = uniformCloud): Batch[] {
  const random = seededRandom(seed);
  return sizes.map((size) => randomCloud(size, { ...cloudOptions(config), shape }, random));
}

/** Returns the rows of each cloud of an output. */
function rowsByCloud({ data, shape, batchIdx }: HostOutput): Float32Array[] {
  const offsets = offsetsOf(batchIdx ?? []);
  return offsets.slice(1).map((end, i) => data.subarray(offsets[i] * shape[1], end * shape[1]));
}

/** Runs `clouds` as one batch and returns the output of each. */
async function forwardBatch(model: Awaited<ReturnType<typeof modelFrom>>, clouds: readonly Batch[]) {
  const batch = joinClouds(clouds);
  const out = await forwardToHost(model, batch);
  return rowsByCloud({ ...out, batchIdx: out.batchIdx ?? batch.batchIdx });
}

/** Runs a config on clouds as one batch and compares with the reference, output and (in train mode) statistics. */
async function expectReference(
  config: object,
  clouds: readonly Batch[],
  seed: number,
  { train = false } = {},
): Promise<void> {
  const state = randomState(config, seed);
  const batch = joinClouds(clouds);
  using model = await modelFrom(config, state, device());
  if (train) model.train();
  const out = await forwardToHost(model, batch);
  const expected = referenceForward(config, state, batch, { train });
  expect(out.shape).toEqual(expected.shape);
  if (out.batchIdx) expect(Array.from(out.batchIdx)).toEqual(Array.from(expected.batchIdx));
  expectClose(out.data, expected.data, train ? trainTolerance : evalTolerance, "out", { columns: out.shape[1] });
  for (const [name, values] of expected.running) {
    expectClose((await model.state().get(name)?.data()) as Float32Array, values, evalTolerance, name);
  }
}

describe("in eval mode a cloud's output in a batch equals its output alone", () => {
  const referenceSizes = [1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 127, 129, 200, 255, 256, 257, 299, 300];
  // All sizes up to several balls, and those around the sizes of balls and tiles. The shader is the same in all hosts, and a browser's
  // software adapter takes long for each pass: there only the latter.
  const upTo = "document" in globalThis ? 0 : 80;
  const sizes = [...new Set([...Array.from({ length: upTo }, (_, i) => i + 1), ...referenceSizes])];

  test(`for ${sizes.length} sizes from 1 to 300, and the reference`, async () => {
    const clouds = cloudsFor(twoLevels, sizes, 1);
    const state = randomState(twoLevels, 2);
    using model = await modelFrom(twoLevels, state, device());
    // The sizes are in random order, so that large and small clouds are neighbours.
    const order = permutation(clouds.length, seededRandom(3));
    const together = await forwardBatch(
      model,
      Array.from(order, (i) => clouds[i]),
    );
    for (const [place, i] of order.entries()) {
      const what = `cloud of ${sizes[i]} points`;
      const alone = await forwardToHost(model, clouds[i]);
      expectClose(together[place], alone.data, evalTolerance, what, { columns: 8 });
      if (!referenceSizes.includes(sizes[i])) continue;
      const expected = referenceForward(twoLevels, state, clouds[i]);
      expectClose(alone.data, expected.data, evalTolerance, `${what}, against the reference`, { columns: 8 });
    }
  });

  test.each([
    { sizes: [1024, 1024, 1024, 1024] },
    { sizes: [1024, 2048] },
    { sizes: [300, 5000] },
    { sizes: [3000, 600, 600] },
    { sizes: [1, 2000, 2, 1, 3] },
  ])("for sizes $sizes, and the reference", async ({ sizes }) => {
    const config = { ...twoLevels, ballSizes: [64, 16], encDepths: [2, 1] };
    const clouds = cloudsFor(config, sizes, 4);
    const state = randomState(config, 5);
    using model = await modelFrom(config, state, device());
    const together = await forwardBatch(model, clouds);
    const reference = referenceForward(config, state, joinClouds(clouds));
    const expected = rowsByCloud({ ...reference, data: Float32Array.from(reference.data) });
    for (const [i, cloud] of clouds.entries()) {
      const what = `cloud ${i} of ${sizes[i]} points`;
      expectClose(together[i], expected[i], evalTolerance, `${what}, against the reference`, { columns: 8 });
      const alone = await forwardToHost(model, cloud);
      expectClose(together[i], alone.data, evalTolerance, what, { columns: 8 });
    }
  });

  test("for every size from 1 to 40 with rotated blocks at all levels, and the reference's output alone", async () => {
    const sizes = Array.from({ length: 40 }, (_, i) => i + 1);
    const clouds = cloudsFor(narrow, sizes, 29);
    const state = randomState(narrow, 30);
    using model = await modelFrom(narrow, state, device());
    for (const [i, output] of (await forwardBatch(model, clouds)).entries()) {
      const alone = referenceForward(narrow, state, clouds[i]);
      expectClose(output, alone.data, evalTolerance, `cloud of ${sizes[i]} points`, { columns: 8 });
    }
  });

  test.each([
    { name: "clustered", shape: clusteredCloud },
    { name: "on a sphere", shape: sphereCloud },
  ])("for points $name, and the reference", async ({ shape }) => {
    const clouds = cloudsFor(narrow, [300, 77, 128], 6, shape);
    using model = await modelFrom(narrow, randomState(narrow, 7), device());
    const together = await forwardBatch(model, clouds);
    for (const [i, cloud] of clouds.entries()) {
      const alone = await forwardToHost(model, cloud);
      expectClose(together[i], alone.data, evalTolerance, `cloud ${i}`, { columns: 8 });
    }
    await expectReference(narrow, clouds, 7);
  });
});

describe("the order", () => {
  const sizes = [300, 1, 64, 7, 130];

  test("of the clouds is the order of their outputs and changes nothing else", async () => {
    const clouds = cloudsFor(narrow, sizes, 8);
    using model = await modelFrom(narrow, randomState(narrow, 9), device());
    const forwards = await forwardBatch(model, clouds);
    const backwards = await forwardBatch(model, clouds.slice().reverse());
    for (const [i, output] of backwards.reverse().entries()) {
      expectClose(output, forwards[i], evalTolerance, `cloud ${i} of ${sizes[i]} points`, { columns: 8 });
    }
  });

  test("of a cloud's points is the order of its output rows and changes nothing else", async () => {
    const clouds = cloudsFor(narrow, sizes, 10);
    const random = seededRandom(11);
    const orders = sizes.map((size) => permutation(size, random));
    const permuted = clouds.map(({ nodeFeatures, nodePositions, batchIdx, edgeIndex = new Int32Array() }, i) => {
      const newIndex = new Int32Array(sizes[i]);
      for (const [place, old] of orders[i].entries()) newIndex[old] = place;
      return {
        nodeFeatures: takeRows(nodeFeatures, 3, orders[i]),
        nodePositions: takeRows(nodePositions, 3, orders[i]),
        batchIdx,
        edgeIndex: edgeIndex.map((node) => newIndex[node]),
      };
    });
    using model = await modelFrom(narrow, randomState(narrow, 12), device());
    const plain = await forwardBatch(model, clouds);
    for (const [i, output] of (await forwardBatch(model, permuted)).entries()) {
      const expected = takeRows(plain[i], 8, orders[i]);
      expectClose(output, expected, evalTolerance, `cloud ${i} of ${sizes[i]} points`, { columns: 8 });
    }
  });
});

describe("any config gives what the reference gives", () => {
  const sizes = [37, 1, 300, 5];

  test.each([
    { name: "strides 1 and 4", config: { ...narrow, cHidden: [16, 16, 16], strides: [1, 4] } },
    { name: "strides 4 and 1", config: { ...narrow, cHidden: [8, 16, 16], strides: [4, 1] } },
    { name: "strides 8 and 16", config: { ...narrow, strides: [8, 16] } },
    { name: "one width that grows with the strides", config: { ...narrow, cHidden: 8, strides: [2, 1] } },
    { name: "two dimensions", config: { ...narrow, dimensionality: 2, rotate: 30 } },
    { name: "no rotation", config: { ...narrow, rotate: 0 } },
    { name: "three message-passing steps", config: { ...narrow, mpSteps: 3 } },
    { name: "no message passing, one level", config: shallow },
    { name: "depths 1 to 4", config: { ...narrow, encDepths: [1, 3, 4], decDepths: [3, 1] } },
    { name: "mlpRatio 1", config: { ...shallow, mlpRatio: 1 } },
    { name: "mlpRatio 3", config: { ...shallow, mlpRatio: 3 } },
    { name: "mlpRatio 4", config: { ...shallow, mlpRatio: undefined } },
    ...[1, 2, 4, 8, 16, 32, 64, 128, 256].map((size) => ({
      name: `balls of ${size}`,
      config: { ...shallow, ballSizes: [size] },
    })),
    {
      name: "heads of 1, 3, 5, 8 and 16 channels",
      config: {
        ...narrow,
        cHidden: [4, 6, 10, 16, 16],
        ballSizes: [32, 16, 16, 8, 4],
        encNumHeads: [4, 2, 2, 2, 1],
        encDepths: [1, 1, 1, 1, 1],
        decNumHeads: [4, 2, 2, 2],
        decDepths: [1, 1, 1, 1],
        strides: [2, 2, 2, 2],
        mpSteps: 0,
      },
    },
  ])("$name", async ({ config }) => {
    // JSON leaves out undefined fields, so that the default is used.
    const given = JSON.parse(JSON.stringify(config)) as object;
    await expectReference(given, cloudsFor(given, sizes, 13), 14);
  });

  test("decode false: the bottleneck's nodes and their clouds, in a batch as alone", async () => {
    const config = { ...narrow, decode: false };
    const clouds = cloudsFor(config, sizes, 15);
    using model = await modelFrom(config, randomState(config, 16), device());
    const together = await forwardBatch(model, clouds);
    for (const [i, cloud] of clouds.entries()) {
      const alone = await forwardToHost(model, cloud);
      expect(Array.from(alone.batchIdx ?? [])).toEqual(Array(alone.shape[0]).fill(0));
      expectClose(together[i], alone.data, evalTolerance, `cloud ${i} of ${sizes[i]} points`, { columns: 16 });
    }
    await expectReference(config, clouds, 16);
  });

  test("train mode: padding of small clouds stays out of the batch statistics", async () => {
    const config = { ...narrow, strides: [8, 4] };
    await expectReference(config, cloudsFor(config, [1, 2, 3, 9, 70, 200, 33], 17), 18, { train: true });
  });

  test("random configs and sizes", async () => {
    const powerOfTwo = (largest: number) => fc.integer({ min: 0, max: largest }).map((exponent) => 2 ** exponent);
    const level = fc.record({
      ballSize: powerOfTwo(6),
      heads: powerOfTwo(2),
      depth: fc.integer({ min: 1, max: 2 }),
      stride: powerOfTwo(2),
    });
    const cases = fc.record({
      levels: fc.array(level, { minLength: 1, maxLength: 3 }),
      rotate: fc.constantFrom(0, 30, 45),
      decode: fc.boolean(),
      dimensionality: fc.constantFrom(2, 3),
      mpSteps: fc.integer({ min: 0, max: 2 }),
      sizes: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ levels, sizes, seed, ...rest }) => {
        const fine = levels.slice(0, -1);
        const config = readConfig({
          ...rest,
          cIn: 3,
          cHidden: levels.map(() => 8),
          ballSizes: levels.map((l) => l.ballSize),
          encNumHeads: levels.map((l) => l.heads),
          encDepths: levels.map((l) => l.depth),
          decNumHeads: fine.map((l) => l.heads),
          decDepths: fine.map((l) => l.depth),
          strides: fine.map((l) => l.stride),
          mlpRatio: 2,
        });
        await expectReference(config, cloudsFor(config, sizes, seed), seed);
      }),
      { numRuns: 12, seed: 20 },
    );
  });
});

describe("ways of passing the same input", () => {
  const sizes = [20, 1, 130];

  test("offsets in place of the batch index", async () => {
    const { batchIdx, ...batch } = joinClouds(cloudsFor(narrow, sizes, 21));
    using model = await modelFrom(narrow, randomState(narrow, 22), device());
    const byIndex = await forwardToHost(model, { ...batch, batchIdx });
    const byOffsets = await forwardToHost(model, { ...batch, offsets: Int32Array.from([0, 20, 21, 151]) });
    expect(byOffsets).toEqual(byIndex);
  });

  test("one cloud without a batch index", async () => {
    const [{ batchIdx, ...cloud }] = cloudsFor(narrow, [50], 23);
    using model = await modelFrom(narrow, randomState(narrow, 24), device());
    expect(await forwardToHost(model, cloud)).toEqual(await forwardToHost(model, { ...cloud, batchIdx }));
  });

  test("prepared in advance", async () => {
    const batch = joinClouds(cloudsFor(narrow, sizes, 27));
    using model = await modelFrom(narrow, randomState(narrow, 28), device());
    expect(await forwardToHost(model, await model.prepare(batch))).toEqual(await forwardToHost(model, batch));
  });

  test("a radius in place of edges", async () => {
    const { edgeIndex: _, ...batch } = joinClouds(cloudsFor(narrow, sizes, 25));
    const state = randomState(narrow, 26);
    using model = await modelFrom(narrow, state, device());
    const byRadius = await forwardToHost(model, { ...batch, radius: 0.5 });
    const expected = referenceForward(narrow, state, { ...batch, radius: 0.5 });
    expectClose(byRadius.data, expected.data, evalTolerance, "out", { columns: 8 });
    const edgeIndex = await radiusGraph(batch.nodePositions, {
      dimensionality: 3,
      radius: 0.5,
      batchIdx: batch.batchIdx,
    });
    const edges = radiusEdges(batch.nodePositions, 3, offsetsOf(batch.batchIdx), 0.5);
    expect(edgeIndex.length).toBe(edges.length);
    const byEdges = await forwardToHost(model, { ...batch, edgeIndex });
    expectClose(byEdges.data, byRadius.data, evalTolerance, "out", { columns: 8 });
  });
});
