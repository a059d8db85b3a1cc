// Where a measured tuning is kept between runs: in a file that is named, else where the host has localStorage (pages, Deno).

import { version } from "../../../package.json";
import { nodeModule } from "../../host/environment.ts";
import type { DeviceInfo, ProductTuning } from "../device.ts";
import { TILES } from "./products.ts";

/** What is kept, by adapter. */
type Kept = Record<string, ProductTuning>;

export interface TuningStore {
  read(): ProductTuning | undefined;
  write(tuning: ProductTuning): void;
}

const NAME = "erwin-tuning";

/** Another version's kernels, and the same adapter in another host, are other programs. */
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
        // Whole at any time: several programs may share it.
        fs.writeFileSync(`${path}.unfinished`, text);
        fs.renameSync(`${path}.unfinished`, path);
      },
    }
  );
}

/** Hosts without localStorage, and pages that may not use it, measure anew each time. */
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

/** Anything may stand there. */
function parse(text: string | undefined): Kept {
  try {
    const kept = JSON.parse(text ?? "{}");
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {};
  }
}

function isTuning(value: Partial<ProductTuning> | undefined): value is ProductTuning {
  const { tile, fewTiles } = value ?? {};
  return (
    typeof fewTiles === "number" && TILES.some(({ rows, columns }) => rows === tile?.rows && columns === tile?.columns)
  );
}
