// Whether a thread stays free while something is computed elsewhere: by what it does, not by time, which a busy machine takes from it.

import { ErwinTransformer } from "erwin";
import { expect, vi } from "vitest";

/** Does `work`, and expects that this thread's event loop goes on meanwhile, and that no model computes on this thread. */
export async function expectFreeThread(work: () => Promise<unknown>): Promise<void> {
  const computing = (["prepare", "forward"] as const).map((name) => vi.spyOn(ErwinTransformer.prototype, name));
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  try {
    // A busy machine may stop a free thread for as long as the work takes, but not again and again.
    for (let tries = 0; turns <= 2 && tries < 20; tries++) {
      turns = 0;
      await work();
    }
    expect(turns, "turns of this thread's event loop").toBeGreaterThan(2);
    for (const method of computing) expect(method).not.toHaveBeenCalled();
  } finally {
    clearInterval(timer);
    for (const method of computing) method.mockRestore();
  }
}
