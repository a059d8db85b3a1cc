// A clock by which every run of a training makes its copies at the same steps, and so the same calls.

/**
 * Replaces this thread's clock: time passes only when all submitted work is awaited, which trainings do once a step. The function
 * is sent to workers as text, so it must not refer to anything outside of itself.
 */
export function installStepClock(): () => void {
  let now = 0;
  const clock = performance.now;
  const { onSubmittedWorkDone } = GPUQueue.prototype;
  performance.now = () => now;
  GPUQueue.prototype.onSubmittedWorkDone = function () {
    now += 1000;
    return onSubmittedWorkDone.call(this);
  };
  return () => {
    performance.now = clock;
    GPUQueue.prototype.onSubmittedWorkDone = onSubmittedWorkDone;
  };
}
