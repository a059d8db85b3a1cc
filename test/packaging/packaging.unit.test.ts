// The packed library works in a bundler that follows its workers and modules, and in one beside whose bundle they are copied.
// All the bundlers: `npm run test:packaging`.
import { expect, test } from "vitest";
import { runProjects } from "./run.mjs";

test("a page built by webpack, and one built by esbuild, computes what it should", async () => {
  for await (const { name, result } of runProjects(["webpack5", "esbuild"])) expect(result, name).toBe("right");
});
