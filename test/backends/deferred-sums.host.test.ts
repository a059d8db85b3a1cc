// Gradients that lie in one allocation are added up several at a time, when something needs them: with the same bits as those that
// are added up one by one, because each has memory of its own.

import type { Device } from "erwin";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { normals, type Random, seededRandom } from "../support/clouds.ts";
import { useDevice } from "../support/models.ts";
import { runs } from "../support/operators.ts";

type Storage = ReturnType<Device["allocate"]>;
interface Destination {
  storage: Storage;
  accumulate: boolean;
}
interface Joining extends Device {
  recorder: { dispatches: number };
  sums: { most: { jobs: number; arrays: number } };
}
const device = useDevice() as () => Joining;
/** Only a GPU joins the sums of several products; here every device does. Seven products have more sums than one dispatch. */
let most: Joining["sums"]["most"];
beforeAll(() => {
  most = device().sums.most;
  device().sums.most = { jobs: 11, arrays: 7 };
});
afterAll(() => {
  device().sums.most = most;
});

/** Allocates memory that begins with these numbers. */
function filled(numbers: Float32Array): Storage {
  const storage = device().allocate(numbers.byteLength);
  device().write(storage, numbers);
  return storage;
}

const read = async (storage: Storage) => new Float32Array(await device().read(storage, storage.bytes));

/** The sizes of a linear map of one input, or of two side by side. */
interface Sizes {
  rows: number;
  columns: number;
  inner: number;
  secondInner: number;
}

/** Makes the arrays of a linear map; returns what computes the gradients of its weight and bias from them. */
function linearMap({ rows, columns, inner, secondInner }: Sizes, random: Random) {
  const given = (size: number) => filled(normals(size, random));
  const x = given(rows * inner);
  const second = secondInner > 0 ? given(rows * secondInner) : undefined;
  const [gradient, weight] = [given(rows * columns), given(columns * (inner + secondInner))];
  const shape = { rows, columns, inner, secondInner };
  return {
    backward: (into: { weight: Destination; bias: Destination }) =>
      device().operators.linearBackward({ gradient, x, second, weight, into, ...shape }),
    release: () => {
      for (const storage of [x, second, gradient, weight]) if (storage) device().release(storage);
    },
  };
}

/** Gives consecutive slices of one allocation, each with its own beginning of a list of numbers. */
function packed(values: readonly Float32Array[]): { whole: Storage; slices: Storage[] } {
  const bytes = values.map(({ byteLength }) => Math.ceil(byteLength / 256) * 256);
  const whole = device().allocate(bytes.reduce((sum, size) => sum + size, 0));
  let first = 0;
  const slices = values.map((numbers, i) => {
    const slice = whole.slice(first, numbers.byteLength);
    first += bytes[i];
    device().write(slice, numbers);
    return slice;
  });
  return { whole, slices };
}

test("gradients in one allocation have the bits of gradients in memory of their own", async () => {
  const sizes = fc.record({
    // From 8192 rows on, eight threads share a sum.
    rows: fc.constantFrom(1, 70, 300, 8200),
    columns: fc.constantFrom(1, 5, 24),
    inner: fc.constantFrom(1, 4, 17),
    secondInner: fc.constantFrom(0, 0, 3),
    accumulate: fc.boolean(),
  });
  const dispatched = { own: 0, packed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { minLength: 2, maxLength: 12 }), fc.nat(), async (all, seed) => {
      const random = seededRandom(seed);
      const maps = all.map((each) => linearMap(each, random));
      const values = all.flatMap(({ columns, inner, secondInner }) => [
        normals(columns * (inner + secondInner), random),
        normals(columns, random),
      ]);
      const gradients = async (kind: "own" | "packed", storages: readonly Storage[]) => {
        const before = device().recorder.dispatches;
        maps.forEach(({ backward }, i) => {
          const [weight, bias] = storages.slice(2 * i).map((storage) => ({ storage, accumulate: all[i].accumulate }));
          backward({ weight, bias });
        });
        const found: Float32Array[] = [];
        for (const storage of storages) found.push(await read(storage));
        dispatched[kind] += device().recorder.dispatches - before;
        return found;
      };
      const own = values.map(filled);
      // The last map's lie in another allocation, as those of another optimiser do.
      const packs = [packed(values.slice(0, -2)), packed(values.slice(-2))];
      const slices = packs.flatMap((pack) => pack.slices);
      expect(await gradients("packed", slices)).toEqual(await gradients("own", own));
      for (const storage of [...own, ...packs.map(({ whole }) => whole)]) device().release(storage);
      for (const { release } of maps) release();
    }),
    runs,
  );
  expect(dispatched.packed).toBeLessThan(0.8 * dispatched.own);
});

