// A user in an outage, with scripts on and off. Every page is asked by axe in light and dark and at
// 320 px; PICTURES=folder keeps pictures of all of them.
//
// node portal.mjs prepare|outage|after ORIGIN LINK
// node portal.mjs state ORIGIN LINK NAME WORDS: the pages while the server is in one state

import { createHmac } from "node:crypto";
import { axe, finish, givePassword, launch, person, pictures, signIn, watch } from "./harness.mjs";

const [phase, origin, link, state, words] = process.argv.slice(2);
const ALICE = "alice@example.test";
const PASSWORD = "seven quiet harbour cranes";
const folder = process.env.PICTURES;
const browser = await launch();
const faults = [];
let checked = 0;

function expect(what, is) {
  checked += 1;
  if (!is) faults.push(`expected: ${what}`);
}

/** Looks at a page as it is: pictures, axe in both schemes, no scrolling sideways at 320 px. */
async function inspect(page, name) {
  await pictures(page, folder, name);
  const before = page.viewportSize();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const found of await axe(page)) faults.push(`${name} (${colorScheme}): ${found}`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (wide) faults.push(`${name}: scrolls sideways at 320 px`);
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  checked += 1;
}

const text = (page) => page.innerText("body");

async function send(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
  await Promise.all([page.waitForNavigation(), page.click("button[value=send]")]);
}

async function read(scripts) {
  const context = await person(browser, origin, { scripts });
  const page = await context.newPage();
  const watched = watch(page, origin);
  await page.goto("/");
  if (scripts) await inspect(page, "sign-in");
  await signIn(page, ALICE, PASSWORD);
  let seen = await text(page);
  expect("the list after sign-in", seen.includes("Lunch on Friday") && seen.includes("Harbour News"));
  expect("the outage on every page", seen.includes("has been down") || seen.includes("is down"));
  if (scripts) await inspect(page, "inbox");
  await page.click("text=What is new at the harbour");
  await page.waitForSelector("iframe.mail");
  const frame = page.frameLocator("iframe.mail");
  expect("the newsletter in its frame", (await frame.locator("h1").innerText()) === "Ahoy");
  seen = await text(page);
  expect("what was blocked", seen.includes("1 image was not loaded") && seen.includes("berths.csv"));
  if (scripts) await inspect(page, "reader-html");
  await page.goto("/m/inbox?q=invoice");
  expect("search", (await text(page)).includes("Invoice 4711"));
  if (scripts) await inspect(page, "search");
  await page.goto("/m/inbox?q=nothing-like-this");
  if (scripts) await inspect(page, "search-empty");
  for (const fault of watched.faults()) faults.push(`scripts ${scripts}: ${fault}`);
  await context.close();
}

async function write() {
  const context = await person(browser, origin);
  const page = await context.newPage();
  const watched = watch(page, origin, ["422"]);
  await signIn(page, ALICE, PASSWORD);
  // One credential for mailbox and settings (C24).
  await page.goto("/settings/writing");
  await page.selectOption("#undo_seconds", "0");
  await page.fill("#display_name", "Alice Pier");
  await page.click("main form.form button[type=submit]");
  await inspect(page, "settings-writing");
  await page.goto("/m/inbox");
  await page.click("text=Lunch on Friday");
  await page.waitForSelector(".toolbar");
  await inspect(page, "reader-text");
  await page.click("[data-key=r]");
  await page.waitForSelector("form.compose");
  expect("the quote", (await page.inputValue("#text")).includes("> We could meet at the pier."));
  await inspect(page, "compose");
  await send(page, { to: "bob@example.test, nobody", text: "With pleasure." });
  expect("what is wrong is named", (await text(page)).includes("is not an email address"));
  await inspect(page, "compose-fault");
  await send(page, { to: "bob@example.test" });
  await inspect(page, "outbox");

  // Another page of hers is open; a message to herself is on it without a reload.
  const open = await context.newPage();
  await open.goto("/m/inbox");
  await open.waitForLoadState("load");
  await page.goto("/compose");
  await send(page, { to: ALICE, subject: "Note to myself", text: "Buy rope." });
  await open.waitForSelector("text=Note to myself", { timeout: 10_000 });
  expect("live", true);

  await page.goto("/m/sent");
  await page.waitForFunction(() => document.querySelectorAll(".line").length === 2 || location.reload());
  await page.click("text=Re: Lunch on Friday");
  await page.waitForSelector(".message .bar");
  const seen = await text(page);
  expect("the copy waits", seen.includes("A copy waits for your normal mailbox"));
  expect("Bob's server waits", seen.includes("Still on its way to bob@example.test"));
  await inspect(page, "sent");
  for (const [path, name] of [
    ["/drafts", "drafts"],
    ["/m/trash", "trash-empty"],
    ["/status", "status"],
    ["/help", "help"],
    ["/settings/reading", "settings-reading"],
    ["/settings/sessions", "settings-sessions"],
    ["/m/inbox/0-00000000000000000000", "gone"],
  ]) {
    await page.goto(path);
    await inspect(page, name);
  }
  for (const fault of watched.faults().filter((fault) => !fault.includes("410 (Gone)"))) faults.push(fault);
  await context.close();
}

