// The page's worker reads files, builds trees and computes drawings, so that the page stays responsive.

import { expose, transfer } from "comlink";
import { answerPage } from "../shared/signs-of-life.ts";
import { Explorer } from "./explorer.ts";

const explorer = new Explorer();

/** Transfers the arrays of a reply to the page, without copying them. */
function moved<Answer extends object>(answer: Answer): Answer {
  const buffers = new Set<ArrayBufferLike>();
  const collect = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(collect);
  };
  collect(answer);
  return transfer(answer, [...buffers] as Transferable[]);
}

const answers = {
  open: async (...[source]: Parameters<Explorer["open"]>) => moved(await explorer.open(source)),
  openModel: (...[file]: Parameters<Explorer["openModel"]>) => explorer.openModel(file),
  build: (...[settings]: Parameters<Explorer["build"]>) => explorer.build(settings),
  draw: (...[request]: Parameters<Explorer["draw"]>) => moved(explorer.draw(request)),
  spheres: (...[cut, rotated]: Parameters<Explorer["spheres"]>) => moved(explorer.spheres(cut, rotated)),
  graph: async (...[kind]: Parameters<Explorer["graph"]>) => moved(await explorer.graph(kind)),
  attention: async (...[settings]: Parameters<Explorer["attention"]>) => moved(await explorer.attention(settings)),
  select: async (...[point, reach]: Parameters<Explorer["select"]>) => moved(await explorer.select(point, reach)),
};

export type ExplorerWorker = typeof answers;

answerPage();
expose(answers);
