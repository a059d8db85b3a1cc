// Formats a result as Markdown, for issues and messages.

import { figure } from "../shared/format.ts";
import { deviceTitle, type Entry, shortHost } from "./entry.ts";
import { intervalText, timeText } from "./interval.ts";
import type { Score } from "./score.ts";

export function markdown(entry: Entry, score: Score | undefined): string {
  const { title, devices, measures, result } = entry;
  const facts = [
    result && `erwin ${result.version}`,
    result && shortHost(result.host),
    result?.machine && `${result.machine.cores} cores, ${result.machine.threads} threads`,
    result?.date.slice(0, 10),
  ];
  const described = devices.map(({ name, description, answer, note }) => {
    const text = description?.description ?? "none";
    const right = answer
      ? answer.right
        ? "right answer"
        : `WRONG ANSWER, off by ${answer.difference.toExponential(1)}`
      : "";
    return `- ${deviceTitle(name)}: ${[text, right, note].filter(Boolean).join("; ")}`;
  });
  const parts =
    score &&
    `${figure(score.ratio)} (${score.parts.map(({ title, ratio }) => `${title.toLowerCase()} ${figure(ratio)}`).join(", ")})`;
  const rows = measures.flatMap(({ name, device, time, gigaflops, reached }) =>
    time
      ? [
          [
            name,
            device ? deviceTitle(device) : "",
            timeText(time),
            intervalText(time) ?? "",
            gigaflops === undefined ? "" : figure(gigaflops),
            reached === undefined ? "" : `${Math.round(100 * reached)} %`,
          ],
        ]
      : [],
  );
  const lines = [["case", "on", "median", "95 %", "GFLOP/s", "of roofline"], Array(6).fill("---"), ...rows];
  return [
    `**${title}**: ${facts.filter(Boolean).join(", ")}`,
    "",
    ...(parts ? [`Score: ${parts}`, ""] : []),
    ...described,
    "",
    ...lines.map((cells) => `| ${cells.join(" | ")} |`),
    "",
  ].join("\n");
}
