// A page that waits for its worker hears of it when that hangs or fails, and its next call starts another one.

import { afterEach, expect, test, vi } from "vitest";
import { WorkerError } from "../../src/errors.ts";
import { setLimits } from "../../src/limits.ts";
import { FAREWELL, QUESTION } from "../../src/pages/shared/signs-of-life.ts";
import { SiteFunctions, SiteWorker } from "../../src/pages/shared/site-worker.ts";
import { rejection } from "../support/rejection.ts";

const SECONDS = 0.5;
/** Longer than a busy machine keeps a thread waiting. */
const LONG_SECONDS = 2;
afterEach(() => setLimits({}));

const script = (code: string) => URL.createObjectURL(new Blob([code], { type: "text/javascript" }));

/** Answers calls as Comlink does, and the question whether it is alive. "hang" never returns, and "throw" fails outside of a call. */
const functions = script(`
  addEventListener("message", ({ data }) => {
    if (data === ${JSON.stringify(QUESTION)}) return postMessage("alive");
    // Comlink also says when a page's collected garbage held the last reference to the functions.
    if (!data.path) return;
    const [name] = data.path;
    if (name === "hang") for (;;);
    if (name === "throw") throw new Error("out of luck");
    setTimeout(() => postMessage({ id: data.id, type: "RAW", value: name }), name === "slow" ? ${1500 * LONG_SECONDS} : 0);
  });
`);
type Exposed = Readonly<Record<"quick" | "slow" | "hang" | "throw", () => string>>;

test("a worker that hangs fails its calls, and the next call starts another one", async () => {
  const onEnd = vi.fn();
  const worker = new SiteFunctions<Exposed>(functions, "explorer", onEnd);
  expect(await worker.call("quick")).toBe("quick");
  setLimits({ silenceSeconds: SECONDS });
  const [error, other] = await Promise.all([rejection(worker.call("hang")), rejection(worker.call("quick"))]);
  expect(error).toBeInstanceOf(WorkerError);
  expect(error.message).toContain(`no sign of life from the page's explorer for ${SECONDS} s`);
  expect(other).toBe(error);
  expect(onEnd).toHaveBeenCalledOnce();
  // It takes its time to start.
  setLimits({});
  expect(await worker.call("quick")).toBe("quick");
  setLimits({ silenceSeconds: LONG_SECONDS });
  expect(await worker.call("slow")).toBe("slow");
});

test("an error outside of a call ends the worker, too", async () => {
  const worker = new SiteFunctions<Exposed>(functions, "explorer");
  expect((await rejection(worker.call("throw"))).message).toMatch(/the page's explorer .* out of luck/);
  expect(await worker.call("quick")).toBe("quick");
});

test("what is stopped is waited for no longer", async () => {
  const worker = new SiteWorker(script(""), "training");
  const waiting = rejection(worker.until(new Promise(() => {})));
  worker.stop();
  expect(await waiting).toBeInstanceOf(WorkerError);
});

// Chromium may keep the threads of a worker that is ended while they run.
test("a worker that is stopped is told before it is ended, and the page hears no more of it", async () => {
  const channel = new BroadcastChannel("farewell");
  const heard = new Promise((resolve) => channel.addEventListener("message", resolve, { once: true }));
  const code = `
    addEventListener("message", ({ data }) => {
      if (data !== ${JSON.stringify(FAREWELL)}) return postMessage("told");
      postMessage("too late");
      new BroadcastChannel("farewell").postMessage("heard");
    });`;
  const site = new SiteWorker(script(code), "training");
  const messages: unknown[] = [];
  const told = new Promise<void>((resolve) => site.onMessage((message) => resolve(void messages.push(message))));
  site.worker.postMessage("begin");
  await told;
  const before = messages.length;
  site.stop();
  await heard;
  channel.close();
  expect(before).toBeGreaterThan(0);
  expect(messages).toHaveLength(before);
});
