// The window of one person: who they are is a menu in the corner. All state comes from the server; nothing is kept here but the view.
import { draw, el, mrkdwn, setNow, text } from "/blocks.js";

const $ = (id) => document.getElementById(id);
const HOME = "home";
const here = { me: new URLSearchParams(location.search).get("as") ?? "", channel: new URLSearchParams(location.search).get("channel") ?? "", thread: null, linked: null, seen: {} };
let world = null;
let drawing = Promise.resolve();

const post = async (path, body) => (await fetch(`/_ctl/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();
const act = (path, body) => post(path, { as: here.me, ...body });
const names = (id) => world.users.find((user) => user.id === id)?.real_name ?? world.channels.find((one) => one.id === id)?.name ?? world.groups.find((one) => one.id === id)?.handle ?? id;
const people = () => world.users.filter((user) => !user.is_bot && !user.deleted);

async function refresh() {
  world = await (await fetch(`/_ctl/state?as=${encodeURIComponent(here.me)}`)).json();
  here.me = world.me;
  setNow(world.now);
  if (here.channel !== HOME && !world.channels.some((one) => one.id === here.channel)) {
    const busiest = [...world.channels].sort((a, b) => b.messages.length - a.messages.length)[0];
    here.channel = busiest?.id ?? "";
  }
  drawSidebar();
  drawClock();
  drawMessages();
  drawThread();
  drawModal();
  drawPrompts();
  if (!$("inspector").hidden) await drawInspector();
}
const redraw = () => (drawing = drawing.then(refresh, refresh));

function drawSidebar() {
  $("team").textContent = world.team.name;
  document.title = `${world.team.name} · Slack emulator`;
  $("connected").textContent = world.bot.connections ? `${world.bot.name} is connected` : `${world.bot.name} is not connected`;
  const options = people().map((user) => el("option", { value: user.id, selected: user.id === here.me }, `${user.real_name} · ${user.profile?.title ?? (user.is_restricted ? "guest" : "")}`));
  $("me").replaceChildren(...options);
  const rooms = world.channels.filter((one) => one.id !== world.direct);
  const direct = world.channels.find((one) => one.id === world.direct);
  const app = [el("h3", {}, "Apps"), room({ id: HOME, name: "Home", total: 0 }, "⌂ "), ...(direct ? [room({ ...direct, name: world.bot.name }, "● ")] : [])];
  $("channels").replaceChildren(el("h3", {}, "Channels"), ...rooms.map((channel) => room(channel, channel.is_im ? "● " : "# ")), ...app);
}

function room(channel, sign) {
    const unread = channel.total - (here.seen[channel.id] ?? 0);
    if (channel.id === here.channel) here.seen[channel.id] = channel.total;
    const badge = unread > 0 && channel.id !== here.channel ? el("b", {}, String(unread)) : null;
    return el("button", { type: "button", class: badge ? "unread" : "", "aria-current": channel.id === here.channel, "data-room": channel.id, onclick: () => go(channel.id) }, sign + channel.name, badge);
}

const moveClock = (body) => post("clock", body).then((answer) => { if (answer.error) toast(answer.error); redraw(); });

// A list that is open in a person's hands is left alone unless what it offers has changed.
let offered = "";
function drawClock() {
  const now = new Date(world.now * 1000);
  $("now").textContent = now.toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const key = JSON.stringify(world.stops);
  if (key === offered) return;
  offered = key;
  const stops = world.stops.map((stop) => el("option", { value: stop.at }, stop.title));
  $("clock").replaceChildren(el("option", { value: "" }, "Move the clock to…"), ...stops);
  $("clock").hidden = !stops.length;
}

async function go(room) {
  here.channel = room;
  here.thread = null;
  here.linked = null;
  const tab = room === HOME ? "home" : room === world.direct ? "messages" : null;
  if (tab) await act("home", { tab });
  redraw();
}

function drawPrompts() {
  const shown = here.channel === world.direct ? world.prompts : [];
  $("prompts").replaceChildren(...shown.map((one) => el("button", { class: "button", type: "button", onclick: () => act("message", { channel: here.channel, text: one.message }).then(redraw) }, one.title)));
  $("composer").hidden = here.channel === HOME;
}

let standing = null;
let followed = -1;
const current = () => world.channels.find((one) => one.id === here.channel);

function drawMessages() {
  const channel = current();
  $("title").textContent = channel ? (channel.id === world.direct ? world.bot.name : channel.is_im ? channel.name : `# ${channel.name}`) : "";
  const box = $("messages");
  if (box.querySelector(".menu:not([hidden])")) return;
  const isNew = standing !== here.channel;
  standing = here.channel;
  if (here.channel === HOME) return drawHome(box, isNew);
  const atEnd = isNew || Math.abs(box.scrollTop - followed) < 2 || box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const privates = world.ephemerals.filter((one) => one.channel === here.channel && (!one.thread_ts || !channel?.messages.some((other) => other.ts === one.thread_ts)));
  const all = [...(channel?.messages ?? []), ...privates].sort((a, b) => a.ts.localeCompare(b.ts));
  const drawn = channel?.id === world.direct ? all.flatMap((one) => conversation(channel, one)) : all.map((one) => message(one, true));
  box.replaceChildren(...(drawn.length ? drawn : [el("p", { class: "empty" }, "Nothing here yet.")]));
  if (atEnd) follow(box);
}

// A message that is longer than the window is read from its first line.
function follow(box) {
  box.scrollTop = box.scrollHeight;
  const last = box.lastElementChild;
  if (last.offsetHeight > box.clientHeight) last.scrollIntoView({ block: "start" });
  followed = box.scrollTop;
}

// In a direct message the answers stand under what they answer, without a thread to open.
function conversation(channel, one) {
  return [message(one, false), ...repliesTo(channel, one.ts).map((reply) => message(reply, false)), ...statusOf(channel, one.ts)];
}

function repliesTo(channel, ts) {
  const privates = world.ephemerals.filter((one) => one.channel === channel.id && one.thread_ts === ts);
  return [...channel.replies.filter((one) => one.thread_ts === ts), ...privates].sort((a, b) => a.ts.localeCompare(b.ts));
}

function statusOf(channel, ts) {
  const status = world.statuses[`${channel.id}:${ts}`];
  return status ? [el("div", { class: "status" }, `${world.bot.name} ${status}`)] : [];
}

// A home is read from its top; a conversation from its end.
function drawHome(box, isNew) {
  const at = isNew ? 0 : box.scrollTop;
  $("title").textContent = world.bot.name;
  const scene = { names, people, press: (item, node) => pressView({}, item, item.value, node), choose: (item, option, node) => pressView({}, item, option.value, node) };
  const blocks = world.home?.blocks ?? [];
  box.replaceChildren(el("article", { class: "home" }, el("div", { class: "content" }, ...(blocks.length ? blocks.map((block) => draw(block, scene)) : [el("p", { class: "empty" }, "This app has no home yet.")]))));
  box.scrollTop = at;
}

async function pressView(where, item, value, node) {
  if (item.confirm && !(await confirmed(item.confirm))) return;
  if (node) node.disabled = true;
  const answer = await act("click", { ...where, action_id: item.action_id, value });
  if (node) node.disabled = false;
  if (answer.error) toast(answer.error);
  else if (!answer.acked) toast("⚠️ The app did not answer in time. Nothing may have happened; look again.");
  redraw();
}

function drawThread() {
  const channel = current();
  const parent = channel?.messages.find((one) => one.ts === here.thread);
  $("thread").hidden = !parent;
  if (!parent) return;
  const replies = repliesTo(channel, here.thread);
  const reply = el("form", { class: "reply", onsubmit: (event) => { event.preventDefault(); const said = reply.elements[0].value.trim(); if (said) say(said, { thread_ts: here.thread }); reply.elements[0].value = ""; } }, el("input", { "aria-label": "Reply", placeholder: "Reply", autocomplete: "off", "data-reply": "" }), el("button", { class: "button" }, "Send"));
  $("thread").replaceChildren(el("header", {}, "Thread", el("button", { class: "button", type: "button", onclick: () => { here.thread = null; redraw(); } }, "Close")), message(parent, false), ...replies.map((one) => message(one, false)), ...statusOf(channel, here.thread), reply);
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
  if (one.files) content.append(...one.files.map((file) => el("div", { class: "file" }, `📎 ${file.name} (${file.size} bytes)`)));
  if (one.reactions?.length) content.append(el("div", { class: "reactions" }, ...one.reactions.map((reaction) => el("span", { class: "button" }, `:${reaction.name}: ${reaction.count}`))));
  const acts = isBot && !one.to ? [] : one.to ? [] : world.shortcuts.filter((shortcut) => shortcut.type === "message").map((shortcut) => el("button", { class: "act", type: "button", "data-shortcut": shortcut.callback_id, onclick: () => useShortcut(shortcut, one) }, `⚡ ${shortcut.name}`));
  if (withThread && !one.to && !one.thread_ts) acts.push(el("button", { class: "act", type: "button", "data-thread": one.ts, onclick: () => { here.thread = one.ts; redraw(); } }, "Reply in thread"));
  if (isBot && !one.to) acts.push(el("button", { class: "act", type: "button", title: "React with ✅", "aria-label": "React with ✅", "data-react": one.ts, onclick: () => act("react", { channel: here.channel, ts: one.ts, name: "white_check_mark" }).then(redraw) }, "✓ React"));
  if (acts.length) content.append(el("div", { class: "acts" }, ...acts));
  const avatar = el("div", { class: "avatar" }, name[0] ?? "?");
  avatar.style.background = colour;
  return el("article", { class: `message ${one.to ? "private" : ""} ${one.ts === here.linked ? "linked" : ""}`, "data-ts": one.ts }, avatar, content);
}

async function press(one, item, value, node) {
  if (item.confirm && !(await confirmed(item.confirm))) return;
  node.disabled = true;
  const answer = await act("click", { channel: here.channel, ts: one.ts, action_id: item.action_id, value });
  node.disabled = false;
  if (answer.error) toast(answer.error);
  else if (!answer.acked) toast("⚠️ The app did not answer in time. Nothing may have happened; look at the card.");
  redraw();
}

async function useShortcut(shortcut, one) {
  const where = one ? { channel: here.channel, ts: one.ts } : {};
  const answer = await act("shortcut", { callback_id: shortcut.callback_id, ...where });
  if (answer.error) toast(answer.error);
  else if (!answer.acked) toast("⚠️ The app did not answer in time.");
  redraw();
}

// As Slack's own composer does: a name after an @ becomes a mention.
function withMentions(said) {
  const handles = [
    ...world.users.flatMap((user) => [[user.real_name, `<@${user.id}>`], [user.name, `<@${user.id}>`]]),
    ...world.groups.map((group) => [group.handle, `<!subteam^${group.id}>`]),
  ];
  const marks = new Map(handles.filter(([name]) => name).map(([name, mark]) => [name.toLowerCase(), mark]));
  // The longest name first: "@Ana Duarte" is not "@ana" and a word.
  const choices = [...marks.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return said.replace(new RegExp(`(?<![\\w@])@(${choices.join("|")})(?!\\w)`, "gi"), (all, name) => marks.get(name.toLowerCase()));
}

async function say(said, more = {}) {
  if (said.startsWith("/")) {
    const [command, ...rest] = said.split(" ");
    const answer = await act("slash", { channel: here.channel, command, text: rest.join(" ") });
    if (answer.error) toast(answer.error === "no_such_command" ? `${command} is not a command here` : answer.error);
    else if (!answer.acked) toast("⚠️ The app did not answer in time.");
  } else await act("message", { channel: here.channel, text: withMentions(said), ...more });
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
  const press = (item, value, node) => pressView({ view_id: view.id, values: entered(form) }, item, value, node);
  const scene = { names, people, press: (item, node) => press(item, item.value, node), choose: (item, option, node) => press(item, option.value, node), changed: (item, value) => press(item, value, null), rooms: () => world.channels, suggest: (item, value) => suggest({ view_id: view.id, action_id: item.action_id, value }) };
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); submit(view, form); } }, el("h2", {}, view.title.text), el("div", { class: "body" }, ...view.blocks.map((block) => draw(block, scene))), el("footer", {}, el("button", { class: "button", type: "button", onclick: () => act("close", { view_id: view.id }).then(redraw) }, view.close?.text ?? "Cancel"), view.submit ? el("button", { class: "button primary" }, view.submit.text) : null));
  box.replaceChildren(form);
  box.oncancel = (event) => { event.preventDefault(); act("close", { view_id: view.id }).then(redraw); };
  if (!box.open) box.showModal();
}

