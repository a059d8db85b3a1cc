// erwin bench: measures a small case, writes its result, and compares it with itself.

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { useErwin } from "./calls.ts";
import { errorLine, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

describe("erwin bench", () => {
  it("measures what fits into its time, says what does not, and compares results", async () => {
    const size = ["--points", "64,65536", "--channels", "8", "--repeat", "2", "--seconds", "0.2", "--backend", "cpu"];
    const { code, stdout, stderr } = await erwin(["bench", "forward", ...size, "--profile", "--json", path("a.json")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^1 x 64 .* x 2 /m);
    expect(stdout).toMatch(/^feedForward +22 /m);
    expect(stdout).toMatch(
      /^forward 1 x 65536, 8 channels: not measured: 5 passes of about .* do not fit into 0\.2 s$/m,
    );

    const { cases, floors, device } = JSON.parse(readFileSync(path("a.json"), "utf8"));
    expect(device.backend).toBe("cpu");
    const names = cases.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["forward 1 x 64, 8 channels", "forward 1 x 65536, 8 channels"]);
    const [{ time, pass }] = cases;
    const floor = Math.max(pass.operations / floors.gigaflops, pass.bytes / floors.gigabytes) / 1e6;
    expect(pass.gigaflops).toBeCloseTo(pass.operations / time.median / 1e6);
    expect(pass.floor.time).toBeCloseTo(floor);
    expect(pass.memory).toMatchObject({ grown: 0, buffersCreated: 0 });
    expect(cases[1].time).toBeUndefined();

    const same = await erwin(["bench", "--compare", path("a.json"), path("a.json")]);
    expect(same.code).toBe(0);
    expect(same.stdout).toMatch(/^forward 1 x 64, 8 channels .* 1\.00$/m);
  });

  it("refuses to compare with what is no result", async () => {
    writeFileSync(path("other.json"), "[]");
    const result = await erwin(["bench", "--compare", path("other.json"), path("other.json")]);
    expect(result.code).toBe(1);
    expect(errorLine(result)).toContain("other.json is not a result of erwin bench");
  });
});
