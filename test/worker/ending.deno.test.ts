// The end of a process after that of its worker.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { expect, test } from "vitest";

const library = new URL("../../dist/erwin.js", import.meta.url).href;

const program = `
  import { createErwinWorker } from ${JSON.stringify(library)};
  const { terminate } = Worker.prototype;
  let terminated = Number.NaN;
  Worker.prototype.terminate = function () {
    terminated = performance.now();
    terminate.call(this);
  };
  const erwin = await createErwinWorker({ backend: "cpu", threads: 1 });
  addEventListener("unload", () => console.log(performance.now() - terminated));
  erwin.dispose();
`;

test("leaves Deno the time to take down the worker's thread, without which it may crash", () => {
  const url = `data:text/javascript,${encodeURIComponent(program)}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["run", "-A", "--no-prompt", url], {
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(Number(stdout)).toBeGreaterThan(100);
});
