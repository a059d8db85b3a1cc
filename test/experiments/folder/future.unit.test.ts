// What stands for the frames that there are not, and what may not change where it would have to be known of them.

import { expect, it } from "vitest";
import { changedIn, withoutStrayTruth } from "../../../src/experiments/folder/future.ts";

const columns = (...data: number[]) => ({ data: Float64Array.from(data), width: 1 });
const frame = (of: object = {}) =>
  ({
    ...{ file: "a.vtu", points: 2, dimensions: 2, positions: Float64Array.of(0, 0, 1, 1), targets: [] },
    ...{ inputs: [columns(1, 2)], globals: [columns(3)], edges: Int32Array.of(0, 1, 1, 0) },
    ...of,
  }) as never;
const named = (name: string) => ({ name, from: [name] });
const config = { inputs: [named("wind")], globals: [named("speed")], targets: [named("heat")] } as never;

it("numbers of the whole and the mesh are what the model sees, as inputs and points are", () => {
  const changed = (of: object) => changedIn(frame(of), frame(), config);
  expect(changed({ targets: [columns(5, 6)] })).toBeUndefined();
  expect(changed({ inputs: [columns(1, 3)] })).toBe('the input "wind"');
  expect(changed({ globals: [columns(4)] })).toBe('the global "speed"');
  expect(changed({ positions: Float64Array.of(0, 0, 1, 2) })).toBe("the position of a point");
  for (const edges of [[0, 1, 0, 1], [0, 1], [0, 1, 1, 0, 1, 1], undefined])
    expect(changed({ edges: edges && Int32Array.from(edges) })).toBe("the mesh");
});

it("points have a truth by themselves where the model predicts nothing else", () => {
  const moved = frame({ targets: [columns(1)] });
  const positions = named("positions");
  expect(withoutStrayTruth(moved, { targets: [positions] } as never)).toBe(moved);
  const alone = frame({ targets: [columns(1), undefined] });
  const { targets } = withoutStrayTruth(alone, { targets: [positions, named("heat")] } as never);
  expect(targets).toEqual([undefined, undefined]);
});
