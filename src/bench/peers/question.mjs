// The arguments of the programs that each measure one library in one host. compare.ts starts them.
import { parseArgs } from "node:util";

/** Reads this process's arguments: where the cases are and what they are called, what is measured, and the question for measure.mjs. */
export function readQuestion() {
  const { values } = parseArgs({
    options: {
      folder: { type: "string", default: "" },
      cases: { type: "string", default: "" },
      library: { type: "string", default: "erwin" },
      backend: { type: "string", default: "cpu" },
      threads: { type: "string", default: "2" },
      seconds: { type: "string", default: "10" },
      training: { type: "boolean", default: false },
      wide: { type: "boolean", default: false },
    },
  });
  const { folder, cases, library, backend, training, wide } = values;
  const question = { backend, threads: Number(values.threads), seconds: Number(values.seconds), training };
  return { folder, names: cases.split(","), library, wide, question };
}
