/*
 * Instants in the site's time zone, which need not be the browser's. The device names the zone; a
 * browser that does not know it falls back to UTC and the page says so.
 */

type Style = "clock" | "zone" | "minute" | "day" | "daytime" | "full" | "date" | "dated";

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  zone: { hour: "numeric", timeZoneName: "short" },
  minute: { hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", day: "numeric" },
  daytime: { weekday: "short", hour: "2-digit", minute: "2-digit" },
  full: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  date: { weekday: "short", day: "numeric", month: "short" },
  dated: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
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

const walls = new Map<string, Intl.DateTimeFormat>();

/* "2026-11-20T14:05": an instant on the zone's wall, as a field of date and time has it. */
export function wall(ms: number, zone: string): string {
  let f = walls.get(zone);
  if (!f) {
    const two = "2-digit";
    f = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: two, day: two, hour: two, minute: two });
    walls.set(zone, f);
  }
  const part = Object.fromEntries(f.formatToParts(ms).map((p) => [p.type, p.value]));
  return `${part["year"]}-${part["month"]}-${part["day"]}T${part["hour"]}:${part["minute"]}`;
}

/*
 * The instant of a wall's time; null: it is none. An hour that the wall has twice is the first, one
 * that it skips is as if the clock had not been changed.
 */
export function instant(text: string, zone: string): number | null {
  const utc = (t: string) => Date.parse(`${t.slice(0, 16)}Z`);
  const want = utc(text);
  if (Number.isNaN(want)) return null;
  // clocks are changed by less than a day: one of these is the zone's distance before, one behind
  const before = want - (utc(wall(want - 86_400_000, zone)) - (want - 86_400_000));
  const behind = want - (utc(wall(want + 86_400_000, zone)) - (want + 86_400_000));
  return utc(wall(before, zone)) === want || utc(wall(behind, zone)) !== want ? before : behind;
}