// What the app offers for what was typed into one of its menus.
async function suggest(where) {
  const answer = await act("suggest", where);
  const groups = answer.payload?.option_groups ?? [{ options: answer.payload?.options ?? [] }];
  return groups.flatMap((group) => group.options);
}

async function submit(view, form) {
  const values = entered(form);
  const answer = await act("submit", { view_id: view.id, values });
  if (answer.error) toast(answer.error);
  for (const spot of form.querySelectorAll("[data-error]")) spot.textContent = answer.payload?.errors?.[spot.dataset.error] ?? "";
  if (!answer.acked) toast("⚠️ The app did not answer in time.");
  redraw();
}

// By block: the elements of two blocks may share an action id.
function entered(form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-input]")) {
    const block = field.dataset.block;
    if (field.type === "checkbox") { values[block] = [...(values[block] ?? []), ...(field.checked ? [field.value] : [])]; continue; }
    if (field.type === "radio" && !field.checked) continue;
    let value = field.value === "" ? null : field.value;
    if (field.multiple) value = [...field.selectedOptions].map((option) => option.value);
    if (field.type === "datetime-local" && value) value = Math.floor(new Date(value).getTime() / 1000);
    if (field.dataset.external !== undefined && value) value = (field.options ?? []).find((option) => option.text.text === value) ?? value;
    if (field.dataset.rich !== undefined && value) value = { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: value }] }] };
    values[block] = value;
  }
  return values;
}

