// The models that erwin work keeps on its device: fake ones, which tell when they are disposed.

import { expect, it } from "vitest";
import { KeptValues } from "../../src/cli/queue/kept.ts";

function start(most: number) {
  const events: string[] = [];
  const kept = new KeptValues<Disposable>(most);
  const open = async (key: string) => {
    events.push(`open ${key}`);
    return { [Symbol.dispose]: () => void events.push(`dispose ${key}`) };
  };
  const use = (key: string, work = async () => {}) => kept.use(key, () => open(key), work);
  return { events, kept, use };
}

it("keeps those used last, and disposes one before it opens the next", async () => {
  const { events, kept, use } = start(2);
  for (const key of ["a", "b", "a", "c", "a", "b"]) await use(key);
  expect(events).toEqual(["open a", "open b", "dispose b", "open c", "dispose c", "open b"]);
  kept.dispose();
  expect(events.slice(6)).toEqual(["dispose a", "dispose b"]);
});

it("disposes none in use, opens one once for all that wait for it, and tries again what failed", async () => {
  const { events, kept, use } = start(1);
  let end = () => {};
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  const long = [use("a", () => work), use("a", () => work)];
  await use("b");
  expect(events).toEqual(["open a", "open b", "dispose b"]);
  end();
  await Promise.all(long);
  expect(events).toEqual(["open a", "open b", "dispose b"]);

  const failed = kept.use(
    "c",
    () => Promise.reject(new Error("no such file")),
    async () => {},
  );
  await expect(failed).rejects.toThrow("no such file");
  await use("c");
  expect(events.slice(3)).toEqual(["dispose a", "open c"]);
});
