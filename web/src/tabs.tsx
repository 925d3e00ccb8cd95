/* The way about on a phone: five links at the thumb; the one in view is marked. */
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";

const TABS = [["now", "Now"], ["trend", "Trend"], ["circuits", "Circuits"], ["waveform", "Waveform"], ["health", "Health"]] as const;

const inView = signal<string>("now");

/* The last section whose top has passed the upper third of the window. */
function look() {
  const line = innerHeight / 3;
  const passed = TABS.filter(([id]) => (document.getElementById(id)?.getBoundingClientRect().top ?? Infinity) < line);
  const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
  inView.value = (atEnd ? TABS[TABS.length - 1] : passed[passed.length - 1])?.[0] ?? "now";
}

export function Tabs() {
  useEffect(() => {
    addEventListener("scroll", look, { passive: true });
    return () => removeEventListener("scroll", look);
  }, []);
  return (
    <nav class="tabs" aria-label="Sections">
      {TABS.map(([id, name]) => (
        <a key={id} href={`#${id}`} {...(inView.value === id ? { "aria-current": "location" } : {})}>{name}</a>
      ))}
    </nav>
  );
}
