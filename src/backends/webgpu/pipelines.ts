// Compiles kernels, each once for each set of constants, and reports a compiler's complaint with the line it is about.

import { DeviceError } from "../../errors.ts";
import { shaderStage } from "./constants.ts";
import { type Constants, type KernelSource, kernelSource } from "./kernels.ts";

/** A compiled kernel. */
export interface Pipeline {
  name: string;
  /** Different for every kernel and set of constants. */
  key: string;
  source: KernelSource;
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

export class PipelineCache {
  /** The first kernel that did not compile. */
  failure: DeviceError | undefined;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #checks = new Set<Promise<void>>();

  constructor(readonly device: GPUDevice) {}

  get(name: string, constants: Constants): Pipeline {
    let key = name;
    for (const constant in constants) key += `,${constants[constant]}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(name, constants, key);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  /** Resolves once every kernel so far is known to have compiled, throws the first that has not. */
  async verified(): Promise<void> {
    await Promise.all(this.#checks);
    if (this.failure) throw this.failure;
  }

  #compile(name: string, constants: Constants, key: string): Pipeline {
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
    const pipeline = device.createComputePipeline({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    const check = device.popErrorScope().then(async (error) => {
      if (error) this.failure ??= await describe(name, constants, source, module, error);
      this.#checks.delete(check);
    });
    this.#checks.add(check);
    return { name, key, source, pipeline, layout };
  }
}

async function describe(
  name: string,
  constants: Constants,
  source: KernelSource,
  module: GPUShaderModule,
  error: GPUError,
): Promise<DeviceError> {
  const messages = (await module.getCompilationInfo?.())?.messages ?? [];
  const first = messages.find((message) => message.type === "error");
  const line = first?.lineNum ? source.code.split("\n")[first.lineNum - 1]?.trim() : undefined;
  const where = first ? ` line ${first.lineNum}: ${first.message}${line ? `: ${line}` : ""}` : ` ${error.message}`;
  return new DeviceError(
    `this device cannot compile the kernel ${name} (${JSON.stringify(constants)}):${where}. Please report it with the device's name`,
    { kernel: name, message: error.message },
  );
}
