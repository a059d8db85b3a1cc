// A page that is not cross-origin isolated cannot share memory with its workers: one worker then has its own, and the
// results are the same.
import { buildBallTree, disposeThreads, knnGraph } from "erwin";
import { afterEach, expect, test } from "vitest";

const { postMessage } = Worker.prototype;
afterEach(async () => {
  Worker.prototype.postMessage = postMessage;
  await disposeThreads();
});

test("without shared memory trees and graphs are the same", async () => {
  const positions = Float32Array.from({ length: 60000 }, (_, k) => Math.sin(k * k));
  const options = { dimensionality: 3, strides: [2], ballSizes: [64, 32], rotate: 45 };
  const shared = await buildBallTree(positions, options);
  const sharedEdges = await knnGraph(positions, { dimensionality: 3, k: 4 });
  await disposeThreads();

  let refused = 0;
  Worker.prototype.postMessage = function (message: { shared?: unknown }, ...rest: never[]) {
    // The options of a browser on such a page.
    if (message.shared) {
      refused++;
      throw new DOMException("could not be cloned", "DataCloneError");
    }
    return postMessage.call(this, message, ...rest);
  };
  const alone = await buildBallTree(positions, options);
  const edges = await knnGraph(positions, { dimensionality: 3, k: 4 });
  await expect(buildBallTree(positions.fill(Number.NaN, 7, 8), options)).rejects.toMatchObject({ details: { row: 2 } });
  expect(refused).toBe(1);
  expect(alone).toEqual(shared);
  expect(edges).toEqual(sharedEdges);
});
