// Passkeys: the forms are there without this file, but hidden, because only a script can ask a
// device. What the device answers goes into the form's fields and is sent as any other form.

const encoded = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const decoded = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

/** Fills the fields of a form with what a device answered. */
function fill(form, values) {
  for (const [name, value] of Object.entries(values)) form.elements[name].value = encoded(value);
}

/** Shows a form, and asks the device before it is sent. */
function offer(form, ask) {
  let busy = false;
  const fault = form.querySelector(".fault");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    fault.hidden = true;
    try {
      await ask(form);
      form.submit();
    } catch {
      // Called off by its owner, too late, or no such passkey: browsers tell no difference.
      fault.hidden = false;
      busy = false;
    }
  });
  form.hidden = false;
  document.getElementById("passkey-missing")?.setAttribute("hidden", "");
}

async function signIn(form) {
  const answer = await fetch(form.action, { credentials: "same-origin" });
  if (!answer.ok) throw new Error("no challenge");
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge: decoded(await answer.text()),
      rpId: form.dataset.site,
      userVerification: "required",
      timeout: 240_000,
    },
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  fill(form, {
    id: credential.rawId,
    handle: userHandle ?? new ArrayBuffer(0),
    client: clientDataJSON,
    authenticator: authenticatorData,
    signature,
  });
}

async function register(form) {
  const { site, challenge, handle, address, present } = form.dataset;
  const credential = await navigator.credentials.create({
    publicKey: {
      challenge: decoded(challenge),
      rp: { id: site, name: "Mailhold" },
      user: { id: decoded(handle), name: address, displayName: address },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: {
        residentKey: "required",
        requireResidentKey: true,
        userVerification: "required",
      },
      attestation: "none",
      excludeCredentials: present
        .split(" ")
        .filter(Boolean)
        .map((id) => ({ type: "public-key", id: decoded(id) })),
      timeout: 240_000,
    },
  });
  fill(form, {
    client: credential.response.clientDataJSON,
    authenticator: credential.response.getAuthenticatorData(),
  });
}

if (window.PublicKeyCredential && navigator.credentials) {
  for (const [id, ask] of [
    ["passkey-sign-in", signIn],
    ["passkey-register", register],
  ]) {
    const form = document.getElementById(id);
    if (form) offer(form, ask);
  }
}
