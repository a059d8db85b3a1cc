// Decides how much work one submission may hold and how much may be queued, by the speed at which the device has worked so far.
//
// Somebody ends a device that seems to hang, and each looks at something else:
//
//   Windows resets a GPU that neither finishes nor preempts a packet, about one submission, within 2 s
//   (learn.microsoft.com/windows-hardware/drivers/display/timeout-detection-and-recovery).
//   Linux's i915 wants a heartbeat between the work every 2.5 s, and ends requests after 20 s (drivers/gpu/drm/i915/Kconfig.profile);
//   macOS ends command buffers after some seconds, sooner if they make the screen stutter
//   (kIOGPUCommandBufferCallbackErrorImpactingInteractivity, github.com/gfx-rs/wgpu/pull/9328).
//   Chrome ends its GPU process, and with it the devices of all pages, if that process's main thread does not answer for 15 s, on
//   Windows 30 s, on macOS 25 s (gpu/ipc/common/gpu_watchdog_timeout.h; not in headless mode). A long dispatch does not occupy that
//   thread by itself, but whatever waits there for the queue does: a device that is destroyed, a page that is closed. Tried out with
//   Chromium 156 on SwiftShader: a single dispatch of 25 s ended well, also with a window; when its device was destroyed
//   meanwhile, the GPU process was ended, and without the watchdog the thread stood still for 28 s.
//
// So submissions are bounded for the systems' sake, and what is queued for Chrome's, and because whoever waits for a result or ends
// a call waits for all that is queued.

import { nudged } from "./nudge.ts";

/** The milliseconds that one submission should take at most: a quarter of the shortest limit, since work is only estimated. */
const SUBMISSION_TIME = 500;
/** As many such submissions may be queued: they take 2 s, a seventh of Chrome's shortest limit. */
const QUEUED = 4;
/** The work in a millisecond of the slowest device, with which each begins: a quarter of lavapipe's on two overloaded cores. */
const SLOWEST = 1e5;
/** The milliseconds from which on a measured time says that a device is slow; in shorter ones it may have waited for the host. */
const SURE = 100;

export class Pacer {
  /** Work in a millisecond. */
  #speed = SLOWEST;
  /** The last measurement; the slower one of two counts. */
  #measured = SLOWEST;
  /** All work that was submitted so far, and the part of it that is known to be done, since when. */
  #submitted = 0;
  #done = 0;
  #since = 0;

  constructor(readonly queue: Pick<GPUQueue, "submit" | "onSubmittedWorkDone">) {}

  /** The most work that one submission should hold. */
  get most(): number {
    return this.#speed * SUBMISSION_TIME;
  }

  /** Whether no more should be submitted before some of it is done. */
  get full(): boolean {
    return this.#submitted - this.#done > QUEUED * this.most;
  }

  /** All work that was submitted so far. */
  get submitted(): number {
    return this.#submitted;
  }

  /** Must be called with the work of each submission. */
  submit(work: number): void {
    if (this.#submitted === this.#done) this.#since = performance.now();
    this.#submitted += work;
  }

  /** Must be called when all that was submitted up to a moment is done, with what `submitted` was then. */
  finish(submitted: number): void {
    const work = submitted - this.#done;
    if (work <= 0) return;
    const now = performance.now();
    this.#learn(work, now - this.#since);
    this.#done = submitted;
    this.#since = now;
  }

  /** Resolves when all that has been submitted is done. Deno waits within the call. */
  async finished(): Promise<void> {
    const submitted = this.#submitted;
    await nudged(this.queue, this.queue.onSubmittedWorkDone());
    this.finish(submitted);
  }

  #learn(work: number, time: number): void {
    const measured = work / Math.max(time, 1);
    if (time < SURE && measured < this.#speed) return;
    // The device may have had other work to do, or the host may have slept: a single time must not make a device slow.
    this.#speed = Math.max(Math.min(measured, this.#measured), this.#speed / 4, SLOWEST);
    this.#measured = measured;
  }
}
