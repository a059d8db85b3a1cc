// Faults: GPU devices that are lost at the n-th call of a kind, as those of real machines may be at any moment.

/** The calls at which a device can be lost. */
export const faultyCalls = ["submit", "createBuffer", "writeBuffer", "mapAsync", "createComputePipelineAsync"] as const;
export type FaultyCall = (typeof faultyCalls)[number];

export interface Fault {
  call: FaultyCall;
  /** The number of the call, counted from 1 after `arm` or the previous fault. */
  at: number;
  /** Whether the device is lost before the call is made, or right after it. */
  when: "before" | "after";
}

export interface Faults {
  /** Destroys devices, one after the other, each at its own fault; without faults, the calls are only counted. */
  arm(...sequence: Fault[]): void;
  /** The calls since `arm` or the last fault, by kind, and the number of devices that were lost since `arm`. */
  readonly counts: Record<FaultyCall, number>;
  readonly lost: number;
  /** The number of devices that were requested and not destroyed by the code under test. */
  readonly undisposed: number;
  /** Devices that are requested from now on are not destroyed. */
  restore(): void;
}

/**
 * Wraps the devices that this thread requests from now on. The function is sent to workers as text, so it must not refer to
 * anything outside of itself.
 */
export function installFaults(): Faults {
  const counts: Record<FaultyCall, number> = {
    submit: 0,
    createBuffer: 0,
    writeBuffer: 0,
    mapAsync: 0,
    createComputePipelineAsync: 0,
  };
  let armed: Fault[] = [];
  let lost = 0;
  let undisposed = 0;
  /** The devices that were lost, whose calls do not count. */
  const gone = new WeakSet<GPUDevice>();
  const reset = () => {
    for (const call of Object.keys(counts) as FaultyCall[]) counts[call] = 0;
  };

  function watch(device: GPUDevice, destroy: () => void, object: object, call: FaultyCall): void {
    const methods = object as Record<string, (...args: unknown[]) => unknown>;
    const method = methods[call]!;
    methods[call] = (...args) => {
      // The number of empty submissions, which only wake Firefox, depends on the time.
      const isEmpty = call === "submit" && (args[0] as []).length === 0;
      if (gone.has(device) || isEmpty) return method.apply(object, args);
      counts[call]++;
      const [next] = armed;
      if (next?.call !== call || next.at !== counts[call]) return method.apply(object, args);
      armed.shift();
      lost++;
      gone.add(device);
      reset();
      if (next.when === "before") destroy();
      const result = method.apply(object, args);
      if (next.when === "after") destroy();
      return result;
    };
  }

  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (options) {
    const device = await requestDevice.call(this, options);
    const destroy = device.destroy.bind(device);
    undisposed++;
    device.destroy = () => {
      undisposed--;
      device.destroy = destroy;
      destroy();
    };
    for (const call of ["submit", "writeBuffer"] as const) watch(device, destroy, device.queue, call);
    watch(device, destroy, device, "createComputePipelineAsync");
    const { createBuffer } = device;
    device.createBuffer = (description) => {
      const buffer = createBuffer.call(device, description);
      watch(device, destroy, buffer, "mapAsync");
      return buffer;
    };
    watch(device, destroy, device, "createBuffer");
    return device;
  };
  return {
    arm(...sequence) {
      armed = sequence;
      lost = 0;
      reset();
    },
    counts,
    get lost() {
      return lost;
    },
    get undisposed() {
      return undisposed;
    },
    restore() {
      GPUAdapter.prototype.requestDevice = requestDevice;
    },
  };
}

/**
 * Returns the faults to try: all of them, or for each kind of call some that are spread over the run.
 * @param counts the number of calls of each kind in an undisturbed run
 * @param perCall the number of faults for each kind of call; default all
 */
export function faultsIn(counts: Readonly<Record<FaultyCall, number>>, perCall = Number.POSITIVE_INFINITY): Fault[] {
  return faultyCalls.flatMap((call, kind) => {
    const count = counts[call];
    if (perCall >= count) {
      return Array.from({ length: 2 * count }, (_, i) => ({
        call,
        at: 1 + (i >> 1),
        when: i % 2 === 0 ? ("before" as const) : ("after" as const),
      }));
    }
    return Array.from({ length: perCall }, (_, i) => ({
      call,
      at: perCall === 1 ? Math.ceil(count / 2) : 1 + Math.round((i * (count - 1)) / (perCall - 1)),
      // One kind of call is lost before it is made, the next one after it.
      when: (kind + i) % 2 === 0 ? ("before" as const) : ("after" as const),
    }));
  });
}

export const describeFault = ({ call, at, when }: Fault): string => `lost ${when} ${call} ${at}`;

/** The milliseconds after which a run is considered to hang: software adapters take some seconds for one. */
const TOO_LONG = 100_000;

/** Returns the outcome of a run: its result, or its error. Fails after a timeout. */
export async function outcomeOf<Result>(work: Promise<Result>, what: string): Promise<Result | Error> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: hangs`)), TOO_LONG);
  });
  const settled = work.catch((error: Error) => error);
  return Promise.race([settled, late]).finally(() => clearTimeout(timer));
}
