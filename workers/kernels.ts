// One thread of the CPU backend. On a shared memory it sleeps until commands are submitted; otherwise it has a memory
// of its own and executes the commands of messages.

import { Machine } from "../src/backends/cpu/machine.ts";
import {
  control,
  controlAt,
  controlWords,
  entryOf,
  entryWords,
  type FromWorker,
  instantiate,
  type StartMessage,
  type ToWorker,
} from "../src/backends/cpu/module.ts";
import { serializeError } from "../src/errors.ts";
import { sendSigns } from "../src/host/silence.ts";
import type { ThreadMessage } from "../src/host/thread-group.ts";
import { connectToOwner } from "./owner.ts";

/** The value of the stop word when a thread failed, and not the owner, stopped the threads. */
const FAILED = 2;

async function takeSubmissions(
  bytes: StartMessage["bytes"],
  { memory, thread, threads }: NonNullable<StartMessage["shared"]>,
): Promise<void> {
  const run = await instantiate(bytes, memory);
  const words = new Int32Array(memory.buffer, controlAt, controlWords);
  owner.postMessage({ type: "ready" });
  let completed = 0;
  for (;;) {
    Atomics.wait(words, control.submitted, completed);
    if (Atomics.load(words, control.stop) !== 0) break;
    if (Atomics.load(words, control.submitted) === completed) continue;
    // Addresses beyond 2 GiB would be negative in `words`.
    const entry = new Uint32Array(memory.buffer, controlAt + 4 * entryOf(completed), entryWords);
    const [address, count, times] = entry;
    try {
      if (!run({ address, count, times }, thread, threads)) break;
    } catch (error) {
      // The others wait for this thread. They stop too, but let the owner end them, so that the first failure it
      // receives is that of this thread.
      Atomics.store(words, control.stop, FAILED);
      Atomics.add(words, control.generation, 1);
      Atomics.notify(words, control.generation);
      throw error;
    }
    completed++;
    if (thread > 0) continue;
    // When one thread returns, all threads have met after the last command.
    Atomics.store(words, control.completed, completed);
    owner.postMessage({ type: "done", completed });
  }
  if (Atomics.load(words, control.stop) !== FAILED) owner.leave();
}

let machine: Machine;

async function handle(message: ToWorker): Promise<void> {
  try {
    if (message.type === "start" && message.shared) await takeSubmissions(message.bytes, message.shared);
    else if (message.type === "start") {
      sendSigns(() => owner.postMessage({ type: "alive" }));
      machine = await Machine.start(message.bytes);
      owner.postMessage({ type: "ready" });
    } else if (message.type === "reserve") machine.reserve(message.end);
    else if (message.type === "write") machine.write(message.address, message.data);
    else if (message.type === "run") {
      machine.submit(message.submission);
      owner.postMessage({ type: "done", completed: machine.completed });
    } else {
      const data = machine.read(message.address, message.bytes);
      owner.postMessage({ type: "data", data }, [data]);
    }
  } catch (error) {
    owner.postMessage({ type: "failed", error: serializeError(error) });
  }
}

const owner = connectToOwner<ToWorker, FromWorker | ThreadMessage>((message) => void handle(message));
