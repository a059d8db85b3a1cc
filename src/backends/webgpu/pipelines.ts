// Compiles kernels in the background, each once for each set of constants, and reports compilation errors with the line in gpu/.

import { DeviceError, ErwinError } from "../../errors.ts";
import { shaderStage } from "./constants.ts";
import { type Constants, type KernelSource, kernelSource } from "./kernels.ts";

/** A kernel that is compiled or being compiled. */
export interface Pipeline {
  name: string;
  constants: Constants;
  /** Different for every kernel and set of constants. */
  id: number;
  source: KernelSource;
  layout: GPUBindGroupLayout;
  /** Set once it is compiled. */
  pipeline?: GPUComputePipeline;
  /** Set until then: resolves when it is compiled, rejects with a DeviceError if that fails. */
  compiling?: Promise<void>;
}

export class PipelineCache {
  readonly #pipelines = new Map<string, Pipeline>();

  constructor(
    readonly device: GPUDevice,
    /** The cause of an error, which may be that the device was lost. */
    readonly causeOf: (error: unknown) => Promise<unknown> = async (error) => error,
  ) {}

  /** Returns a kernel; starts to compile it at the first request. */
  get(name: string, constants: Constants): Pipeline {
    let key = name;
    for (const constant in constants) key += `,${constant}=${constants[constant]}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(name, constants);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  #compile(name: string, constants: Constants): Pipeline {
    const { device } = this;
    const source = kernelSource(name, constants);
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label: name, code: source.code });
    const layout = device.createBindGroupLayout({
      label: name,
      entries: [
        { binding: 0, visibility: shaderStage.COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true } },
        ...source.bindings.map(({ binding, access }) => ({
          binding,
          visibility: shaderStage.COMPUTE,
          buffer: { type: access === "read" ? ("read-only-storage" as const) : ("storage" as const) },
        })),
      ],
    });
    const made = device.createComputePipelineAsync({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    const checked = device.popErrorScope();
    const pipeline: Pipeline = { name, constants, id: this.#pipelines.size, source, layout };
    pipeline.compiling = (async () => {
      try {
        const [compiled, error] = await Promise.all([made, checked]);
        if (error) throw error;
        pipeline.pipeline = compiled;
        pipeline.compiling = undefined;
      } catch (error) {
        const cause = (await this.causeOf(error)) as Error | GPUError;
        throw cause instanceof ErwinError ? cause : await describe(name, constants, source, module, cause);
      }
    })();
    // Callers that wait for the kernel receive the error. For one that is compiled ahead of its use there may be none.
    pipeline.compiling.catch(() => {});
    return pipeline;
  }
}

async function describe(
  name: string,
  constants: Constants,
  source: KernelSource,
  module: GPUShaderModule,
  error: Error | GPUError,
): Promise<DeviceError> {
  const messages = (await module.getCompilationInfo?.())?.messages ?? [];
  const first = messages.find(({ type, lineNum }) => type === "error" && lineNum > 0);
  const problem = first ? `${placeOf(first, source)}: ${first.message}` : error.message;
  return new DeviceError(
    `this device cannot compile the kernel ${name} (${JSON.stringify(constants)}): ${problem}. Please report it with the device's name`,
    { kernel: name, message: error.message },
  );
}

/** Returns the place of a message in gpu/, and the text of its line. */
function placeOf({ lineNum }: GPUCompilationMessage, { code, places }: KernelSource): string {
  const text = code.split("\n")[lineNum - 1]?.trim();
  const place = places[lineNum - 1];
  return `${place ? `gpu/${place.file}:${place.line}` : `line ${lineNum}`}: ${text}`;
}
