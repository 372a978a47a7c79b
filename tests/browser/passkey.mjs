// A passkey from its making to its removal, with Chromium's virtual device.
//
// node passkey.mjs ORIGIN ADDRESS LINK

import { axe, finish, givePassword, launch, person, signIn, watch } from "./harness.mjs";

const [origin, address, link] = process.argv.slice(2);
const ALICE = "alice@example.test";
const PASSWORD = "seven quiet harbour cranes";
const host = new URL(origin).hostname;
const browser = await launch({ names: { [host]: address } });
const faults = [];
let checked = 0;

function expect(what, is) {
  checked += 1;
  if (!is) faults.push(`expected: ${what}`);
}

const DOOR = "#passkey-sign-in button";
const text = (page) => page.innerText("main");

async function pressed(page, selector) {
  await Promise.all([page.waitForNavigation(), page.click(selector)]);
}

async function signOut(page) {
  await pressed(page, "form.sign-out button");
  await page.goto("/login");
}

async function withScripts() {
  const context = await person(browser, origin);
  const page = await context.newPage();
  const watched = watch(page, origin, ["422"]);
  const devices = await context.newCDPSession(page);
  await devices.send("WebAuthn.enable");
  const { authenticatorId } = await devices.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await signIn(page, ALICE, PASSWORD);
  await page.goto("/settings/security");
  await pressed(page, "text=Manage passkeys");
  for (const found of await axe(page)) faults.push(`passkeys: ${found}`);
  await page.fill("#passkey-register #name", "Harbour phone");
  await pressed(page, "#passkey-register button");
  expect("the passkey is listed", (await page.inputValue("#name-0")) === "Harbour phone");
  for (const found of await axe(page)) faults.push(`passkeys: ${found}`);
  const kept = await devices.send("WebAuthn.getCredentials", { authenticatorId });
  const credential = kept.credentials[0];
  expect("it can be discovered", credential?.isResidentCredential === true);
  expect("nobody is named in the handle", !atob(credential.userHandle).includes("alice"));
  // A device that has it already does not make another.
  await page.fill("#passkey-register #name", "Again");
  await page.click("#passkey-register button");
  await page.waitForSelector("#passkey-register .fault:not([hidden])");
  expect("not twice", (await page.locator("#name-1").count()) === 0);

  await signOut(page);
  await page.waitForSelector(DOOR);
  for (const found of await axe(page)) faults.push(`sign-in: ${found}`);
  await pressed(page, DOOR);
  expect("the passkey opens the mailbox", new URL(page.url()).pathname === "/m/inbox");

  await signOut(page);
  await devices.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.click(DOOR);
  await page.waitForSelector("#passkey-sign-in .fault:not([hidden])");
  expect("not without verification", new URL(page.url()).pathname === "/login");
  await devices.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });

  // A copy of the device from before.
  await devices.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
  await devices.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount: 0 } });
  await page.goto("/login");
  await pressed(page, DOOR);
  expect("a counter that went back is refused", (await text(page)).includes("That did not work"));

  await signIn(page, ALICE, PASSWORD);
  await page.goto("/settings/security/passkeys");
  await page.fill("#name-0", "Old phone");
  await pressed(page, "button[value=rename]");
  expect("it has another name", (await page.inputValue("#name-0")) === "Old phone");
  await pressed(page, "button[value=remove]");
  expect("it is gone", (await text(page)).includes("You have none yet"));
  await signOut(page);
  await pressed(page, DOOR);
  expect("it opens nothing", (await text(page)).includes("That did not work"));
  for (const fault of watched.faults()) faults.push(fault);
  await context.close();
}

async function withoutScripts() {
  const context = await person(browser, origin, { scripts: false });
  const page = await context.newPage();
  await page.goto("/login");
  expect("no button without scripts", !(await page.isVisible(DOOR)));
  await signIn(page, ALICE, PASSWORD);
  await page.goto("/settings/security/passkeys");
  expect("it is said why", (await text(page)).includes("They need JavaScript"));
  expect("no form without scripts", !(await page.isVisible("#passkey-register")));
  await context.close();
}

try {
  await givePassword(browser, link, ALICE, PASSWORD);
  await withScripts();
  await withoutScripts();
} catch (error) {
  faults.push(`${error.stack ?? error}`);
}
await browser.close();
finish("passkey", checked, faults);
