// WebAssembly modules that are read when they are first needed.
import { once } from "../once.ts";
import { compileModule } from "./compile.ts";
import { type AssetName, givenUrl } from "./given-assets.ts";
import { readModule } from "./module-file.ts";
import { located, unmoved } from "./moved.ts";

/**
 * Returns what reads a module once; if that fails, the next call tries again.
 * @param name the file's name for `setAssets`
 * @param place where the file is otherwise
 */
export const moduleOnce = (name: AssetName, place: () => URL): (() => Promise<WebAssembly.Module>) =>
  once(async () => compileModule(await readModule(givenUrl(name) ?? unmoved(located(place)))));
