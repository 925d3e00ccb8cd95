/*
 * The theme, before the first paint: the only script that blocks, so that a dark page does not
 * flash white. Kept apart because the content security policy allows no inline script.
 */
try {
  const theme = localStorage.getItem("heatwatt-theme");
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset["theme"] = theme;
  }
} catch {
  // storage refused by the browser: the system's theme it is
}
export {};
