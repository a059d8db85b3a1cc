// Any config is resolved, or refused by an error that names the field, in bounded time and memory.

import { expect, it } from "vitest";
import { ErwinError } from "../../src/errors.ts";
import { resolveConfig, snakeCaseConfig } from "../../src/erwin/config.ts";
import { ErwinTransformer } from "../../src/erwin/model.ts";
import { readmeModel } from "../../src/erwin/presets.ts";
import { oneBlock } from "../support/configs.ts";
import { fuzz } from "../support/fuzz.ts";

const text = (config: object) => new TextEncoder().encode(JSON.stringify(config));
const seeds = [text(oneBlock), text(readmeModel(8)), text(snakeCaseConfig(resolveConfig(oneBlock)))];

function attempt(bytes: Uint8Array): string | undefined {
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return "no JSON";
  }
  try {
    // The model has no weights: all its parts are created, without any device memory.
    new ErwinTransformer(config);
    return undefined;
  } catch (error) {
    if (error instanceof ErwinError) return error.message;
    throw error;
  }
}

it(
  "configs",
  async () => {
    const { inputs, refused } = await fuzz({ name: "configs", seeds, short: 400, attempt });
    expect(refused).toBeGreaterThan(inputs / 20);
    expect(refused).toBeLessThan(inputs);
  },
  2 ** 31 - 1,
);
