// Dawn's WebGPU in Node, from the npm package webgpu.

/**
 * The devices answer requests only as long as something refers to this object. After the tests nothing may refer to it, or the
 * process does not exit.
 */
export async function createDawn(...options: string[]): Promise<GPU> {
  // The name is in a variable because the package's types contradict TypeScript's.
  const name = "webgpu";
  const { create, globals } = await import(name);
  Object.assign(globalThis, globals);
  return create(options);
}
