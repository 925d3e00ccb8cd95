/* Light, dark, or as the system has it; remembered in this browser only. */
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const KEY = "heatwatt-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme {
  const t = document.documentElement.dataset["theme"];
  return t === "light" || t === "dark" ? t : "auto"; // boot.ts read the storage
}

export const theme = signal<Theme>(stored());
/* What is on the screen: charts draw on a canvas and must be told. */
export const shown = signal<"light" | "dark">(dark.matches ? "dark" : "light");

effect(() => {
  const t = theme.value;
  if (t === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = t;
  shown.value = t === "auto" ? (dark.matches ? "dark" : "light") : t;
  try {
    if (t === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, t);
  } catch {
    // storage refused: the choice lasts as long as the page
  }
});
dark.addEventListener("change", () => {
  if (theme.value === "auto") shown.value = dark.matches ? "dark" : "light";
});

const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
export const cycleTheme = () => (theme.value = NEXT[theme.value]);
