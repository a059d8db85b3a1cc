// `ERWIN_CLOUDS=2000` makes this a run of that many clouds, which prints its figures (src/jobs/README.md).

import process from "node:process";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../cli/command.ts";
import { differences, makeClouds, POINTS, predictAlone, predictByThree } from "./swarm.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);
const count = Number(process.env.ERWIN_CLOUDS ?? 40);

it(
  "three processes share a folder: one killed, one stopped beyond its lease, and all outputs are those of one alone",
  async () => {
    await makeClouds(folder, count);
    const options = ["--batch-points", String(2 * POINTS), "--lease", "1"];
    const swarm = await predictByThree(folder, "shared", count, options);
    const alone = await predictAlone(folder, "alone", ...options);
    expect(alone).toMatchObject({ code: 0, stderr: "" });
    if (process.env.ERWIN_CLOUDS) console.log(swarm, alone.stdout);
    for (const { code, stderr } of swarm.results) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // The folder contains nothing else, neither leases nor temporary files.
    expect(differences(path("shared"), path("alone"))).toEqual([]);
  },
  100_000 + 200 * count,
);
