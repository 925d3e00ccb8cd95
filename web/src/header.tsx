/* Name of the site, the connection, provenance, the device's clock, the theme. */
import { span } from "./format";
import { link, live, silentMs, zone, type Link } from "./live";
import { cycleTheme, theme, type Theme } from "./theme";
import { at, zoneName } from "./time";
import type { Provenance } from "./api";

const LINKS: Record<Link, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  lost: "Connection lost",
};

function Connection() {
  const now = live.value;
  const state = link.value;
  return (
    <p class={`link ${state}`}>
      <span class="dot" aria-hidden="true" />
      <span role="status">{LINKS[state]}</span>
      {state === "lost" && now && <span>{` since ${at(now.time, zone.value, "minute")} (${span(silentMs.value)})`}</span>}
    </p>
  );
}

const ORIGINS: Record<Provenance, { text: string; title: string } | null> = {
  measured: null,
  simulated: { text: "Simulated", title: "These values come from a virtual plant, not from real meters" },
  imported: { text: "Imported", title: "These values come from another system" },
};

export function Badge({ provenance }: { provenance: Provenance }) {
  const badge = ORIGINS[provenance];
  return badge && <span class={`badge ${provenance}`} title={badge.title}>{badge.text}</span>;
}

const CLOCKS: Record<string, string> = {
  unsynced: "not synchronised",
  unknown: "clock not set",
  plant: "plant time",
};

function Clock() {
  const now = live.value;
  if (!now) return null;
  const doubt = CLOCKS[now.clock.quality] ?? at(now.time, zone.value, "date");
  return (
    <p class="clock">
      <time dateTime={new Date(now.time).toISOString()}>{at(now.time, zone.value, "clock")}</time>
      <span class="note">{`${zoneName(now.time, zone.value)}, ${doubt}`}</span>
    </p>
  );
}

const THEMES: Record<Theme, { name: string; icon: string }> = {
  auto: { name: "as the system", icon: "M12 3a9 9 0 0 1 0 18z M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z" },
  light: {
    name: "light",
    icon: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z M12 2v2 M12 20v2 M2 12h2 M20 12h2 M5 5l1.4 1.4 M17.6 17.6 19 19 M5 19l1.4-1.4 M17.6 6.4 19 5",
  },
  dark: { name: "dark", icon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" },
};

function ThemeButton() {
  const t = THEMES[theme.value];
  return (
    <button type="button" class="icon" onClick={cycleTheme} aria-label={`Colours: ${t.name}. Change`} title={`Colours: ${t.name}`}>
      <svg viewBox="0 0 24 24" aria-hidden="true" class={theme.value}><path d={t.icon} /></svg>
    </button>
  );
}

export function Header() {
  const now = live.value;
  return (
    <header class="top">
      <div class="topbar">
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M4 19h6l3-9 5 14 4-9 2 4h4" />
        </svg>
        <div class="site">
          <h1>{now?.site || "heatwatt"}</h1>
          <div class="state">
            <Connection />
            {now && <Badge provenance={now.provenance} />}
          </div>
        </div>
        <Clock />
        <ThemeButton />
      </div>
    </header>
  );
}
