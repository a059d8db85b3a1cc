// What the page and its worker pass each other.

import type { BackendName } from "erwin";
import type { SurrogateField } from "erwin/experiments";
import type { Preview } from "../shared/prediction/protocol.ts";

/** A model's file: model.safetensors, or a saved run. */
export interface ModelFile {
  name: string;
  file: Blob;
  backend: BackendName;
}

/** What is known of an opened model. */
export interface OpenedModel {
  /** What it computes on. */
  device: string;
  inputs: readonly SurrogateField[];
  targets: readonly SurrogateField[];
  needsMesh: boolean;
  /** Whether it predicts sequences, step by step. */
  isSequence: boolean;
}

/** A sample or sequence that can be predicted. */
export interface Found {
  name: string;
  frames: number;
}

/** A sample's prediction. */
export interface Shown {
  preview: Preview;
  /** The first remark on its files: those on others would say the same. */
  note?: string;
}

/** Receives how many of a number of frames are done. */
export type OnFrame = (done: number, all: number) => void;