// What went over the wire, the clock, and faults on demand.
async function drawInspector() {
  const traffic = await (await fetch("/_ctl/traffic")).json();
  const fault = (label, body) => el("button", { class: "button", type: "button", onclick: () => post("faults", body).then(redraw) }, label);
  const clock = (label, body) => el("button", { class: "button", type: "button", onclick: () => moveClock(body) }, label);
  const rows = traffic.recent.slice(-40).reverse().map((one) => el("tr", { class: one.ok === false || one.acked === false ? "bad" : "" }, el("td", {}, one.to), el("td", {}, one.kind), el("td", {}, one.error || (one.ms === undefined ? "" : `${one.ms} ms`))));
  const close = el("button", { class: "button", type: "button", onclick: () => { $("inspector").hidden = true; } }, "Close");
  $("inspector").replaceChildren(
    el("header", {}, "Inspector", close),
    el("div", { class: "knobs" }, el("b", {}, new Date(world.now * 1000).toLocaleString()), clock("+1 min", { seconds: 60 }), clock("+5 min", { seconds: 300 }), clock("+1 h", { seconds: 3600 }), ...world.stops.map((stop) => clock(stop.title, { to: stop.at }))),
    el("div", { class: "knobs" }, fault("Slack down", { down: true }), fault("One call a second", { per_second: 1 }), fault("Slack's own rates", { tiers: true }), fault("Lose the next answer", { drop_next: 1 }), fault("Slow by 2 s", { slow_for: 2 }),
      el("button", { class: "button", type: "button", onclick: () => fetch("/_ctl/faults", { method: "DELETE" }).then(redraw) }, "All well"), el("button", { class: "button", type: "button", onclick: () => post("disconnect", {}).then(redraw) }, "Disconnect")),
    el("table", {}, ...rows));
}

