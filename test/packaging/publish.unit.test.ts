// What package.json demands of a release is what the workflow that publishes it does.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import library from "../../package.json";
import { root } from "../../src/build/steps.mjs";

interface Workflow {
  permissions: object;
  jobs: Record<string, { permissions: object; steps: { uses?: string; run?: string }[] }>;
}

const text = readFileSync(join(root, ".github/workflows/publish.yml"), "utf8");
const { permissions, jobs } = parse(text) as Workflow;
const steps = Object.values(jobs).flatMap((job) => job.steps);
const runs = steps.flatMap(({ run }) => run ?? []);

test("releases are published with provenance, by a workflow that has no token and no more rights than that", () => {
  expect(library.publishConfig).toEqual({ access: "public", provenance: true });
  expect(runs.filter((run) => run.includes("npm publish"))).toEqual(["npm publish --provenance"]);
  expect([permissions, ...Object.values(jobs).map((job) => job.permissions)]).toEqual([
    {},
    { contents: "read", "id-token": "write" },
  ]);
  expect(text).not.toMatch(/secrets|_TOKEN/);
});

test("only what has passed the tests is published, by actions of fixed commits", () => {
  expect(runs.indexOf(".ci/run")).toBeGreaterThan(-1);
  expect(runs.indexOf(".ci/run")).toBeLessThan(runs.indexOf("npm publish --provenance"));
  for (const { uses } of steps) if (uses) expect(uses).toMatch(/@[0-9a-f]{40}$/);
});
