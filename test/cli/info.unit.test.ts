// erwin info, what cannot be seen from outside: how often it reads a file.

import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import { Arguments } from "../../src/cli/command.ts";
import { info } from "../../src/cli/commands/info.ts";

afterEach(() => vi.restoreAllMocks());

it("unpacks a LAZ file once", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const instantiate = vi.spyOn(WebAssembly, "instantiate");
  const file = fileURLToPath(new URL("../formats/laz/walk.laz", import.meta.url));
  await info.run(Arguments.parse(info, [file]));
  expect(instantiate).toHaveBeenCalledTimes(1);
  const printed = log.mock.calls.join("\n");
  expect(printed).toContain("400 points in 3 dimensions");
  expect(printed).toMatch(/^ *intensity +F32 +\[400\] /m);
});
