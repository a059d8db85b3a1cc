// Predicts a flow step by step, each step from the previous prediction: the loss of training, and the errors of a test.

import { add, multiply, subtract } from "../../tensor/operators/arithmetic.ts";
import { affine, scale, square } from "../../tensor/operators/functions.ts";
import { mean } from "../../tensor/operators/reductions.ts";
import { slice } from "../../tensor/operators/sections.ts";
import { scope, Tensor } from "../../tensor/tensor.ts";
import { joinEdgeLists, joinIntegers, joinRows, offsetsOf } from "../../train/data/batches.ts";
import type { FlowModel, PreparedFrame } from "./model.ts";
import { type FlowWindow, NODE_TYPES, STATE, STATE_DEVIATION, sidesOf } from "./trajectories.ts";

/** The types of nodes at which the flow is known. */
const KNOWN = [NODE_TYPES.disabled, NODE_TYPES.inflow, NODE_TYPES.wall];
/** The weight of the pressures in the loss. */
const PRESSURE_WEIGHT = 0.1;
/** Windows with at most this many steps are prepared as a whole, ahead of the device; longer ones frame by frame. */
const STEPS_AHEAD = 8;

/** Windows with the same number of frames, which are predicted together. */
export interface FlowGroup {
  windows: readonly FlowWindow[];
  /** The first node of each window, followed by the number of nodes. */
  offsets: Int32Array;
  frames: number;
  /** The model's inputs for the frames, besides the states; undefined if they are prepared when they are needed. */
  prepared?: readonly PreparedFrame[];
}

/** Joins windows, and builds the trees of their frames unless there are many frames. */
export async function prepareGroup(model: FlowModel, windows: readonly FlowWindow[]): Promise<FlowGroup> {
  const offsets = offsetsOf(windows.map(({ nodes }) => nodes));
  const [{ frames }] = windows;
  const group = { windows, offsets, frames };
  const steps = frames - 1;
  if (steps > STEPS_AHEAD) return group;
  const frame = (_: unknown, index: number) => prepareFrame(model, group, index);
  return { ...group, prepared: await Promise.all(Array.from({ length: steps }, frame)) };
}

function prepareFrame(model: FlowModel, { windows, offsets }: FlowGroup, index: number): Promise<PreparedFrame> {
  return model.prepare({
    positions: joinRows(windows.map((window) => frameOf(window, window.positions, index))),
    kinds: kindsAt(windows, index),
    offsets,
    edgeIndex: joinEdgeLists(
      windows.map((window) => sidesOf(frameOf(window, window.triangles, index), window.nodes)),
      offsets,
    ),
  });
}

/** Yields the frame before each step, in order; each is prepared while the device works on the previous one. */
async function* framesOf(model: FlowModel, group: FlowGroup): AsyncGenerator<PreparedFrame> {
  const { prepared, frames } = group;
  if (prepared) return yield* prepared;
  let next = prepareFrame(model, group, 0);
  for (let index = 1; index < frames; index++) {
    const frame = await next;
    if (index + 1 < frames) {
      next = prepareFrame(model, group, index);
      // An error is handled where the frame is awaited, after the step before it.
      next.catch(() => {});
    }
    yield frame;
  }
}

export function frameOf<T extends Float32Array | Int32Array>({ frames }: FlowWindow, values: T, index: number): T {
  const size = values.length / frames;
  return values.subarray(index * size, (index + 1) * size) as T;
}

const statesAt = (windows: readonly FlowWindow[], index: number) =>
  joinRows(windows.map((window) => frameOf(window, window.states, index)));

const kindsAt = (windows: readonly FlowWindow[], index: number) =>
  joinIntegers(windows.map((window) => frameOf(window, window.kinds, index)));

/** One step of the prediction. */
interface Step {
  /** The index of the frame that the step predicts, and its true state. */
  index: number;
  truth: Tensor;
  /** The state before the step, its predicted change, and the state after the step: all [N, 4]. */
  before: Tensor;
  change: Tensor;
  after: Tensor;
}

/**
 * Predicts all frames from the first one.
 * @param onStep receives each step; its tensors are freed afterwards
 * @param detached whether gradients stop at each step
 */
async function predict(
  model: FlowModel,
  group: FlowGroup,
  { detached, onStep }: { detached: boolean; onStep(step: Step): void },
): Promise<void> {
  const { device } = model;
  const { windows, offsets } = group;
  const shape = [offsets.at(-1)!, STATE];
  let state = Tensor.from(device, statesAt(windows, 0), shape);
  let index = 0;
  try {
    for await (const frame of framesOf(model, group)) {
      index++;
      using change = await model.forward(state, frame);
      using truth = Tensor.from(device, statesAt(windows, index), shape);
      using after = scope(() => {
        const free = kindsAt(windows, index);
        const known = Tensor.from(device, Float32Array.from(free, isKnown), [shape[0], 1]);
        const moved = add(state, change);
        return add(multiply(moved, affine(known, -1, 1)), multiply(truth, known));
      });
      onStep({ index, truth, before: state, change, after });
      const next = detached ? after.detach() : after.view();
      state.dispose();
      state = next;
    }
  } finally {
    state.dispose();
  }
}

