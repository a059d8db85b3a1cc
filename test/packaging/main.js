// The entry of each project. Who runs it reads the result from the console.
import { run } from "./page.js";

/** To the console, and for a browser whose driver does not read that. */
function say(result) {
  globalThis.erwinResult = result;
  console.log(`result: ${result}`);
}

run().then(
  (losses) => say(`losses ${losses.join(" ")}`),
  (error) => say(error.stack),
);
