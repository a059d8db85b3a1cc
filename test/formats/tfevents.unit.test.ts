// Event files are equal to those of TensorBoard's own writer.

import { expect, it } from "vitest";
import { encodeEvent } from "../../src/formats/tensorflow/tfevents.ts";

/** The bytes were written by `tensorboard.summary.writer.record_writer` of TensorBoard 2.20, with its own protobuf classes. */
const written =
  "1a00000000000000129bd82d09000000000000f83f10071a0d627261696e2e4576656e743a32da446486" +
  "0f000000000000006d532b0909000000000000f83f10083a0208019571c7d1" +
  "2f000000000000006d5d1d5009000000000000024010ac022a210a140a0d747261696e696e672f6c6f7373150000803e0a090a026c72156f12833a53ddb065";

it("writes the version, a session's start and scalars to the same bytes", () => {
  const events = [
    encodeEvent({ version: true }, { step: 7, wallTime: 1.5 }),
    encodeEvent({ start: true }, { step: 8, wallTime: 1.5 }),
    encodeEvent({ scalars: { "training/loss": 0.25, lr: 1e-3 } }, { step: 300, wallTime: 2.25 }),
  ];
  expect(Buffer.concat(events).toString("hex")).toBe(written);
});
