// Reads an HDF5 file that is given as a Blob, in a web worker.
import { loadHdf5 } from "erwin/formats";

addEventListener("message", async ({ data: { blob, only } }: MessageEvent<{ blob: Blob; only?: string[] }>) => {
  try {
    postMessage(Object.fromEntries(await loadHdf5(blob, { file: "large.h5", only })));
  } catch (error) {
    const { name, message } = error as Error;
    postMessage({ name, message });
  }
});
