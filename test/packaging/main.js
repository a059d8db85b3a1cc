// The entry of each project. Who runs it reads the result from the console.
import { run } from "./page.js";

run().then(
  (losses) => console.log(`result: losses ${losses.join(" ")}`),
  (error) => console.log(`result: ${error.stack}`),
);
