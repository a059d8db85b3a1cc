// WebGPU's flag values. Not every host that has WebGPU types defines the global enums in every context (TypeScript 7's
// lib.dom has only the interfaces), and the numbers are fixed by the standard.

export const bufferUsage = {
  MAP_READ: 1,
  COPY_SRC: 4,
  COPY_DST: 8,
  UNIFORM: 64,
  STORAGE: 128,
  QUERY_RESOLVE: 512,
} as const;
export const mapMode = { READ: 1 } as const;
export const shaderStage = { COMPUTE: 4 } as const;
