// Waiting for the GPU in Firefox, which checks whether it is done only when something is submitted.

import { afterEach, expect, test, vi } from "vitest";
import { nudged } from "../../src/backends/webgpu/nudge.ts";

const names = {
  firefox: "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
  chromium: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
};

/** A queue that records submissions and calls `onSubmit` for each. */
function standIn(onSubmit = () => {}) {
  const submissions: GPUCommandBuffer[][] = [];
  const submit = (commands: Iterable<GPUCommandBuffer>) => {
    submissions.push([...commands]);
    onSubmit();
  };
  return { submit, submissions };
}

afterEach(() => vi.unstubAllGlobals());

test("Firefox gets empty submissions until the wait is over", async () => {
  vi.stubGlobal("navigator", { userAgent: names.firefox });
  let done!: (value: string) => void;
  const pending = new Promise<string>((resolve) => {
    done = resolve;
  });
  // As in the browser, nothing resolves without a submission.
  const queue = standIn(() => queue.submissions.length === 3 && done("mapped"));
  expect(await nudged(queue, pending)).toBe("mapped");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(queue.submissions).toEqual([[], [], []]);
});

test("a wait that fails in Firefox ends the submissions too", async () => {
  vi.stubGlobal("navigator", { userAgent: names.firefox });
  const queue = standIn();
  await expect(nudged(queue, Promise.reject(new Error("lost")))).rejects.toThrow("lost");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(queue.submissions).toEqual([]);
});

test("other browsers get no submissions", async () => {
  vi.stubGlobal("navigator", { userAgent: names.chromium });
  const queue = standIn();
  await nudged(queue, new Promise((resolve) => setTimeout(resolve, 20)));
  expect(queue.submissions).toEqual([]);
});
