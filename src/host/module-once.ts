// WebAssembly modules that are read when they are first needed.
import { compileModule } from "./compile.ts";
import { type AssetName, givenUrl } from "./given-assets.ts";
import { readModule } from "./module-file.ts";
import { located, unmoved } from "./moved.ts";

/**
 * Returns what reads a module once; if that fails, the next call tries again.
 * @param name the file's name for `setAssets`
 * @param place where the file is otherwise
 */
export function moduleOnce(name: AssetName, place: () => URL): () => Promise<WebAssembly.Module> {
  let compiled: Promise<WebAssembly.Module> | undefined;
  return async () => {
    compiled ??= readModule(givenUrl(name) ?? unmoved(located(place))).then(compileModule);
    try {
      return await compiled;
    } catch (error) {
      compiled = undefined;
      throw error;
    }
  };
}