async function after() {
  const context = await person(browser, origin);
  const page = await context.newPage();
  await signIn(page, ALICE, PASSWORD);
  await page.goto("/m/sent");
  await page.click("text=Re: Lunch on Friday");
  await page.waitForSelector(".message .bar");
  const seen = await text(page);
  expect("the copy has arrived", seen.includes("A copy has reached your normal mailbox"));
  expect("everybody has it", seen.includes("Everybody has got this message"));
  await inspect(page, "sent-delivered");
  await context.close();
}

/** The list and the page of the server's state, as they are in one state, in both languages. */
async function inState() {
  const context = await person(browser, origin);
  const page = await context.newPage();
  const watched = watch(page, origin);
  await signIn(page, ALICE, PASSWORD);
  await page.goto("/m/inbox");
  const banner = await page.innerText("#state");
  expect(`the banner says "${words}", not "${banner}"`, words === "-" ? banner === "" : banner.includes(words));
  await inspect(page, `state-${state}-list`);
  await page.goto("/status");
  await inspect(page, `state-${state}`);
  for (const fault of watched.faults()) faults.push(fault);
  await context.close();
  const german = await person(browser, origin, { locale: "de-DE" });
  const other = await german.newPage();
  await signIn(other, ALICE, PASSWORD);
  await other.goto("/status");
  expect("German", (await text(other)).includes("Die letzten 30 Tage"));
  await inspect(other, `state-${state}-de`);
  await german.close();
}

/** The code of an authenticator now (RFC 6238). */
function totp(secret) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/\s/g, "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Settings of security, and signing in with a second factor. */
async function secure() {
  const context = await person(browser, origin);
  const page = await context.newPage();
  await signIn(page, ALICE, PASSWORD);
  await page.goto("/settings/security");
  await inspect(page, "settings-security");
  await page.goto("/settings/security/setup");
  await inspect(page, "settings-second-factor");
  const secret = await page.innerText("main code");
  await page.fill("#first", totp(secret));
  await page.fill("main input[type=password]", PASSWORD);
  await Promise.all([page.waitForNavigation(), page.click("main form.form button.primary")]);
  expect("recovery codes", (await page.locator(".codes li").count()) === 10);
  await inspect(page, "settings-recovery-codes");
  await context.close();
  const again = await person(browser, origin);
  const other = await again.newPage();
  await signIn(other, ALICE, PASSWORD);
  expect("the second step", other.url().includes("/login/2fa"));
  await inspect(other, "sign-in-second-step");
  await other.goto("/forgot");
  await inspect(other, "forgot");
  await again.close();
}

try {
  if (phase === "prepare") {
    await givePassword(browser, link, ALICE, PASSWORD);
  } else if (phase === "state") {
    await inState();
  } else if (phase === "outage") {
    await read(true);
    await read(false);
    await write();
  } else {
    await after();
    await secure();
  }
} catch (error) {
  faults.push(`${error.stack ?? error}`);
}
await browser.close();
finish(`portal ${phase}`, checked, faults);
