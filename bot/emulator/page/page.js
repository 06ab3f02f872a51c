// The window of one person: who they are is a menu in the corner. All state comes from the server; nothing is kept here but the view.
import { draw, el, mrkdwn, text } from "/blocks.js";

const $ = (id) => document.getElementById(id);
const here = { me: new URLSearchParams(location.search).get("as") ?? "", channel: new URLSearchParams(location.search).get("channel") ?? "", thread: null, seen: {} };
let world = null;
let drawing = Promise.resolve();

const post = async (path, body) => (await fetch(`/_ctl/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ as: here.me, ...body }) })).json();
const names = (id) => world.users.find((user) => user.id === id)?.real_name ?? world.channels.find((one) => one.id === id)?.name ?? world.groups.find((one) => one.id === id)?.handle ?? id;
const people = () => world.users.filter((user) => !user.is_bot && !user.deleted);

async function refresh() {
  world = await (await fetch(`/_ctl/state?as=${encodeURIComponent(here.me)}`)).json();
  here.me = world.me;
  if (!world.channels.some((one) => one.id === here.channel)) {
    const busiest = [...world.channels].sort((a, b) => b.messages.length - a.messages.length)[0];
    here.channel = busiest?.id ?? "";
  }
  drawSidebar();
  drawMessages();
  drawThread();
  drawModal();
}
const redraw = () => (drawing = drawing.then(refresh, refresh));

function drawSidebar() {
  $("team").textContent = world.team.name;
  document.title = `${world.team.name} · Slack emulator`;
  $("connected").textContent = world.bot.connections ? `${world.bot.name} is connected` : `${world.bot.name} is not connected`;
  const options = people().map((user) => el("option", { value: user.id, selected: user.id === here.me }, `${user.real_name} · ${user.profile?.title ?? (user.is_restricted ? "guest" : "")}`));
  $("me").replaceChildren(...options);
  $("channels").replaceChildren(...world.channels.map((channel) => {
    const unread = channel.total - (here.seen[channel.id] ?? 0);
    if (channel.id === here.channel) here.seen[channel.id] = channel.total;
    const badge = unread > 0 && channel.id !== here.channel ? el("b", {}, String(unread)) : null;
    return el("button", { type: "button", class: badge ? "unread" : "", "aria-current": channel.id === here.channel, onclick: () => { here.channel = channel.id; here.thread = null; redraw(); } }, (channel.is_im ? "● " : "# ") + channel.name, badge);
  }));
}

const current = () => world.channels.find((one) => one.id === here.channel);

function drawMessages() {
  const channel = current();
  $("title").textContent = channel ? (channel.is_im ? channel.name : `# ${channel.name}`) : "";
  const box = $("messages");
  if (box.querySelector(".menu:not([hidden])")) return;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const privates = world.ephemerals.filter((one) => one.channel === here.channel && !one.thread_ts);
  const all = [...(channel?.messages ?? []), ...privates].sort((a, b) => a.ts.localeCompare(b.ts));
  box.replaceChildren(...(all.length ? all.map((one) => message(one, true)) : [el("p", { class: "empty" }, "Nothing here yet.")]));
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function drawThread() {
  const channel = current();
  const parent = channel?.messages.find((one) => one.ts === here.thread);
  $("thread").hidden = !parent;
  if (!parent) return;
  const replies = channel.replies.filter((one) => one.thread_ts === here.thread);
  $("thread").replaceChildren(el("header", {}, "Thread", el("button", { class: "button", type: "button", onclick: () => { here.thread = null; redraw(); } }, "Close")), message(parent, false), ...replies.map((one) => message(one, false)));
}

const COLOURS = ["#7c3aed", "#0e7490", "#b45309", "#be185d", "#15803d", "#4338ca", "#9f1239", "#0369a1"];

function message(one, withThread) {
  const isBot = Boolean(one.bot_id);
  const name = isBot ? world.bot.name : names(one.user);
  const colour = isBot ? "#2b1d3a" : COLOURS[[...(one.user ?? "")].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLOURS.length];
  const at = new Date(Number(one.ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const content = el("div", { class: "content" }, el("div", {}, el("span", { class: "who" }, name, isBot ? el("span", {}, "APP") : null), el("span", { class: "when" }, at)));
  if (one.to) content.append(el("div", { class: "only" }, "Only visible to you"));
  const scene = { names, people, press: (item, node) => press(one, item, item.value, node), choose: (item, option, node) => press(one, item, option.value, node) };
  const blocks = one.blocks ?? [];
  content.append(...(blocks.length ? blocks.map((block) => draw(block, scene)) : [mrkdwn(one.text ?? "", names)]));
  if (withThread && one.reply_count) content.append(el("button", { class: "replies", type: "button", onclick: () => { here.thread = one.ts; redraw(); } }, `${one.reply_count} ${one.reply_count === 1 ? "reply" : "replies"}`));
  const avatar = el("div", { class: "avatar" }, name[0] ?? "?");
  avatar.style.background = colour;
  return el("article", { class: `message ${one.to ? "private" : ""}`, "data-ts": one.ts }, avatar, content);
}

async function press(one, item, value, node) {
  if (item.confirm && !(await confirmed(item.confirm))) return;
  node.disabled = true;
  const answer = await post("click", { channel: here.channel, ts: one.ts, action_id: item.action_id, value });
  node.disabled = false;
  if (answer.error) toast(answer.error);
  else if (!answer.acked) toast("⚠️ The app did not answer in time. Nothing may have happened; look at the card.");
  redraw();
}

function confirmed(ask) {
  return new Promise((resolve) => {
    const box = $("confirm");
    const done = (yes) => { box.close(); resolve(yes); };
    box.replaceChildren(el("h2", {}, ask.title.text), el("div", { class: "body" }, text(ask.text, names)), el("footer", {}, el("button", { class: "button", type: "button", onclick: () => done(false) }, ask.deny.text), el("button", { class: `button ${ask.style ?? "primary"}`, type: "button", "data-confirm": "yes", onclick: () => done(true) }, ask.confirm.text)));
    box.oncancel = () => resolve(false);
    box.showModal();
  });
}

let shown = "";
function drawModal() {
  const box = $("modal");
  const view = world.views.at(-1);
  const key = view ? view.id + view.hash : "";
  if (key === shown) return;
  shown = key;
  if (!view) return box.close();
  const scene = { names, people, press: () => toast("buttons in modals come with the next release"), choose: () => {} };
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); submit(view, form); } }, el("h2", {}, view.title.text), el("div", { class: "body" }, ...view.blocks.map((block) => draw(block, scene))), el("footer", {}, el("button", { class: "button", type: "button", onclick: () => post("close", { view_id: view.id }).then(redraw) }, view.close?.text ?? "Cancel"), view.submit ? el("button", { class: "button primary" }, view.submit.text) : null));
  box.replaceChildren(form);
  box.oncancel = (event) => { event.preventDefault(); post("close", { view_id: view.id }).then(redraw); };
  if (!box.open) box.showModal();
}

