// The tape: gradients are accumulated where they should be and nowhere else, and no memory is leaked.

import {
  AdamW,
  add,
  checkpoint,
  DisposedError,
  gelu,
  InputError,
  mse,
  multiply,
  noGrad,
  OutOfMemoryError,
  scope,
  sum,
  Tensor,
} from "erwin";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../support/clouds.ts";
import { onEachDevice } from "../support/models.ts";
import { given } from "../support/operators.ts";

const numbers = async (tensor: Tensor | undefined) => [...((await tensor?.data()) ?? [])];

/** Two layers with one parameter each, of operators that compile fast. */
const layers = ([first, second]: readonly Tensor[], x: Tensor) =>
  scope(() => multiply(gelu(multiply(x, first)), second));

onEachDevice((device) => {
  const leaf = (...values: number[]) => Tensor.from(device(), Float32Array.from(values)).requireGrad();

  describe("gradients", () => {
    test("of two uses of a tensor add up", async () => {
      using x = leaf(1, 2);
      using y = scope(() => sum(add(multiply(x, 3), multiply(x, x))));
      await y.backward();
      expect(await numbers(x.grad)).toEqual([5, 7]);
    });

    test("of two uses of a result add up", async () => {
      using x = leaf(1, 2);
      using y = scope(() => {
        const twice = multiply(x, 2);
        return sum(add(add(twice, twice), multiply(twice, twice)));
      });
      await y.backward();
      expect(await numbers(x.grad)).toEqual([4 + 8, 4 + 16]);
    });

    test("are numbers, for numbers; what is not is refused, and no memory lost", async () => {
      using x = leaf(1, 2);
      using y = multiply(x, 3);
      using indices = Tensor.from(device(), Int32Array.of(1, 2));
      const gone = leaf(1, 2);
      gone.dispose();
      const before = device().memory.current;
      expect(() => indices.requireGrad()).toThrow(InputError);
      expect(() => gone.requireGrad()).toThrow(DisposedError);
      await expect(y.backward(indices)).rejects.toThrow(InputError);
      await expect(y.backward([1, 1] as never)).rejects.toThrow("the gradient is [1, 1], expected a Tensor");
      await expect(y.backward(gone)).rejects.toThrow(DisposedError);
      expect(device().memory.current).toBe(before);
      await y.backward(leaf(1, 10));
      expect(await numbers(x.grad)).toEqual([3, 30]);
    });

    test("are none after a backward pass that failed, and arrive with the next one", async () => {
      using x = leaf(2);
      using y = gelu(x);
      using z = multiply(y, y);
      const { operators } = device();
      const { elementwise } = operators;
      operators.elementwise = (call) => {
        if (call.function === "gelu") throw new OutOfMemoryError("there is no room");
        elementwise(call);
      };
      await expect(z.backward()).rejects.toThrow("there is no room");
      operators.elementwise = elementwise;
      expect(x.grad).toBeUndefined();
      await y.backward();
      expect((await numbers(x.grad))[0]).toBeCloseTo(1.085, 3);
    });

    test("of two backward calls add up, in calls of either kind", async () => {
      using x = leaf(1, 2);
      using probe = Tensor.from(device(), Float32Array.of(1, 10));
      for (let call = 1; call <= 2; call++) {
        using y = multiply(x, 3);
        await y.backward(probe);
        expect(await numbers(x.grad)).toEqual([3 * call, 30 * call]);
      }
      using z = sum(x);
      await z.backward();
      expect(await numbers(x.grad)).toEqual([7, 61]);
      expect(await numbers(probe), "the gradient given is only read").toEqual([1, 10]);
    });

    test("do not pass a detached tensor, nor reach one that wants none", async () => {
      using x = leaf(1, 2);
      using constant = Tensor.from(device(), Float32Array.of(5, 6));
      using y = scope(() => sum(multiply(multiply(x, x).detach(), add(x, constant))));
      await y.backward();
      expect(await numbers(x.grad)).toEqual([1, 4]);
      expect(constant.grad).toBeUndefined();
    });

    test("need views of the tensor's own size, and scopes that end at once", () => {
      using x = leaf(1, 2);
      expect(() => x.detach([1000])).toThrow(InputError);
      expect(() => scope((async () => multiply(x, x)) as never)).toThrow(InputError);
    });

    test("arrive although every tensor on the way has been disposed", async () => {
      using x = leaf(1, 2);
      const middle = multiply(x, x);
      const y = sum(middle);
      middle.dispose();
      await y.backward();
      y.dispose();
      expect(await numbers(x.grad)).toEqual([2, 4]);
    });

    test("of a leaf with respect to itself are the gradient given", async () => {
      using x = leaf(3, 4);
      using probe = Tensor.from(device(), Float32Array.of(1, 2));
      await x.backward(probe);
      expect(await numbers(x.grad)).toEqual([1, 2]);
    });
  });

  describe("errors", () => {
    test("a second backward through the same result", async () => {
      using x = leaf(1, 2);
      using y = sum(x);
      await y.backward();
      await expect(y.backward()).rejects.toThrow(InputError);
      await expect(y.backward()).rejects.toThrow("twice through the same result");
      expect(await numbers(x.grad), "nothing is added by the second").toEqual([1, 1]);
    });

    test("a second backward through a part they share; nothing is left behind", async () => {
      const before = device().memory.current;
      const x = leaf(1, 2);
      const shared = multiply(x, x);
      const first = sum(shared);
      const second = scope(() => sum(gelu(shared)));
      await first.backward();
      await expect(second.backward()).rejects.toThrow("twice through the same result");
      for (const tensor of [x, shared, first, second]) tensor.dispose();
      expect(device().memory.current).toBe(before);
    });

    test("a tensor that was changed after a result was computed from it, whether the result is kept or computed again", async () => {
      const weight = leaf(1, 2);
      using optimizer = new AdamW(new Map([["weight", weight]]), { averageDecay: 0.9 });
      const changes = {
        step: () => optimizer.step(),
        set: () => weight.set([3, 4]),
        average: () => optimizer.withAverage(() => {}),
      };
      const square = () => multiply(weight, weight);
      for (const [name, change] of Object.entries(changes)) {
        for (const compute of [square, () => checkpoint([], [weight], square)]) {
          using first = scope(() => sum(compute()));
          await first.backward();
          using late = scope(() => sum(compute()));
          await change();
          await expect(late.backward(), name).rejects.toThrow(
            /shape \[2\] was changed after .* compute the result again/,
          );
          using again = scope(() => sum(compute()));
          await again.backward();
        }
      }
      weight.dispose();
    });

    test("a checkpoint of what is not a tensor; one that returns what it is given has that one's gradient", async () => {
      using x = leaf(1, 2);
      expect(() => checkpoint([x], [], (() => 3) as never)).toThrow("what compute returns must be a Tensor");
      using same = checkpoint([x], [], ([y]) => y);
      using constant = checkpoint([x], [], ([y]) => multiply(y.detach(), 2));
      using loss = scope(() => sum(add(multiply(same, 3), constant)));
      await loss.backward();
      expect(await numbers(x.grad)).toEqual([3, 3]);
    });

    test("a result that is not on the tape, or of many numbers without their gradient", async () => {
      using plain = Tensor.from(device(), Float32Array.of(1));
      await expect(plain.backward()).rejects.toThrow("not on the tape");
      using x = leaf(1, 2);
      using y = multiply(x, 2);
      await expect(y.backward()).rejects.toThrow("needs the gradient of a later result");
    });
  });

  /** The values of the layers' parameters, which are leaves. */
  function setting() {
    const random = seededRandom(1);
    const tensor = (...shape: number[]) => {
      const { data } = given(shape, random);
      return Tensor.from(device(), data, shape);
    };
    const parameters = [tensor(4).requireGrad(), tensor(4).requireGrad()];
    const x = tensor(70, 4);
    const target = tensor(70, 4);
    return { parameters, x, target, all: [...parameters, x, target] };
  }

  const lossOf = ({ parameters, x, target }: ReturnType<typeof setting>) =>
    scope(() => mse(layers(parameters, x), target));

  describe("memory", () => {
    test("is what it was after backward and dispose, and after every further step", async () => {
      const before = device().memory.current;
      const given = setting();
      const parameterBytes = given.parameters.reduce((bytes, { size }) => bytes + 4 * size, 0);
      const expected = device().memory.current + parameterBytes;
      for (let step = 0; step < 3; step++) {
        const loss = lossOf(given);
        await loss.backward();
        loss.dispose();
        expect(device().memory.current, `after step ${step}: the gradients are all that is left`).toBe(expected);
      }
      for (const tensor of given.all) tensor.dispose();
      expect(device().memory.current).toBe(before);
    });

    test("of a result that is disposed without a backward goes with it", () => {
      const given = setting();
      const before = device().memory.current;
      const loss = lossOf(given);
      expect(device().memory.current).toBeGreaterThan(before + 4);
      loss.dispose();
      expect(device().memory.current).toBe(before);
      for (const tensor of given.all) tensor.dispose();
    });

    test("is not taken for the tape under noGrad", async () => {
      const given = setting();
      const before = device().memory.current;
      using loss = noGrad(() => lossOf(given));
      expect(device().memory.current).toBe(before + 4);
      await expect(loss.backward()).rejects.toThrow("not on the tape");
      expect(given.parameters[0].grad).toBeUndefined();
      for (const tensor of given.all) tensor.dispose();
    });

    test("of a checkpoint whose result depends on no input is 0", async () => {
      using x = Tensor.from(device(), [1, 2]).requireGrad();
      using constant = Tensor.from(device(), [3, 4]);
      using out = checkpoint([x], [], (_, [kept]) => add(kept!, 1), [constant]);
      await out.backward(constant);
      expect(await x.grad!.data()).toEqual(new Float32Array(2));
    });

    test("of intermediate results is not kept by a checkpoint, and the gradients have the same bits", async () => {
      const before = device().memory.current;
      const run = async (compute: typeof layers) => {
        const { parameters, x, target, all } = setting();
        x.requireGrad();
        const start = device().memory.current;
        // All are used outside the checkpoint, too, and the gradients from there are added.
        const out = scope(() => add(compute(parameters, x), multiply(x, add(parameters[0], parameters[1]))));
        const kept = device().memory.current - start;
        const loss = mse(out, target);
        out.dispose();
        await loss.backward();
        const leaves = [...parameters, x];
        const found = await Promise.all([loss, ...leaves.map((tensor) => tensor.grad)].map(numbers));
        for (const tensor of [...all, loss]) tensor.dispose();
        return { found, kept };
      };
      const plain = await run(layers);
      const again = await run((parameters, x) => checkpoint([x], parameters, ([input]) => layers(parameters, input)));
      expect(again.found).toEqual(plain.found);
      expect(again.kept).toBeLessThan(plain.kept);
      expect(device().memory.current).toBe(before);
    });
  });
});
