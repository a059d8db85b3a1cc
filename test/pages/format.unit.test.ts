// Messages as visitors of the pages read them.

import { afterEach, expect, it } from "vitest";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { setLimits } from "../../src/limits.ts";
import { sentence } from "../../src/pages/shared/format.ts";

afterEach(() => setLimits({}));

it("begin with a capital letter, but for names, and end with a full stop", () => {
  expect(sentence("the file is damaged")).toBe("The file is damaged.");
  expect(sentence("a.ply: truncated.")).toBe("a.ply: truncated.");
});

it("do not advise what only programs can do", () => {
  setLimits({ rows: 1 });
  const read = () => readPointCloud(new TextEncoder().encode("x,y\n0,0\n1,0\n"), "a.csv");
  expect(read).toThrow(/setLimits\(.*--limit/);
  try {
    read();
  } catch (error) {
    expect(sentence((error as Error).message)).toMatch(
      /^a\.csv: .*more than the limit rows, 1, which pages cannot change: use a part of it, or the command line\.$/,
    );
  }
});