async function submit(view, form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-input]")) {
    if (field.type === "radio" && !field.checked) continue;
    let value = field.value === "" ? null : field.value;
    if (field.type === "datetime-local" && value) value = Math.floor(new Date(value).getTime() / 1000);
    values[field.dataset.input] = value;
  }
  const answer = await post("submit", { view_id: view.id, values });
  for (const spot of form.querySelectorAll("[data-error]")) spot.textContent = answer.payload?.errors?.[spot.dataset.error] ?? "";
  if (!answer.acked) toast("⚠️ The app did not answer in time.");
  redraw();
}

function toast(words) {
  $("toast").textContent = words;
  $("toast").hidden = false;
  setTimeout(() => ($("toast").hidden = true), 5000);
}

$("me").addEventListener("change", (event) => { here.me = event.target.value; here.thread = null; redraw(); });
$("composer").addEventListener("submit", (event) => { event.preventDefault(); const said = $("say").value.trim(); $("say").value = ""; if (said) post("message", { channel: here.channel, text: said }).then(redraw); });
document.addEventListener("click", (event) => { if (!event.target.closest(".overflow")) for (const menu of document.querySelectorAll(".menu")) menu.hidden = true; });
const listen = () => { const stream = new EventSource("/_ctl/stream"); stream.onmessage = redraw; };
await redraw();
listen();
