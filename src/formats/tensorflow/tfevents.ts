// TensorBoard's event files: records of tensorflow.Event messages, of which only those with scalars are written here.
// https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto, .../summary.proto

import { PbfWriter } from "pbf";
import { writeTfRecords } from "./tfrecord.ts";

/** The contents of an event: the file's version, the start of a session, or scalars. */
export type EventContent =
  | { version: true }
  /** A session starts, so what earlier files say about this step and later ones is void. */
  | { start: true }
  /** Scalars by their tags: "training/loss". */
  | { scalars: Readonly<Record<string, number>> };

/** The step and the time of an event. */
export interface EventPlace {
  step: number;
  /** Seconds since 1970. */
  wallTime: number;
}

/** SessionLog.START. */
const START = 1;

/** Encodes a record of an event file. A file begins with its version; if it continues a run, the start of a session follows. */
export function encodeEvent(content: EventContent, { step, wallTime }: EventPlace): Uint8Array<ArrayBuffer> {
  const event = new PbfWriter();
  event.writeDoubleField(1, wallTime);
  event.writeVarintField(2, step);
  if ("version" in content) event.writeStringField(3, "brain.Event:2");
  else if ("start" in content) event.writeMessage(7, writeSession, START);
  else event.writeMessage(5, writeSummary, content.scalars);
  return writeTfRecords([event.finish()]);
}

function writeSession(status: number, session: PbfWriter): void {
  session.writeVarintField(1, status);
}

function writeSummary(scalars: Readonly<Record<string, number>>, summary: PbfWriter): void {
  for (const entry of Object.entries(scalars)) summary.writeMessage(1, writeValue, entry);
}

function writeValue([tag, value]: [string, number], message: PbfWriter): void {
  message.writeStringField(1, tag);
  message.writeFloatField(2, value);
}
