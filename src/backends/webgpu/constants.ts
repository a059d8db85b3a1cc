// WebGPU's flag values, which the standard fixes. The global enums are not defined everywhere: TypeScript 7's lib.dom has only the
// interfaces.

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
