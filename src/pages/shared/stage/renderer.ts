// WebGL's part of a stage: the renderer, whether the processor draws in place of a GPU, and when a frame is drawn.

import { LinearSRGBColorSpace, WebGLRenderer } from "three";

/** Undefined where the browser has no WebGL. */
export function makeRenderer(canvas: HTMLCanvasElement): WebGLRenderer | undefined {
  try {
    // What is drawn stays, so that frames can add to it.
    const renderer = new WebGLRenderer({ canvas, antialias: false, preserveDrawingBuffer: true });
    renderer.autoClear = false;
    // A query for errors waits for the compiler.
    renderer.debug.checkShaderErrors = false;
    renderer.outputColorSpace = LinearSRGBColorSpace;
    return renderer;
  } catch {
    return undefined;
  }
}

/** Whether the processor draws, in place of a GPU. */
export function drawsInSoftware(renderer: WebGLRenderer): boolean {
  const context = renderer.getContext();
  const names = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(context.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** Resolves when all that was asked of the renderer is drawn. */
export async function drawn(renderer: WebGLRenderer): Promise<void> {
  const context = renderer.getContext();
  if (!(context instanceof WebGL2RenderingContext)) return;
  const fence = context.fenceSync(context.SYNC_GPU_COMMANDS_COMPLETE, 0);
  context.flush();
  if (!fence) return;
  while (context.getSyncParameter(fence, context.SYNC_STATUS) === context.UNSIGNALED) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  context.deleteSync(fence);
}
