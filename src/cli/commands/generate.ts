// erwin generate: writes a small data set in the layout that an experiment's published data has.

import { dirname, join } from "node:path";
import { generators } from "../../experiments/generators.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { checkOutput, makeFolder, writeWhole } from "../files/files.ts";
import { drawSample } from "../pictures/sample.ts";
import { withProgress } from "../process/progress.ts";
import { quoteWord } from "../text.ts";
import { writeIndex } from "./data-index.ts";

const names = Object.keys(generators);

export const generate: Command = {
  summary: "write a small data set of generated physics, laid out as an experiment's published data",
  usage: `${names.join("|")} --out FOLDER [--samples N] [--seed S] [--points N] [--frames N] [--picture FILE.svg]`,
  options: {
    out: { value: "FOLDER", description: "where the files go; those of the same names are written over" },
    samples: { value: "N", description: "samples (trajectories for eagle and md) of all splits together" },
    seed: { value: "S", description: "the same seed gives the same bytes (default 0)" },
    points: { value: "N", description: "points of a sample: halos, beads, nodes" },
    frames: { value: "N", description: "eagle, md: frames of a trajectory" },
    picture: { value: "FILE", description: "the first sample as an SVG file" },
  },
  notes: [
    "Defaults:",
    ...Object.entries(generators).map(([name, { summary, defaults }]) => {
      const sizes = Object.entries(defaults).map(([option, value]) => `--${option} ${value}`);
      return `  ${name.padEnd(10)} ${sizes.join(" ")}: ${summary}`;
    }),
  ],
  positionals: 1,
  run,
};

async function run(args: Arguments): Promise<void> {
  const name = args.positionals[0];
  if (name === undefined || !Object.hasOwn(generators, name)) {
    throw new UsageError(`Which data? Expected one of ${names.join(", ")}`);
  }
  const { defaults, least, training, files } = generators[name];
  const folder = args.required("out");
  const size = (option: "samples" | "points" | "frames") => {
    const given = args.count(option) ?? defaults[option];
    const lowest = least[option];
    if (lowest === undefined) {
      if (given !== undefined) throw new UsageError(`--${option} is of no use to ${name}`);
      return 1;
    }
    if (given !== undefined && given >= lowest) return given;
    throw new UsageError(`--${option} is ${given}, expected at least ${lowest} for ${name}`);
  };
  const options = {
    samples: size("samples"),
    points: size("points"),
    frames: size("frames"),
    seed: args.number("seed", "a whole number", Number.isSafeInteger) ?? 0,
  };
  const picture = args.text("picture");
  if (picture !== undefined) checkOutput(picture);
  let written = 0;
  await withProgress(`generating ${name}`, async (report) => {
    let done = 0;
    for await (const { path, bytes } of files(options, () => report(++done, options.samples))) {
      const file = join(folder, ...path.split("/"));
      makeFolder(dirname(file));
      writeWhole(file, bytes);
      written++;
    }
  });
  // For pages that read it from a server.
  writeIndex(folder);
  console.log(`${options.samples} samples in ${written} files: ${folder}`);
  if (picture !== undefined) {
    writeWhole(picture, drawSample(generators[name].picture(options)));
    console.log(`the first of them: ${picture}`);
  }
  const start = (what: string) =>
    `erwin train ${what} --data-path ${quoteWord(folder)} --out ${quoteWord(`${folder}-run`)}`;
  if (training !== undefined) console.log(`to train on them: ${start(name)} ${training}`);
  else
    console.log(`to train on them: erwin init ${quoteWord(folder)} --out run.yaml, then ${start("--config run.yaml")}`);
}
