// WebGPU on OpenGL ES, as Chrome offers it on Android devices without Vulkan: another shading language, lower default limits, and
// an adapter only for those who ask for the compatibility mode. All tests of the browser run on it with ERWIN_GPU=opengles.

import { chromium } from "playwright-core";
import { afterEach, test, vi } from "vitest";
import { chromiumArguments, findChromium } from "../../src/build/chromium.mjs";
import { sendDistFile, serve } from "../../src/build/serve-dist.mjs";
import { seededRandom, uniformCloud } from "../support/clouds.ts";
import { expectClose } from "../support/compare.ts";
import { twoLevels } from "../support/configs.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What a page runs; a text, because Vitest rewrites the imports of functions. */
const outputAndGradients = `async ({ backend, config, positions }) => {
  // In place of Chrome on such a device, which has no other adapter.
  const { requestAdapter } = GPU.prototype;
  GPU.prototype.requestAdapter = async function (asked) {
    return asked.featureLevel === "compatibility" ? requestAdapter.call(this, asked) : null;
  };
  const { ErwinTransformer, mse, requestDevice } = await import("/dist/erwin.js");
  const nodePositions = Float32Array.from(positions);
  const device = await requestDevice({ backend });
  const model = await ErwinTransformer.create(config, { device, seed: 0 });
  model.train();
  const parameters = [...model.parameters().values()];
  for (const parameter of parameters) parameter.requireGrad();
  const output = await model.forward({ nodeFeatures: nodePositions, nodePositions, radius: 0.3 });
  await mse(output, new Float32Array(output.size)).backward();
  const gradients = [];
  for (const { grad } of parameters) gradients.push(...(await grad.data()));
  return { output: [...(await output.data())], gradients };
}`;

test("a model's output and gradients are those of the CPU backend", async () => {
  vi.stubEnv("ERWIN_GPU", "opengles");
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArguments() });
  const host = await serve((request, response) => void sendDistFile(request, response));
  try {
    const page = await browser.newPage();
    await page.goto(`${host.url}dist/`);
    const positions = Array.from(uniformCloud(100, 3, seededRandom(1)));
    const run = (backend: string): Promise<{ output: number[]; gradients: number[] }> =>
      page.evaluate(`(${outputAndGradients})(${JSON.stringify({ backend, config: twoLevels, positions })})`);
    const onProcessor = await run("cpu");
    const onOpenGLES = await run("webgpu");
    expectClose(onOpenGLES.output, onProcessor.output, 1e-5, "output");
    expectClose(onOpenGLES.gradients, onProcessor.gradients, 1e-5, "gradients");
  } finally {
    host.close();
    await browser.close();
  }
});