test("whatever uses a gradient next finds its sums, or writes after them", async () => {
  const random = seededRandom(7);
  const sizes = { rows: 300, columns: 5, inner: 4, secondInner: 0 };
  const map = linearMap(sizes, random);
  const values = [normals(20, random), normals(5, random)];
  const ownInto = values.map(filled).map((storage) => ({ storage, accumulate: true }));
  map.backward({ weight: ownInto[0], bias: ownInto[1] });
  const [weight, bias] = [await read(ownInto[0].storage), await read(ownInto[1].storage)];
  const other = normals(20, random);

  /** Calls `use` while the sums of both gradients wait, and returns the gradients afterwards. */
  const afterUse = async (use: (weight: Storage, whole: Storage) => void) => {
    const { whole, slices } = packed(values);
    const [into, intoBias] = slices.map((storage) => ({ storage, accumulate: true }));
    map.backward({ weight: into, bias: intoBias });
    use(into.storage, whole);
    const found = [await read(into.storage), await read(intoBias.storage)];
    device().release(whole);
    return found;
  };
  expect(await afterUse(() => {}), "nothing").toEqual([weight, bias]);
  expect(await afterUse((slice) => device().clear(slice)), "clear").toEqual([new Float32Array(20), bias]);
  expect(await afterUse((slice) => device().write(slice, other)), "write").toEqual([other, bias]);
  const storage = filled(other);
  expect(await afterUse((slice) => device().copy(storage, slice, 80)), "copy to it").toEqual([other, bias]);
  const sum = weight.map((value, i) => value + other[i]);
  const added = await afterUse((slice) => device().operators.add({ x: storage, y: slice, size: 20 }));
  expect(added, "a kernel that writes it").toEqual([sum, bias]);
  await afterUse((slice) => device().operators.add({ x: slice, y: storage, size: 20 }));
  expect(await read(storage), "a kernel that reads it").toEqual(sum);
  await afterUse((slice) => device().copy(slice, storage, 80));
  expect(await read(storage), "copy from it").toEqual(weight);

  // Memory that was released with its sums waiting belongs to the next one who asks for as much.
  let next: Storage | undefined;
  await afterUse((_, whole) => {
    device().release(whole);
    next = device().allocate(whole.bytes);
    device().clear(next);
  });
  expect(await read(next!), "released").toEqual(new Float32Array(next!.bytes / 4));
  // What is destroyed with its sums waiting is no error.
  const { whole, slices } = packed(values);
  const [into, intoBias] = slices.map((slice) => ({ storage: slice, accumulate: true }));
  map.backward({ weight: into, bias: intoBias });
  device().release(whole);
  device().trim();
  await device().finished();
  for (const one of [storage, next!, ...ownInto.map((each) => each.storage)]) device().release(one);
  map.release();
});

test("sums of the same gradient are never in one dispatch, and partial sums are released with what waits for them", async () => {
  const random = seededRandom(9);
  const map = linearMap({ rows: 8200, columns: 24, inner: 17, secondInner: 0 }, random);
  const { whole, slices } = packed([new Float32Array(24 * 17), new Float32Array(24)]);
  const [weight, bias] = slices.map((storage) => ({ storage, accumulate: false }));
  await device().finished();
  const { current } = device().memory;
  const { dispatches } = device().recorder;
  for (let time = 0; time < 15; time++) map.backward({ weight, bias });
  await device().finished();
  // Each time the product, and the sums of weight and bias together.
  expect(device().recorder.dispatches - dispatches).toBe(30);
  expect(device().memory.current).toBe(current);
  const { buffersCreated } = device().memory;
  for (let time = 0; time < 15; time++) map.backward({ weight, bias });
  await device().finished();
  expect(device().memory.buffersCreated).toBe(buffersCreated);
  device().release(whole);
  map.release();
});
