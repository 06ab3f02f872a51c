// The page for passkeys: shows what the server sends as text, lets the device sign, sends the result.

const path = location.pathname.replace(/\/$/, "");
const isConfirmation = path.startsWith("/confirm/");
const element = (id) => document.getElementById(id);
let options = null;

function decodeBase64Url(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function encodeBase64Url(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function showMessage(text, isError = false) {
  element("message").textContent = text;
  element("message").classList.toggle("wrong", isError);
}

async function fetchJson(url, request = {}) {
  const response = await fetch(url, request);
  const content = await response.json();
  if (!response.ok) {
    throw new Error(content.refused ?? content.detail ?? "Something went wrong. Open the link once more.");
  }
  return content;
}

function postJson(url, content) {
  return fetchJson(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
  });
}

async function showQuestion() {
  try {
    const question = await fetchJson(`${path}/question`);
    options = question.options;
    if (isConfirmation) showPlan(question);
    else showInvitation(question);
    if (!window.PublicKeyCredential) {
      throw new Error("This browser knows no passkeys. Open the link on your phone, or in another browser.");
    }
    element("confirm").hidden = false;
  } catch (failure) {
    if (!options) element("title").textContent = "Nothing to do here";
    showMessage(failure.message, true);
  }
}

function showPlan(plan) {
  const isUndo = plan.purpose === "undo";
  const intent = isUndo ? "What was done and will be undone, the last step first:" : "What will be done:";
  element("title").textContent = isUndo ? `Take back ${plan.case}?` : `Approve ${plan.case}?`;
  element("who").textContent = `As ${plan.as}. ${intent}`;
  element("steps").append(...plan.steps.map((step) => stepItem(step, isUndo)));
  element("amount").textContent = plan.amount ? `Amount: ${plan.amount}` : "";
  // Text from outside comes after the plan, and in quotation marks.
  element("about").textContent = `It is about: “${plan.about}”`;
  element("note").textContent = plan.note ? `Your reason: “${plan.note}”` : "";
  element("confirm").textContent = isUndo ? "Take it back with my passkey" : "Approve with my passkey";
}

function stepItem(step, isUndo) {
  const item = document.createElement("li");
  const summary = document.createElement("strong");
  summary.textContent = step.what;
  item.append(summary, ` ${step.on}. ${undoText(step, isUndo)}`);
  return item;
}

function undoText(step, isUndo) {
  if (isUndo) return "Will be undone.";
  return step.undo ? "Can be undone." : "CANNOT be undone.";
}

function showInvitation(invitation) {
  element("title").textContent = "Add a passkey";
  element("who").textContent = `For ${invitation.as}. What moves the most money is approved with it, and with nothing else. Use your own device.`;
  element("confirm").textContent = "Add a passkey";
}

function decodeCredentials(credentials) {
  return (credentials ?? []).map((credential) => ({ ...credential, id: decodeBase64Url(credential.id) }));
}

async function signChallenge() {
  const publicKey = {
    ...options,
    challenge: decodeBase64Url(options.challenge),
    allowCredentials: decodeCredentials(options.allowCredentials),
  };
  const credential = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature } = credential.response;
  return encodeCredential(credential, { clientDataJSON, authenticatorData, signature });
}

async function createPasskey() {
  const publicKey = {
    ...options,
    challenge: decodeBase64Url(options.challenge),
    user: { ...options.user, id: decodeBase64Url(options.user.id) },
    excludeCredentials: decodeCredentials(options.excludeCredentials),
  };
  const credential = await navigator.credentials.create({ publicKey });
  const { clientDataJSON, attestationObject } = credential.response;
  return encodeCredential(credential, { clientDataJSON, attestationObject });
}

function encodeCredential(credential, parts) {
  const encoded = Object.entries(parts).map(([name, value]) => [name, encodeBase64Url(value)]);
  return {
    id: credential.id,
    rawId: credential.id,
    type: credential.type,
    clientExtensionResults: {},
    response: Object.fromEntries(encoded),
  };
}

async function submit() {
  element("confirm").disabled = true;
  showMessage("Your device asks you now…");
  try {
    const credential = isConfirmation ? await signChallenge() : await createPasskey();
    const result = await postJson(path, credential);
    element("confirm").hidden = true;
    showMessage(result.said);
  } catch (failure) {
    // The text of a DOMException is for programmers; the server's is for people.
    const isDevice = failure instanceof DOMException;
    showMessage(isDevice ? "Your device did not answer. Nothing was done; try again." : failure.message, true);
    element("confirm").disabled = false;
  }
}

element("confirm").addEventListener("click", submit);
showQuestion();
