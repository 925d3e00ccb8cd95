/*
 * Instants in the site's time zone, which need not be the browser's. The device names the zone; a
 * browser that does not know it falls back to UTC and the page says so.
 */

type Style = "clock" | "zone" | "minute" | "day" | "daytime" | "full" | "date";

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  zone: { hour: "numeric", timeZoneName: "short" },
  minute: { hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", day: "numeric" },
  daytime: { weekday: "short", hour: "2-digit", minute: "2-digit" },
  full: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  date: { weekday: "short", day: "numeric", month: "short" },
};

const formats = new Map<string, Intl.DateTimeFormat>();

export function usableZone(zone: string | undefined): string {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: zone });
    return zone ?? "UTC";
  } catch {
    return "UTC";
  }
}

export function at(ms: number, zone: string, style: Style): string {
  const key = `${style} ${zone}`;
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...STYLES[style] });
    formats.set(key, f);
  }
  return f.format(ms);
}

/* "GMT", "CEST", "UTC+5:30": what the zone is called at that instant. */
export function zoneName(ms: number, zone: string): string {
  return at(ms, zone, "zone").replace(/^\S+\s*/, "");
}
