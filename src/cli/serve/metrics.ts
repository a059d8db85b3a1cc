// The metrics of a service, in the text format of Prometheus.

/** The upper bounds of the histogram's buckets, in seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Metrics {
  readonly #requests = new Map<number, number>();
  readonly #times = new Array<number>(BOUNDS.length).fill(0);
  #timed = 0;
  #seconds = 0;

  /** Counts an answer to a request for a prediction. */
  count(status: number, seconds: number): void {
    this.#requests.set(status, (this.#requests.get(status) ?? 0) + 1);
    if (status !== 200) return;
    this.#timed++;
    this.#seconds += seconds;
    for (const [i, bound] of BOUNDS.entries()) if (seconds <= bound) this.#times[i]++;
  }

  /** @param more further metrics, with their kind and meaning */
  format(more: readonly { name: string; kind: "gauge" | "counter"; help: string; value: number }[]): string {
    const head = (name: string, kind: string, help: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`];
    const seconds = "erwin_request_seconds";
    const lines = [
      ...head("erwin_requests_total", "counter", "Requests for predictions by the status of their answers."),
      ...[...this.#requests].sort().map(([status, count]) => `erwin_requests_total{status="${status}"} ${count}`),
      ...head(seconds, "histogram", "Seconds from a request's first byte to its answer, of those that were predicted."),
      ...BOUNDS.map((bound, i) => `${seconds}_bucket{le="${bound}"} ${this.#times[i]}`),
      ...[`${seconds}_bucket{le="+Inf"} ${this.#timed}`, `${seconds}_sum ${this.#seconds}`],
      `${seconds}_count ${this.#timed}`,
      ...more.flatMap(({ name, kind, help, value }) => [...head(name, kind, help), `${name} ${value}`]),
    ];
    return `${lines.join("\n")}\n`;
  }
}
