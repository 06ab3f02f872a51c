// The page for passkeys: shows what the server says as text, asks the device, sends back what it answers.

const here = location.pathname.replace(/\/$/, "");
const isConfirming = here.startsWith("/confirm/");
const at = (id) => document.getElementById(id);
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const armoured = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
let options = null;

function say(words, isWrong = false) {
  at("said").textContent = words;
  at("said").classList.toggle("wrong", isWrong);
}

async function asked(path, answer) {
  const sent = answer ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answer) } : {};
  const response = await fetch(path, sent);
  const told = await response.json();
  if (!response.ok) throw new Error(told.refused ?? told.detail ?? "Something went wrong. Open the link once more.");
  return told;
}

async function begin() {
  try {
    const told = await asked(`${here}/question`);
    options = told.options;
    if (isConfirming) showPlan(told);
    else showInvitation(told);
    if (!window.PublicKeyCredential) throw new Error("This browser knows no passkeys. Open the link on your phone, or in another browser.");
    at("go").hidden = false;
  } catch (failure) {
    if (!options) at("title").textContent = "Nothing to do here";
    say(failure.message, true);
  }
}

function showPlan(told) {
  const isUndo = told.purpose === "undo";
  at("title").textContent = isUndo ? `Take back ${told.case}?` : `Approve ${told.case}?`;
  at("who").textContent = `As ${told.as}. ${isUndo ? "What was done and will be undone, the last step first:" : "What will be done:"}`;
  for (const step of told.steps) {
    const line = document.createElement("li");
    const what = document.createElement("strong");
    what.textContent = step.what;
    const after = isUndo ? "Will be undone." : step.undo ? "Can be undone." : "CANNOT be undone.";
    line.append(what, ` ${step.on}. ${after}`);
    at("steps").append(line);
  }
  at("amount").textContent = told.amount ? `Amount: ${told.amount}` : "";
  // Words from outside come after the plan, and in quotation marks.
  at("about").textContent = `It is about: “${told.about}”`;
  at("note").textContent = told.note ? `Your reason: “${told.note}”` : "";
  at("go").textContent = isUndo ? "Take it back with my passkey" : "Approve with my passkey";
}

function showInvitation(told) {
  at("title").textContent = "Add a passkey";
  at("who").textContent = `For ${told.as}. What moves the most money is approved with it, and with nothing else. Use your own device.`;
  at("go").textContent = "Add a passkey";
}

function readable(list) {
  return (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
}

async function deviceAnswers() {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (isConfirming) {
    const found = await navigator.credentials.get({ publicKey: { ...publicKey, allowCredentials: readable(options.allowCredentials) } });
    const { clientDataJSON, authenticatorData, signature } = found.response;
    return envelope(found, { clientDataJSON, authenticatorData, signature });
  }
  const user = { ...options.user, id: bytes(options.user.id) };
  const made = await navigator.credentials.create({ publicKey: { ...publicKey, user, excludeCredentials: readable(options.excludeCredentials) } });
  const { clientDataJSON, attestationObject } = made.response;
  return envelope(made, { clientDataJSON, attestationObject });
}

function envelope(credential, parts) {
  const response = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, armoured(value)]));
  return { id: credential.id, rawId: credential.id, type: credential.type, clientExtensionResults: {}, response };
}

at("go").addEventListener("click", async () => {
  at("go").disabled = true;
  say("Your device asks you now…");
  try {
    const told = await asked(here, await deviceAnswers());
    at("go").hidden = true;
    say(told.said);
  } catch (failure) {
    // What the device says is for programmers; what the server says is for people.
    say(failure instanceof DOMException ? "Your device did not answer. Nothing was done; try again." : failure.message, true);
    at("go").disabled = false;
  }
});

begin();
