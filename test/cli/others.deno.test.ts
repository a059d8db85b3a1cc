// The commands info and demo.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { saveSafetensors } from "erwin";
import { afterAll, describe, expect, it } from "vitest";
import { erwin, temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);

describe("erwin info", () => {
  it("describes this machine", () => {
    const { code, stdout } = erwin(["info"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/host +Deno \d/);
    expect(stdout).toMatch(/device +\S/);
  });

  it("lists a file's tensors and metadata", () => {
    const data = Float32Array.of(1, 2);
    writeFileSync(path("a.safetensors"), saveSafetensors({ w: { shape: [2, 1], data } }, { config: '{"c_in":3}' }));
    const { code, stdout } = erwin(["info", path("a.safetensors")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 tensor, 2 numbers/);
    expect(stdout).toMatch(/config +\{"c_in":3\}/);
    expect(stdout).toMatch(/w +F32 +\[2, 1\]/);
  });

  it("describes a file's points", () => {
    writeFileSync(path("a.csv"), "1 2 3\n4 5 6\n");
    const { stdout } = erwin(["info", path("a.csv")]);
    expect(stdout).toContain("2 points in 3 dimensions");
    expect(stdout).toContain("x  1.00000 to 4.00000");
  });
});

describe("erwin demo", () => {
  it("runs the model, and draws the balls", () => {
    const { code, stdout, stderr } = erwin(["demo", "--channels", "8"], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("1,839 points");
    const difference = Number(/differ by at most (\S+)/.exec(stdout)?.[1]);
    expect(difference).toBeLessThan(1e-4);
    const picture = readFileSync(path("erwin-balls.svg"), "utf8");
    expect(picture).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    for (const balls of ["128 balls of 128", "32 balls of 512", "8 balls of 2,048"]) expect(picture).toContain(balls);
    expect(statSync(path("erwin-balls.svg")).size).toBeLessThan(1_500_000);
  });
});
