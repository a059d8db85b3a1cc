// One thread of the pool that builds trees and graphs. On a shared memory it sleeps until the next job; otherwise it has
// its own memory and answers requests.

import { execute } from "../src/balltree/execute.ts";
import { createMemory } from "../src/balltree/memory.ts";
import {
  type FromWorker,
  instantiate,
  type RequestMessage,
  type StartMessage,
  type ToWorker,
  threadWords,
  unfinishedWord,
} from "../src/balltree/module.ts";
import { serializeError } from "../src/errors.ts";
import { connectToOwner } from "./owner.ts";

async function takeJobs(bytes: StartMessage["bytes"], shared: NonNullable<StartMessage["shared"]>): Promise<void> {
  const { memory, control, stackEnd, thread } = shared;
  const { run, __stack_pointer } = await instantiate(bytes, memory);
  __stack_pointer.value = stackEnd;
  const header = new Int32Array(memory.buffer, control, threadWords);
  const words = new Int32Array(memory.buffer, control + 4 * threadWords * (thread + 1), threadWords);
  let call = 0;
  owner.postMessage({ type: "ready" });
  for (;;) {
    Atomics.wait(words, 0, call);
    const next = Atomics.load(words, 0);
    if (next === call) continue;
    if (next === -1) break;
    call = next;
    run(words[1]!, thread);
    if (Atomics.sub(header, unfinishedWord, 1) === 1) owner.postMessage({ type: "done" });
  }
  owner.leave();
}

let answer: ((message: RequestMessage) => Promise<void>) | undefined;

async function answerRequests(bytes: StartMessage["bytes"]): Promise<void> {
  const memory = createMemory();
  const { run, __heap_base } = await instantiate(bytes, memory);
  const engine = { memory, start: __heap_base.value, threads: 1, run: (job: number) => run(job, 0) };
  answer = async ({ request }) => owner.postMessage({ type: "result", result: await execute(request, engine) });
  owner.postMessage({ type: "ready" });
}

async function handle(message: ToWorker): Promise<void> {
  try {
    if (message.type === "request") await answer!(message);
    else if (message.shared) await takeJobs(message.bytes, message.shared);
    else await answerRequests(message.bytes);
  } catch (error) {
    owner.postMessage({ type: "failed", error: serializeError(error) });
  }
}

const owner = connectToOwner<ToWorker, FromWorker>((message) => void handle(message));
