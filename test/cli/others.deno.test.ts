// The command info. What it says of the machine: permissions.deno.test.ts.

import { writeFileSync } from "node:fs";
import { saveSafetensors } from "erwin";
import { afterAll, describe, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

describe("erwin info", () => {
  it("lists a file's tensors and metadata", async () => {
    const data = Float32Array.of(1, 2);
    writeFileSync(path("a.safetensors"), saveSafetensors({ w: { shape: [2, 1], data } }, { config: '{"c_in":3}' }));
    const { code, stdout } = await erwin(["info", path("a.safetensors")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 tensor, 2 numbers/);
    expect(stdout).toMatch(/config +\{"c_in":3\}/);
    expect(stdout).toMatch(/w +F32 +\[2, 1\]/);
  });

  it("describes a file's points", async () => {
    writeFileSync(path("a.csv"), "1 2 3\n4 5 6\n");
    const { stdout } = await erwin(["info", path("a.csv")]);
    expect(stdout).toContain("2 points in 3 dimensions");
    expect(stdout).toContain("x  1.00000 to 4.00000");
  });
});
