// Groups of parameters with a learning rate and a weight decay of their own.

import { AdamW, type AdamWOptions, ConfigError, scale, scope, Tensor } from "erwin";
import { expect, test } from "vitest";
import { normals, seededRandom } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { onEachDevice } from "../support/models.ts";

const shapes: Record<string, number[]> = {
  "body.weight": [40, 3],
  "body.bias": [40],
  "head.weight": [3, 40],
  "head.bias": [3],
};

/** Each group by itself, as optimisers of their own have it. */
const separate: Record<string, AdamWOptions> = {
  "body.weight": { lr: 0.0025, weightDecay: 0.5 },
  "body.bias": { lr: 0.0025, weightDecay: 0 },
  "head.weight": { lr: 0.02, weightDecay: 2 },
  "head.bias": { lr: 0.02, weightDecay: 0 },
};

const groups = [
  { match: /^body\./g, lrScale: 0.125 },
  { match: (name: string) => name === "head.weight", weightDecay: 2 },
  { match: (_: string, { shape }: Tensor) => shape.length === 1, weightDecay: 0 },
];

onEachDevice((device) => {
  const make = () => {
    const random = seededRandom(1);
    const tensors = Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((a, b) => a * b);
      return [name, Tensor.from(device(), normals(size, random), shape).requireGrad()] as const;
    });
    return new Map(tensors);
  };

  /** Takes steps with gradients that change. */
  async function train(parameters: Map<string, Tensor>, optimizers: AdamW[]): Promise<Float32Array[]> {
    const random = seededRandom(2);
    for (let step = 0; step < 8; step++) {
      for (const tensor of parameters.values()) {
        using gradient = Tensor.from(device(), normals(tensor.size, random), tensor.shape);
        using result = scope(() => scale(tensor, 1));
        await result.backward(gradient);
      }
      for (const optimizer of optimizers) {
        optimizer.step();
        optimizer.zeroGrad();
      }
    }
    for (const optimizer of optimizers) optimizer.dispose();
    const read = await Promise.all([...parameters.values()].map((tensor) => tensor.data()));
    for (const tensor of parameters.values()) tensor.dispose();
    return read;
  }

  test("are trained as by optimisers of their own", async () => {
    const [together, apart] = [make(), make()];
    const found = await train(together, [new AdamW(together, { lr: 0.02, weightDecay: 0.5, groups })]);
    const each = [...apart].map(([name, tensor]) => new AdamW(new Map([[name, tensor]]), separate[name]));
    const expected = await train(apart, each);
    found.forEach((values, i) => expectClose(values, expected[i] as Float32Array, 1e-6, Object.keys(shapes)[i]));
  });

  test("of nothing special change no bits", async () => {
    const [plain, grouped] = [make(), make()];
    const expected = await train(plain, [new AdamW(plain, { lr: 0.02, weightDecay: 0.3 })]);
    const everything = [{ match: /./, lrScale: 1, weightDecay: 0.3 }];
    expect(await train(grouped, [new AdamW(grouped, { lr: 0.02, weightDecay: 0.3, groups: everything })])).toEqual(
      expected,
    );
  });

  test("that match nothing, or are none, are refused, and leave no memory taken", () => {
    const parameters = make();
    const before = device().memory.current;
    const refused: [unknown, string][] = [
      [[{ match: /^encoder/, lrScale: 0 }], "groups[0].match fits no parameter, such as body.weight, body.bias"],
      [[{ match: "body" }], "groups[0].match must be a RegExp or a function"],
      [[{ match: /./, lr: 1 }], "groups[0] has no option lr"],
      [[{ match: /./, lrScale: -1 }], "groups[0].lrScale must be a number of at least 0"],
      [[{ match: /./, weightDecay: Infinity }], "groups[0].weightDecay must be a number of at least 0"],
      [{ match: /./ }, "groups must be a list"],
    ];
    for (const [wrong, message] of refused) {
      const start = () => new AdamW(parameters, { groups: wrong as AdamWOptions["groups"] });
      expect(start).toThrow(ConfigError);
      expect(start).toThrow(message);
    }
    expect(device().memory.current).toBe(before);
    for (const tensor of parameters.values()) tensor.dispose();
  });
});
