/* Debian's Chromium under playwright-core (installed in web/), and a page that is watched. */
import { createRequire } from "node:module";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";

/* A browser with a user directory of its own, which goes with it; without one all tests skip. */
export async function openBrowser(options = {}) {
  if (!existsSync(BROWSER)) {
    console.log(`1..0 # SKIP there is no ${BROWSER} (set CHROMIUM to another)`);
    process.exit(0);
  }
  const dir = mkdtempSync(join(tmpdir(), "heatwatt-web-"));
  const context = await chromium.launchPersistentContext(dir, {
    executablePath: BROWSER,
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 900 },
    ...options,
  });
  const close = async () => {
    await context.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { context, close };
}

/* A new page; notes what it asks of whom, what it logs as errors, and what it throws. */
export async function openPage(context, url) {
  const page = await context.newPage();
  const seen = { errors: [], hosts: new Map() };
  page.on("console", (m) => m.type() === "error" && seen.errors.push(m.text()));
  page.on("pageerror", (e) => seen.errors.push(e.message));
  page.on("request", (r) => {
    const { origin, protocol } = new URL(r.url());
    if (protocol !== "data:" && protocol !== "blob:") seen.hosts.set(origin, r.url());
  });
  await page.goto(url, { waitUntil: "load" });
  return { page, seen };
}

/* Pixels of a chart's canvas that are not transparent, and how many colours they have. */
export function ink(page, chart) {
  return page.evaluate((n) => {
    const canvas = document.querySelectorAll(".chart canvas")[n];
    if (!canvas || canvas.width === 0) return { drawn: 0, colours: 0 };
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    let drawn = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] < 128) continue;
      drawn++;
      colours.add((data[i] >> 5) * 64 + (data[i + 1] >> 5) * 8 + (data[i + 2] >> 5));
    }
    return { drawn, colours: colours.size };
  }, chart);
}
