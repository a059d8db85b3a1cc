// Opening files, from the dialogue or dropped anywhere on the page, and samples.

import { byId } from "../shared/dom.ts";
import { acceptDrops } from "../shared/drop.ts";
import type { Controller } from "./controller.ts";
import { defaults, type Settings } from "./settings.ts";

/** The settings for a new cloud; those of the tree stay. */
const fresh: Partial<Settings> = {
  colour: "balls",
  ...{ level: 0, apart: false, merged: false, graph: "none", point: undefined, up: defaults.up },
};

export function connectFiles(controller: Controller): void {
  const sample = byId<HTMLSelectElement>("sample");
  sample.addEventListener("change", () => {
    if (sample.value) void controller.open(sample.value, fresh);
  });
  const input = byId<HTMLInputElement>("file");
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) void controller.open(file, fresh);
    // The value is cleared, so that the same file can be chosen again.
    input.value = "";
  });
  acceptDrops(({ files }) => {
    const [file] = files;
    if (files.length > 1) controller.refuse(`${files.length} files were dropped: drop one, since the page shows one.`);
    else if (file) void controller.open(file, fresh);
  }, byId("drop-zone"));
}
