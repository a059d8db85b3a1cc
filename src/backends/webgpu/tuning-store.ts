// Stores a measured tuning between runs: in a given file, otherwise in localStorage if the host has it (pages, Deno).

import { version } from "../../../package.json";
import { nodeModule } from "../../host/environment.ts";
import type { DeviceInfo, ProductTuning } from "../device.ts";
import { sameTile, TILES } from "./products.ts";

/** The stored tunings, by adapter. */
type Tunings = Record<string, ProductTuning>;

export interface TuningStore {
  read(): ProductTuning | undefined;
  write(tuning: ProductTuning): void;
}

const NAME = "erwin-tuning";

/** The key of an adapter. Other versions have other kernels, and other hosts compile them in other ways. */
const keyOf = ({ description, vendor, architecture, features }: DeviceInfo) =>
  [version, vendor, architecture, description, [...features].sort().join()].join("|");

/**
 * @param mode a path, or "on" or undefined
 */
export function openTuningStore(info: DeviceInfo, mode: string | undefined): TuningStore {
  const place = mode !== undefined && mode !== "on" ? filePlace(mode) : localPlace();
  const key = keyOf(info);
  return {
    read: () => {
      const found = parse(place?.read())[key];
      return isTuning(found) ? found : undefined;
    },
    write: (tuning) => place?.write(JSON.stringify({ ...parse(place.read()), [key]: tuning })),
  };
}

interface Place {
  read(): string | undefined;
  write(text: string): void;
}

function filePlace(path: string): Place | undefined {
  const fs = nodeModule<typeof import("node:fs")>("node:fs");
  return (
    fs && {
      read: () => (fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined),
      write: (text) => {
        // Several programs may share the file, so it is replaced as a whole.
        fs.writeFileSync(`${path}.unfinished`, text);
        fs.renameSync(`${path}.unfinished`, path);
      },
    }
  );
}

/** Without localStorage, and on pages that may not use it, every run measures anew. */
function localPlace(): Place | undefined {
  try {
    const { localStorage } = globalThis as { localStorage?: Storage };
    return (
      localStorage && {
        read: () => localStorage.getItem(NAME) ?? undefined,
        write: (text) => localStorage.setItem(NAME, text),
      }
    );
  } catch {
    return undefined;
  }
}

/** The text may be anything. */
function parse(text: string | undefined): Tunings {
  try {
    const tunings = JSON.parse(text ?? "{}");
    return typeof tunings === "object" && tunings !== null ? tunings : {};
  } catch {
    return {};
  }
}

function isTuning(value: Partial<ProductTuning> | undefined): value is ProductTuning {
  const { tile, fewTiles } = value ?? {};
  return typeof fewTiles === "number" && TILES.some((known) => tile && sameTile(tile, known));
}