const isKnown = (kind: number) => (KNOWN.includes(kind) ? 1 : 0);

/**
 * Returns the mean over steps and nodes of the squared error of the velocities' changes plus a tenth of that of the pressures',
 * recorded on the tape. Gradients go through all steps, and also through the targets, which are the changes from the predicted
 * state to the next true one.
 */
export async function rolloutLoss(model: FlowModel, group: FlowGroup): Promise<Tensor> {
  const found: { total?: Tensor } = {};
  try {
    await predict(model, group, {
      detached: false,
      onStep({ truth, before, change }) {
        const sum = scope(() => {
          const squares = square(subtract(change, subtract(truth, before)));
          const [velocity, pressure] = [slice(squares, 1, 0, 2), slice(squares, 1, 2, STATE)];
          const loss = add(mean(velocity), scale(mean(pressure), PRESSURE_WEIGHT));
          return found.total ? add(found.total, loss) : loss;
        });
        found.total?.dispose();
        found.total = sum;
      },
    });
    return scale(found.total!, 1 / (group.frames - 1));
  } finally {
    found.total?.dispose();
  }
}

/** The errors of one window at one step. */
export interface StepErrors {
  loss: number;
  /** The mean over the nodes of the root of the mean of the two components' squared errors, in the data's units. */
  velocity: number;
  pressure: number;
}

/** Returns the errors of each window at each step: [windows][frames - 1]. The model should be in evaluation mode. */
export async function rolloutErrors(model: FlowModel, group: FlowGroup): Promise<StepErrors[][]> {
  const { windows, offsets } = group;
  const reading: Promise<StepErrors[]>[] = [];
  await predict(model, group, {
    detached: true,
    onStep({ index, before, change, after }) {
      // The readback waits for the device, but the next step does not wait for the readback.
      const read = Promise.all([before.data(), change.data(), after.data()]).then(([from, by, to]) =>
        windows.map((window, i) => {
          const own = (values: Float32Array) => values.subarray(STATE * offsets[i], STATE * offsets[i + 1]);
          return stepErrors(frameOf(window, window.states, index), own(from), own(by), own(to));
        }),
      );
      reading.push(read);
      // The error is handled where all readbacks are awaited.
      read.catch(() => {});
    },
  });
  const steps = await Promise.all(reading);
  return windows.map((_, i) => steps.map((errors) => errors[i]));
}

/** Returns the predicted states at some frames of a group of one window, in their order: [nodes, 4] each, normalised. */
export async function predictedStates(
  model: FlowModel,
  group: FlowGroup,
  wanted: readonly number[],
): Promise<Float32Array[]> {
  const reading: Promise<Float32Array>[] = [];
  await predict(model, group, {
    detached: true,
    onStep({ index, after }) {
      if (!wanted.includes(index)) return;
      const read = after.data();
      reading.push(read);
      // The error is handled where all readbacks are awaited.
      read.catch(() => {});
    },
  });
  return Promise.all(reading);
}

/** Returns the errors of a window if the state never changed, except where it is known. */
export const persistenceErrors = (window: FlowWindow): StepErrors[] => errorsOf(window, (state) => state);

/**
 * Returns the errors of a window if every node always had the same state, except where it is known.
 * @param mean [4] normalised
 */
export const meanErrors = (window: FlowWindow, mean: readonly number[]): StepErrors[] =>
  errorsOf(window, (state) => state.map((_, i) => mean[i % STATE]));

/** Returns the errors of a window for a rule that predicts the next state from a state. */
function errorsOf(window: FlowWindow, next: (state: Float32Array) => Float32Array): StepErrors[] {
  let state = frameOf(window, window.states, 0);
  return Array.from({ length: window.frames - 1 }, (_, step) => {
    const truth = frameOf(window, window.states, step + 1);
    const kinds = frameOf(window, window.kinds, step + 1);
    const moved = next(state);
    const change = moved.map((value, i) => value - state[i]);
    const after = moved.map((value, i) => (isKnown(kinds[Math.floor(i / STATE)]) ? truth[i] : value));
    const errors = stepErrors(truth, state, change, after);
    state = after;
    return errors;
  });
}

function stepErrors(truth: Float32Array, before: Float32Array, change: Float32Array, after: Float32Array): StepErrors {
  const nodes = truth.length / STATE;
  const errors = { loss: 0, velocity: 0, pressure: 0 };
  for (let node = 0; node < nodes; node++) {
    const halves = [0, 2].map((first) => {
      let [asked, off] = [0, 0];
      for (let column = first; column < first + 2; column++) {
        const at = STATE * node + column;
        asked += (change[at] - (truth[at] - before[at])) ** 2 / 2;
        off += (STATE_DEVIATION[column] * (after[at] - truth[at])) ** 2 / 2;
      }
      return { asked, root: Math.sqrt(off) };
    });
    errors.loss += (halves[0].asked + PRESSURE_WEIGHT * halves[1].asked) / nodes;
    errors.velocity += halves[0].root / nodes;
    errors.pressure += halves[1].root / nodes;
  }
  return errors;
}