function toast(words) {
  $("toast").textContent = words;
  $("toast").hidden = false;
  setTimeout(() => ($("toast").hidden = true), 5000);
}

// A link to a message leads to it, as in Slack, and not out of the page.
const MESSAGE_LINK = /\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})/;

async function showMessage(channel, ts) {
  const view = world.views.at(-1);
  if (view) await act("close", { view_id: view.id });
  await go(channel);
  here.linked = ts;
  await redraw();
  const node = document.querySelector(`#messages [data-ts="${CSS.escape(ts)}"]`);
  if (!node) return toast("That message is not in this channel any more.");
  node.scrollIntoView({ block: "start" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href*='/archives/']");
  const match = link && MESSAGE_LINK.exec(link.href);
  if (!match) return;
  event.preventDefault();
  showMessage(match[1], `${match[2]}.${match[3]}`);
});
$("me").addEventListener("change", (event) => { here.me = event.target.value; here.thread = null; redraw(); });
$("clock").addEventListener("change", (event) => { const at = Number(event.target.value); event.target.value = ""; if (at) moveClock({ to: at }); });
$("composer").addEventListener("submit", (event) => { event.preventDefault(); const said = $("say").value.trim(); $("say").value = ""; if (said) say(said); });
// One shortcut is used at once; of several the person chooses.
function openShortcuts() {
  const found = world.shortcuts.filter((one) => one.type === "global");
  if (!found.length) return toast("This app has no shortcut.");
  if (found.length === 1) return useShortcut(found[0], null);
  const box = $("confirm");
  box.replaceChildren(el("h2", {}, "Shortcuts"), el("div", { class: "body" }, ...found.map((one) => el("button", { class: "button", type: "button", "data-shortcut": one.callback_id, title: one.description, onclick: () => { box.close(); useShortcut(one, null); } }, `⚡ ${one.name}`))), el("footer", {}, el("button", { class: "button", type: "button", onclick: () => box.close() }, "Cancel")));
  box.showModal();
}
$("plus").addEventListener("click", openShortcuts);
$("inspect").addEventListener("click", async () => { $("inspector").hidden = !$("inspector").hidden; await redraw(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !document.querySelector("dialog[open]")) { here.thread = null; $("inspector").hidden = true; redraw(); } });
document.addEventListener("click", (event) => { if (!event.target.closest(".overflow")) for (const menu of document.querySelectorAll(".menu")) menu.hidden = true; });
const listen = () => { const stream = new EventSource("/_ctl/stream"); stream.onmessage = redraw; };
await redraw();
const linked = new URLSearchParams(location.search).get("ts");
if (linked) await showMessage(here.channel, linked);
listen();
