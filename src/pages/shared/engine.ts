// Loads the library on first use.

/**
 * Where the library's workers and modules are, seen from the folder of the site's scripts; on a page with trusted types the
 * library has to be told. Separate from its use, where the build would look for a file.
 */
const here = import.meta.url;
const assets = new URL("../erwin/assets/", here).href;

let loading: Promise<typeof import("erwin")> | undefined;

/** The library, on a page or in a worker of the site. @throws Error when it cannot be fetched, after which the next call tries again */
export function loadEngine(): Promise<typeof import("erwin")> {
  loading ??= load();
  return loading;
}

async function load(): Promise<typeof import("erwin")> {
  // Browsers take it away in modes of high security, such as Safari's lockdown mode.
  if (typeof WebAssembly === "undefined") {
    throw new Error("this browser offers no WebAssembly, with which the engine computes; allow it for this site");
  }
  try {
    const erwin = await import("erwin");
    erwin.setAssets(assets);
    return erwin;
  } catch (error) {
    loading = undefined;
    throw new Error("the engine could not be loaded; check the connection", { cause: error });
  }
}
