// Dawn's WebGPU in Node, from the npm package webgpu.

/**
 * What is asked of its devices is answered only as long as something refers to it; once its tests are done nothing may: the
 * process would not end.
 */
export async function createDawn(...options: string[]): Promise<GPU> {
  // In a variable: the package's types contradict TypeScript's.
  const name = "webgpu";
  const { create, globals } = await import(name);
  Object.assign(globalThis, globals);
  return create(options);
}
