import { run } from "./page.js";

run().then(
  (result) => console.log(`result: ${result}`),
  (error) => console.log(`result: ${error.stack}`),
);
