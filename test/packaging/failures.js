// What a page says where the library's files cannot be used: the error of each thing that needs them.
import { createErwinWorker, ErwinError, knnGraph, requestDevice } from "erwin";

const calls = {
  graph: () => knnGraph(new Float32Array(30), { dimensionality: 3, k: 2 }),
  device: () => requestDevice({ backend: "cpu" }),
  worker: () => createErwinWorker({ backend: "cpu" }),
};

const messages = {};
for (const [name, call] of Object.entries(calls)) {
  messages[name] = await call().then(
    () => "no error",
    (error) => `${error instanceof ErwinError ? "ErwinError" : error.name}: ${error.message}`,
  );
}
console.log(`result: ${JSON.stringify(messages)}`);
