// The set-up that every page runs first, and the state that each page exposes to scripts.

import "./styles.css";
import { settleIsolation } from "./isolation.ts";

export type RunState = "idle" | "running" | "paused" | "done" | "failed" | "cancelled";

/** What a page is doing, for scripts that drive it: `globalThis.erwinPage`. */
export interface ErwinPage {
  state: RunState;
  /** The error, if the state is "failed". */
  error?: string;
  /** The benchmark's result, as `erwin bench --json` writes it. */
  result?: unknown;
  /** Training: the number of steps that are done, and the last one's loss. */
  step?: number;
  loss?: number;
  /** Explorer: the point that was clicked, and its receptive field by level. */
  selected?: { point: number; levels: unknown };
  /** Explorer: the number of frames that have been drawn. */
  frames?: number;
}

declare global {
  var erwinPage: ErwinPage;
}

/**
 * Sets up the page: colours, state, isolation. Controls that start something are disabled in the HTML by the attribute
 * `data-when-ready`, and enabled when this resolves; the page may be reloaded before that.
 */
export async function startPage(): Promise<ErwinPage> {
  globalThis.erwinPage = { state: "idle" };
  startThemeToggle();
  await settleIsolation();
  for (const control of document.querySelectorAll<HTMLButtonElement>("[data-when-ready]")) control.disabled = false;
  return globalThis.erwinPage;
}

/** Runs `listener` now and whenever the colours change, as they do for paper. */
export function onTheme(listener: (dark: boolean) => void): void {
  const call = () => listener(isDark());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", call);
  matchMedia("print").addEventListener("change", call);
  document.addEventListener("erwin-theme", call);
  call();
}

function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
}

function startThemeToggle(): void {
  const toggle = document.querySelector<HTMLButtonElement>("#theme-toggle")!;
  onTheme((dark) => toggle.setAttribute("aria-pressed", String(dark)));
  toggle.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("erwin-theme", theme);
    } catch {
      // Without storage, the choice lasts as long as the page.
    }
    document.dispatchEvent(new Event("erwin-theme"));
  });
}
