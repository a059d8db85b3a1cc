// Translates SPIRV-Cross's Metal to CUDA C++ (with msl.h), with the same arithmetic, loops and memory accesses.

const BUILTINS: Record<string, (name: string) => string> = {
  threadgroup_position_in_grid: (name) => `uint3 ${name}(blockIdx.x, blockIdx.y, blockIdx.z);`,
  threadgroups_per_grid: (name) => `uint3 ${name}(gridDim.x, gridDim.y, gridDim.z);`,
  thread_index_in_threadgroup: (name) => `uint ${name} = threadIdx.x;`,
  thread_position_in_threadgroup: (name) => `uint3 ${name}(threadIdx.x, 0u, 0u);`,
  thread_position_in_grid: (name) => `uint3 ${name}(blockIdx.x * blockDim.x + threadIdx.x, 0u, 0u);`,
};

/**
 * @param threads threads of a workgroup, along its first axis
 * @param zeroed whether the workgroup's memory starts as zeros: WGSL's rule, which hosts leave to the driver
 */
export function translateMetal(metal: string, threads: number, zeroed: boolean): string {
  let source = metal
    // Removes helpers that msl.h replaces, and constants that only give the workgroup's size.
    .replace(/template<typename T, size_t Num>\s*struct spvUnsafeArray\s*\{.*?\n\};\n/gs, "")
    .replace(/#pragma[^\n]*\n|#include[^\n]*\n|using namespace metal;\n/g, "")
    .replace(/^constant [^\n]*=[^\n]*;\n/gm, "")
    .replaceAll("static inline __attribute__((always_inline))", "static __device__ __forceinline__")
    .replace(/\b(?:precise|fast|metal)::/g, "")
    .replaceAll("threadgroup_barrier(mem_flags::mem_threadgroup)", "__syncthreads()")
    .replace(/\b(\w+)\.([xz])([yw])\b/g, "V2<decltype($1.x)>($1.$2, $1.$3)");

  const kernel = /kernel void (?:main0|dawn_entry_point)\((.*?)\)\n\{/s.exec(source);
  if (!kernel) throw new Error("SPIRV-Cross's Metal has no kernel");
  const { parameters, first } = translateParameters(kernel[1]);
  const start = [`const uint3 gl_WorkGroupSize(${threads}u, 1u, 1u);`, ...first].join("\n    ");
  const head = `extern "C" __global__ void __launch_bounds__(${threads}) main0(${parameters.join(", ")})\n{\n    ${start}`;
  const body = translateMemory(source.slice(kernel.index + kernel[0].length), threads, zeroed);
  source = source.slice(0, kernel.index) + head + body;

  // Address spaces have no counterpart in CUDA, except that `constant` becomes `const`.
  source = source
    .replace(
      /\b(const )?(constant|device|thread|threadgroup) (?=[\w:<>, ]+&)/g,
      (_, constant: string | undefined, space: string) => (constant || space === "constant" ? "const " : ""),
    )
    .replace(/\b(const )?(constant|device|thread|threadgroup) /g, (_, constant: string | undefined) => constant ?? "")
    .replace(/(?<![\w.])(\d+\.\d+(?:e[+-]?\d+)?)(?![\w.])/g, "$1f");
  return `#include "msl.h"\nnamespace msl {\n${source}\n}\n`;
}

/** Passes the uniform by value, and arrays as pointers that do not alias; built-in values become the kernel's first lines. */
function translateParameters(text: string): { parameters: string[]; first: string[] } {
  const parameters: string[] = [];
  const first: string[] = [];
  for (const parameter of text.split(/,(?![^<]*>)/).map((part) => part.trim())) {
    const array = /^(constant|const device|device|volatile device) (\w+)& (\w+) \[\[buffer/.exec(parameter);
    const builtin = /^(?:uint3|uint) (\w+) \[\[(\w+)\]\]/.exec(parameter);
    const sizes = /^constant (?:uint\*|\w+\*|\w+&) (\w+) \[\[/.exec(parameter);
    if (array?.[1] === "constant") parameters.push(`const __grid_constant__ ${array[2]} ${array[3]}`);
    else if (array) {
      const type = `${array[1] === "const device" ? "const " : ""}${array[2]}`;
      parameters.push(`${type}* __restrict__ ${array[3]}_p`);
      first.push(`${type}& ${array[3]} = *${array[3]}_p;`);
    } else if (builtin && BUILTINS[builtin[2]]) first.push(BUILTINS[builtin[2]](builtin[1]));
    else if (sizes) parameters.push(`const uint* ${sizes[1]}`);
    else throw new Error(`the Metal kernel has a parameter of unknown kind: ${parameter}`);
  }
  return { parameters, first };
}

/** Translates the workgroup's memory, and zeroes it on request. */
function translateMemory(body: string, threads: number, zeroed: boolean): string {
  const names: string[] = [];
  const text = body.replace(/^(\s+)threadgroup ([^=\n;]*?(\w+));\n/gm, (_, indent, declaration, name) => {
    names.push(name);
    return `${indent}__shared__ ${declaration};\n`;
  });
  if (!zeroed || names.length === 0) return text;
  const loops = names.map(
    (name) =>
      `    for (uint at = threadIdx.x; at < sizeof(${name}) / 4; at += ${threads}u) ((uint*)&${name})[at] = 0u;\n`,
  );
  const after = text.indexOf("\n", text.lastIndexOf("__shared__ ")) + 1;
  return `${text.slice(0, after)}${loops.join("")}    __syncthreads();\n${text.slice(after)}`;
}
