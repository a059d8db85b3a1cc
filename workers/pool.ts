// One thread of the pool that builds trees and graphs. On a shared memory it sleeps until the next job; otherwise it
// has its own memory and answers requests.

import { Calls } from "../src/balltree/calls.ts";
import { execute } from "../src/balltree/execute.ts";
import {
  type Answer,
  createEngine,
  instantiate,
  type RequestMessage,
  type StartMessage,
  type ToWorker,
} from "../src/balltree/module.ts";
import { serializeError } from "../src/errors.ts";
import { sendSigns } from "../src/host/silence.ts";
import type { ThreadMessage } from "../src/host/thread-group.ts";
import { connectToOwner } from "./owner.ts";

async function takeJobs(bytes: StartMessage["bytes"], shared: NonNullable<StartMessage["shared"]>): Promise<void> {
  const { memory, calls: address, stackEnd } = shared;
  const { run, __stack_pointer } = await instantiate(bytes, memory);
  __stack_pointer.value = stackEnd;
  const calls = new Calls(memory, address);
  owner.postMessage({ type: "ready" });
  while (calls.next()) {
    const place = calls.enter();
    if (!place) continue;
    if (place.thread < place.places) run(place.job, place.thread, 1);
    if (calls.leave()) owner.postMessage({ type: "done" });
  }
  owner.leave();
}

let answer: ((message: RequestMessage) => Promise<void>) | undefined;

async function answerRequests(bytes: StartMessage["bytes"]): Promise<void> {
  sendSigns(() => owner.postMessage({ type: "alive" }));
  const engine = await createEngine(bytes);
  answer = async ({ request }) => {
    try {
      owner.postMessage({ type: "result", result: await execute(request, engine) });
    } catch (error) {
      owner.postMessage({ type: "error", error: serializeError(error) });
    }
  };
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

const owner = connectToOwner<ToWorker, Answer | ThreadMessage>((message) => void handle(message));
