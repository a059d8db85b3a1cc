// The entry of each project. Who runs it reads the result from the console.
import { run } from "./page.js";
import { say } from "./say.js";

run().then(
  (losses) => say(`losses ${losses.join(" ")}`),
  (error) => say(error.stack),
);
