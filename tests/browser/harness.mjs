// Drives Debian's Chromium: pages that are watched, people who sign in, pictures, axe.
//
// Every page made here records what must not happen: a request to another origin, a script that
// runs where none may, an error on the console, a navigation of the top. `faults()` says what was seen.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);

/** What vectors call `alarm()` becomes this: a word on the console, seen from every frame. */
export const ALARM = "console.error(/ALARM/)";

/** The sizes and schemes that pictures are taken in. */
export const LOOKS = [
  { name: "390-light", width: 390, height: 844, colorScheme: "light" },
  { name: "390-dark", width: 390, height: 844, colorScheme: "dark" },
  { name: "1440-light", width: 1440, height: 900, colorScheme: "light" },
  { name: "1440-dark", width: 1440, height: 900, colorScheme: "dark" },
];

/**
 * Starts the browser. Nothing it does by itself may reach the network. `names` are host names and
 * the addresses they stand for; their certificates are those of the test.
 */
export async function launch({ names = {} } = {}) {
  const known = Object.entries(names).map(([name, address]) => `MAP ${name} ${address}, `);
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-default-apps",
      "--disable-sync",
      "--no-first-run",
      `--host-resolver-rules=${known.join("")}MAP * ~NOTFOUND, EXCLUDE 127.*, EXCLUDE localhost`,
      // Passkeys want a connection without faults; elsewhere contexts ignore them one by one.
      ...(known.length > 0 ? ["--ignore-certificate-errors"] : []),
    ],
  });
}

/**
 * A context for one person. `scripts: false` is a browser with JavaScript off.
 * Certificates are those of the test.
 */
export async function person(browser, origin, { scripts = true, look = LOOKS[2], ...more } = {}) {
  const context = await browser.newContext({
    baseURL: origin,
    javaScriptEnabled: scripts,
    ignoreHTTPSErrors: true,
    viewport: { width: look.width, height: look.height },
    colorScheme: look.colorScheme,
    reducedMotion: "reduce",
    ...more,
  });
  context.setDefaultTimeout(15_000);
  return context;
}

/**
 * Watches a page. `allowed` are console texts that are part of a flow (a 401 on purpose, for
 * example).
 */
export function watch(page, origin, allowed = []) {
  const seen = [];
  const own = new URL(origin).origin;
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${own}/`) && !url.startsWith("data:") && url !== "about:blank") {
      seen.push(`request to ${url}`);
    }
  });
  page.on("console", (message) => {
    const text = message.text();
    // Only the word by itself: messages about what was blocked quote it.
    if (text === "/ALARM/") seen.push(`a script ran in ${message.location().url}`);
    else if (message.type() === "error" && !allowed.some((one) => text.includes(one))) {
      seen.push(`console: ${text} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => seen.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    seen.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("popup", (popup) => seen.push(`window: ${popup.url()}`));
  page.on("download", (download) => seen.push(`download: ${download.url()}`));
  return {
    /** What was seen since the last time. */
    faults: () => seen.splice(0),
  };
}

/** Signs somebody in through the form, as a person would. */
export async function signIn(page, address, password) {
  await page.goto("/login");
  await page.fill("input[type=email], input[name=address]", address);
  await page.fill("input[type=password]", password);
  await Promise.all([page.waitForNavigation(), page.click("main form button[type=submit], main form button:not([type])")]);
}

/** Gives a user a password: the administrator of `link` signs in and sets it. */
export async function givePassword(browser, link, address, password) {
  const context = await person(browser, new URL(link).origin);
  const page = await context.newPage();
  await page.goto(link);
  await page.fill("#password", "many small lighthouses blink");
  await page.fill("#again", "many small lighthouses blink");
  await Promise.all([page.waitForNavigation(), page.click("main form button")]);
  const token = await page.textContent("code.token");
  const answer = await context.request.put("/api/v1/mailbox/password", {
    params: { address },
    headers: { authorization: `Bearer ${token.trim()}` },
    data: { password },
  });
  if (!answer.ok()) throw new Error(`no password: ${answer.status()} ${await answer.text()}`);
  await context.close();
}

/** What axe finds on a page: one line each; empty is what is wanted. */
export async function axe(page) {
  const source = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, {
      iframes: false,
      runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
    }),
  );
  return result.violations.map(
    (violation) =>
      `${violation.id}: ${violation.help} (${violation.nodes.map((node) => node.target.join(" ")).join("; ")})`,
  );
}

/** Takes the four pictures of a page into `folder`; none without a folder. */
export async function pictures(page, folder, name) {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const before = page.viewportSize();
  for (const look of LOOKS) {
    await page.setViewportSize({ width: look.width, height: look.height });
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: join(folder, `${name}-${look.name}.png`), fullPage: false });
  }
  if (before) await page.setViewportSize(before);
}

/** Says how a run ended, in the form that the Rust side reads, and ends it. */
export function finish(name, checked, faults) {
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(`${name}: ${checked} checked, ${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}
