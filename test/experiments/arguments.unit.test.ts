// Arguments that cannot be are named by the library's own errors, not by those of the language.

import { expect, test } from "vitest";
import { benchResult } from "../../src/bench/report/result.ts";
import { runSuite } from "../../src/bench/suite/suite.ts";
import { ErwinError } from "../../src/errors.ts";
import {
  expectedOf,
  experiments,
  fitOptions,
  folderExperimentOf,
  openRun,
  parseOption,
  proposeConfig,
  readModel,
  resolveOptions,
} from "../../src/experiments/index.ts";

const none = undefined as never;
const { overfit } = experiments;
const options = resolveOptions(overfit.options);
const device = { allocate() {} } as never;

const calls: [string, () => unknown, string][] = [
  ["openRun", () => openRun("overfit", overfit, none), "the options of openRun are undefined"],
  [
    "openRun without an experiment",
    () => openRun("x", none, { device, options }),
    "experiment is undefined, expected what",
  ],
  [
    "openRun without a device",
    () => openRun("x", overfit, { device: none, options }),
    "device is undefined, expected what",
  ],
  [
    "openRun without options",
    () => openRun("x", overfit, { device, options: none }),
    "options must be what resolveOptions",
  ],
  ["openRun, misspelt", () => openRun("x", overfit, { device, options, sorce: 1 } as never), "did you mean source?"],
  [
    "readModel",
    () => readModel(overfit, { bytes: new Uint8Array(), file: "a" }, none),
    "the options of readModel are undefined",
  ],
  ["readModel without weights", () => readModel(overfit, none, { device, options, name: "x" }), "weights is undefined"],
  ["parseOption", () => parseOption(none, "1"), "option is undefined, expected one of an experiment's options"],
  ["parseOption without a text", () => parseOption(overfit.options.seed, 1 as never), "text is 1, expected a text"],
  ["expectedOf", () => expectedOf(none), "option is undefined"],
  ["resolveOptions", () => resolveOptions(null as never), "declared must be an experiment's options, not null"],
  [
    "resolveOptions of null",
    () => resolveOptions(overfit.options, null as never),
    "the options of resolveOptions are null",
  ],
  ["proposeConfig", () => proposeConfig(none, "data"), "found is undefined, expected what survey returns"],
  [
    "proposeConfig without a path",
    () => proposeConfig({ arrays: [] } as never, none),
    "folder is undefined, expected a path",
  ],
  ["fitOptions", () => fitOptions(none), "the options of fitOptions are undefined"],
  ["folderExperimentOf", () => folderExperimentOf(none, "a"), "metadata is undefined, expected the metadata"],
  ["benchResult", () => benchResult(none), "cases is undefined, expected a list of cases"],
  ["runSuite", () => runSuite(none), "the options of runSuite are undefined"],
  [
    "runSuite without the golden case",
    () => runSuite({} as never),
    "golden must be the bytes of a file, not undefined",
  ],
];

test.each(calls)("%s", async (_, call, message) => {
  const error = await (async () => call())().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ErwinError);
  expect((error as Error).message).toContain(message);
});
