// The generators, by the name of the experiment that they make data for.

import { cosmologyGenerator } from "./cosmology/write.ts";
import { eagleGenerator } from "./eagle/write.ts";
import { folderGenerator } from "./folder/write.ts";
import type { DataGenerator } from "./generator.ts";
import { mdGenerator } from "./md/write.ts";
import { shapenetGenerator } from "./shapenet/write.ts";

export const generators: Readonly<Record<string, DataGenerator>> = {
  cosmology: cosmologyGenerator,
  eagle: eagleGenerator,
  md: mdGenerator,
  shapenet: shapenetGenerator,
  folder: folderGenerator,
};
