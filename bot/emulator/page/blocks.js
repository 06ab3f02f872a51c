// Draws Block Kit with DOM nodes only: nothing that came over the wire is ever parsed as HTML.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const EMOJI = { label: "🏷️", small_red_triangle: "🔺", white_check_mark: "✅", x: "❌", warning: "⚠️", hourglass: "⌛", hourglass_flowing_sand: "⏳", bell: "🔔", lock: "🔒", arrows_counterclockwise: "🔄",
  zzz: "💤", question: "❓", rotating_light: "🚨", large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", leftwards_arrow_with_hook: "↩️", bust_in_silhouette: "👤",
  pencil2: "✏️", eyes: "👀", gear: "⚙️", wind_blowing_face: "🌬️", heavy_check_mark: "✔️", no_entry: "⛔", package: "📦", handshake: "🤝", double_vertical_bar: "⏸️", palm_tree: "🌴", airplane: "✈️" };
const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const emoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] ?? all);

// Slack's mrkdwn: *bold* _italic_ ~strike~ `code` ```pre``` > quote, and <…> for links and mentions.
export function mrkdwn(text, names) {
  const out = el("div", { class: "mrkdwn" });
  for (const [index, part] of text.split("```").entries()) {
    if (index % 2) out.append(el("pre", {}, unescape(part.replace(/^\n/, ""))));
    else lines(part, out, names);
  }
  return out;
}

function lines(text, out, names) {
  let quote = null;
  const all = text.split("\n");
  all.forEach((line, index) => {
    if (line.startsWith("&gt;") || line.startsWith(">")) {
      if (!quote) out.append((quote = el("blockquote")));
      else quote.append("\n");
      inline(line.replace(/^(&gt;|>) ?/, ""), quote, names);
    } else {
      quote = null;
      inline(line, out, names);
      if (index < all.length - 1) out.append("\n");
    }
  });
}

const TOKEN = /(`[^`\n]+`)|<([^<>\n]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|(?<![\w~])~([^~\n]+)~(?![\w~])/g;

function inline(text, out, names) {
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    out.append(emoji(unescape(text.slice(at, found.index))));
    at = found.index + found[0].length;
    if (found[1]) out.append(el("code", {}, unescape(found[1].slice(1, -1))));
    else if (found[2]) out.append(angle(found[2], names));
    else {
      const node = el(found[3] ? "b" : found[4] ? "i" : "s");
      inline(found[3] ?? found[4] ?? found[5], node, names);
      out.append(node);
    }
  }
  out.append(emoji(unescape(text.slice(at))));
}

function angle(inside, names) {
  const [target, label] = inside.split("|");
  if (/^[@#!]/.test(target)) {
    const date = target.match(/^!date\^(\d+)\^([^^]+)/);
    if (date) return date_(Number(date[1]), date[2]);
    const id = target.replace(/^[@#]|^!subteam\^|^!/, "");
    const sign = target.startsWith("#") ? "#" : "@";
    return el("span", { class: "mention" }, sign + unescape(label ?? names(id)));
  }
  const safe = /^(https?:|mailto:)/.test(unescape(target));
  return safe ? el("a", { href: unescape(target), rel: "noopener noreferrer", target: "_blank" }, unescape(label ?? target)) : document.createTextNode(unescape(inside));
}

// As the browser's own field for a date and a time wants it.
function localMinute(seconds) {
  if (!seconds) return undefined;
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

// The workspace's clock, which may be ahead of the machine's.
let nowSeconds = Date.now() / 1000;
export const setNow = (seconds) => { nowSeconds = seconds; };

function date_(seconds, format) {
  const at = new Date(seconds * 1000);
  const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const today = at.toDateString() === new Date(nowSeconds * 1000).toDateString();
  const day = today && format.includes("pretty") ? "today" : at.toLocaleDateString([], { day: "numeric", month: "short" });
  const shown = format.replace(/\{date[a-z_]*\}/g, day).replace(/\{time[a-z_]*\}/g, clock);
  return el("time", { datetime: at.toISOString() }, shown);
}

export const text = (object, names) => (object.type === "mrkdwn" ? mrkdwn(object.text, names) : el("span", {}, emoji(object.text)));

export function draw(block, world) {
  const maker = BLOCKS[block.type];
  const node = maker ? maker(block, world) : el("div", { class: "block-unknown" }, `unsupported block: ${block.type}\n${JSON.stringify(block, null, 1)}`);
  node.classList.add("block", `block-${block.type}`);
  return node;
}

const BLOCKS = {
  header: (block) => el("div", {}, emoji(block.text.text)),
  divider: () => el("div"),
  section(block, world) {
    const body = el("div", {}, block.text ? text(block.text, world.names) : null);
    if (block.fields) body.append(el("div", { class: "fields" }, ...block.fields.map((field) => text(field, world.names))));
    return el("div", {}, body, block.accessory ? element(block.accessory, block, world) : null);
  },
  context: (block, world) => el("div", {}, ...block.elements.map((item) => (item.type === "image" ? el("span", {}, item.alt_text) : el("div", {}, text(item, world.names))))),
  actions: (block, world) => el("div", {}, ...block.elements.map((item) => element(item, block, world))),
  image: (block) => el("div", { class: "block-unknown" }, `image: ${block.alt_text}`),
  markdown: (block) => el("div", {}, ...markdown(block.text)),
  data_table: (block, world) => el("div", {}, el("b", {}, block.caption), BLOCKS.table({ rows: block.rows }, world)),
  data_visualization: (block) => chart(block),
  context_actions: (block, world) => el("div", {}, ...block.elements.map((item) => element(item, block, world))),
  container: (block, world) => el("details", { open: !block.default_collapsed }, el("summary", {}, block.title?.text ?? ""), ...block.child_blocks.map((child) => draw(child, world))),
  card: (block, world) => el("div", { class: "boxed" }, el("b", {}, block.title ? text(block.title, world.names) : ""), block.subtitle ? el("div", { class: "only" }, text(block.subtitle, world.names)) : null, block.body ? text(block.body, world.names) : null, ...(block.actions ?? []).map((item) => element(item, block, world))),
  carousel: (block, world) => el("div", { class: "carousel" }, ...block.elements.map((child) => draw({ type: "card", ...child }, world))),
  task_card: (block) => el("div", { class: "boxed" }, `${{ pending: "◌", in_progress: "◐", complete: "✓", error: "✗" }[block.status] ?? "·"} ${block.title}`),
  plan: (block, world) => el("div", {}, el("b", {}, block.title), ...(block.tasks ?? []).map((task) => draw({ type: "task_card", ...task }, world))),
  video: (block) => el("div", { class: "boxed" }, `▶ ${block.title.text}`),
  file: (block) => el("div", { class: "boxed" }, `📎 ${block.external_id}`),
  table(block, world) {
    const rows = block.rows.map((row, index) => el("tr", {}, ...row.map((cell) => el(index ? "td" : "th", {}, cellOf(cell, world)))));
    return el("div", {}, el("table", {}, ...rows));
  },
  rich_text: (block, world) => el("div", {}, ...block.elements.map((part) => rich(part, world))),
  input: (block, world) => input(block, world),
  alert: (block, world) => el("div", { class: "only" }, text(block.text, world.names)),
};

const cellOf = (cell, world) => (cell.type === "rich_text" ? BLOCKS.rich_text(cell, world) : document.createTextNode(String(cell.text ?? cell.value)));

function rich(part, world) {
  const list = part.style === "ordered" ? "ol" : "ul";
  const tag = { rich_text_quote: "blockquote", rich_text_preformatted: "pre", rich_text_list: list }[part.type] ?? "div";
  const node = el(tag, { class: "mrkdwn" });
  for (const item of part.elements ?? []) {
    if (item.type === "rich_text_section") node.append(el("li", {}, rich(item, world)));
    else if (item.type === "text") {
      let inner = document.createTextNode(item.text);
      for (const [name, wrap] of Object.entries({ bold: "b", italic: "i", strike: "s", code: "code" })) if (item.style?.[name]) inner = el(wrap, {}, inner);
      node.append(inner);
    } else if (item.type === "user") node.append(el("span", { class: "mention" }, `@${world.names(item.user_id)}`));
    else if (item.type === "channel") node.append(el("span", { class: "mention" }, `#${world.names(item.channel_id)}`));
    else if (item.type === "emoji") node.append(EMOJI[item.name] ?? `:${item.name}:`);
    else if (item.type === "link") node.append(link(item));
    else if (item.type === "date") node.append(date_(item.timestamp, item.format));
    else if (item.type === "usergroup") node.append(el("span", { class: "mention" }, `@${world.names(item.usergroup_id)}`));
    else node.append(`[${item.type}]`);
  }
  return node;
}

// Built by hand: the address and the words are never joined into markup.
function link(item) {
  const words = document.createTextNode(item.text ?? item.url);
  const node = /^(https?:|mailto:)/.test(item.url) ? el("a", { href: item.url, rel: "noopener noreferrer", target: "_blank" }, words) : el("span", {}, words);
  return item.style?.bold ? el("b", {}, node) : node;
}

// A small part of Markdown: paragraphs, bullets, bold and code. Links stay text.
function markdown(source) {
  return source.split("\n").map((line) => {
    const bullet = line.match(/^[-*] (.*)/);
    const node = el(bullet ? "li" : "p");
    for (const [index, part] of (bullet ? bullet[1] : line).split(/\*\*|`/).entries()) node.append(index % 2 ? el("b", {}, part) : part);
    return node;
  });
}

const SVG = "http://www.w3.org/2000/svg";
function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Bars, lines and areas over categories, and pies as bars of their shares.
function chart(block) {
  const { type, series = [{ name: "", data: block.chart.segments ?? [] }] } = block.chart;
  // On a phone it is drawn as narrow as it is shown: letters that are scaled down cannot be read.
  const isNarrow = window.matchMedia("(max-width: 720px)").matches;
  const width = isNarrow ? 320 : 560, height = 150, foot = 18, colours = ["#1264a3", "#2bac76", "#e8912d", "#e01e5a", "#7c3aed"];
  const labels = series[0].data.map((point) => point.label);
  const most = Math.max(1, ...series.flatMap((one) => one.data.map((point) => point.value)));
  const step = width / Math.max(1, labels.length);
  const y = (value) => (height - foot) * (1 - value / most) + 4;
  const shapes = [];
  series.forEach((one, place) => {
    const colour = colours[place % colours.length];
    if (type === "line" || type === "area") {
      const points = one.data.map((point, index) => `${step * (index + 0.5)},${y(point.value)}`).join(" ");
      shapes.push(svg("polyline", { points, fill: "none", stroke: colour, "stroke-width": 2.5 }));
      one.data.forEach((point, index) => shapes.push(svg("circle", { cx: step * (index + 0.5), cy: y(point.value), r: 3, fill: colour }, svg("title", {}, `${point.label}: ${point.value}`))));
    } else {
      const bar = (step * 0.7) / series.length;
      one.data.forEach((point, index) => shapes.push(svg("rect", { x: step * index + step * 0.15 + bar * place, y: y(point.value), width: Math.max(1, bar - 1), height: Math.max(0, height - foot + 4 - y(point.value)), fill: colour, rx: 1.5 }, svg("title", {}, `${one.name} ${point.label}: ${point.value}`))));
    }
  });
  const every = Math.ceil(labels.length / (isNarrow ? 5 : 8));
  labels.forEach((label, index) => { if (index % every === 0) shapes.push(svg("text", { x: Math.max(18, step * (index + 0.5)), y: height, "text-anchor": "middle", "font-size": 10, fill: "currentColor" }, label)); });
  shapes.push(svg("text", { x: 2, y: 12, "font-size": 10, fill: "currentColor", opacity: 0.7 }, String(most)));
  const legend = series.map((one, place) => { const dot = el("i"); dot.style.background = colours[place % colours.length]; return el("span", {}, dot, one.name); });
  return el("figure", {}, el("figcaption", {}, el("b", {}, block.title), ...legend), svg("svg", { viewBox: `0 0 ${width} ${height + 6}`, role: "img", "aria-label": block.title }, ...shapes));
}

function element(item, block, world) {
  if (item.type === "button" && /^https?:/.test(item.url ?? "")) {
    // As Slack does: the link opens, and the app hears of the press too.
    return el("a", { class: `button ${item.style ?? ""}`, href: item.url, target: "_blank", rel: "noopener noreferrer", "data-action": item.action_id, onclick: (event) => world.press(item, event.currentTarget) }, emoji(item.text.text));
  }
  if (item.type === "button") {
    return el("button", { class: `button ${item.style ?? ""}`, type: "button", "data-action": item.action_id, onclick: (event) => world.press(item, event.currentTarget) }, emoji(item.text.text));
  }
  if (item.type === "overflow") {
    const box = el("span", { class: "overflow" });
    const menu = el("div", { class: "menu", hidden: true }, ...item.options.map((option) => el("button", { type: "button", "data-option": option.value, onclick: (event) => { menu.hidden = true; world.choose(item, option, event.currentTarget); } }, option.text.text)));
    box.append(el("button", { class: "button", type: "button", "aria-label": "More", "data-action": item.action_id, onclick: () => (menu.hidden = !menu.hidden) }, "⋯"), menu);
    return box;
  }
  if (item.type === "static_select") {
    const pick = el("select", { class: "button", "aria-label": item.placeholder?.text ?? "Choose", "data-action": item.action_id, onchange: () => world.choose(item, item.options.find((option) => option.value === pick.value), pick) }, ...item.options.map((option) => el("option", { value: option.value, selected: option.value === item.initial_option?.value }, option.text.text)));
    return pick;
  }
  if (item.type === "feedback_buttons") {
    const thumb = (side, sign) => el("button", { class: "button", type: "button", title: side.text.text, "aria-label": side.text.text, "data-action": item.action_id, onclick: (event) => world.choose(item, side, event.currentTarget) }, sign);
    return el("span", { class: "thumbs" }, thumb(item.positive_button, "👍"), thumb(item.negative_button, "👎"));
  }
  if (item.type === "icon_button") return el("button", { class: "button", type: "button", onclick: (event) => world.press(item, event.currentTarget) }, item.text.text);
  return el("span", { class: "block-unknown" }, `unsupported element: ${item.type}`);
}

// Which people, channels and options a menu offers, by what it is about.
function offers(item, world) {
  const about = item.type.replace("multi_", "");
  if (about === "users_select") return world.people().map((one) => [one.id, one.real_name]);
  if (about === "conversations_select" || about === "channels_select") return world.rooms().map((one) => [one.id, one.is_im ? one.name : `# ${one.name}`]);
  const groups = item.option_groups ?? [{ options: item.options ?? [] }];
  return groups.flatMap((group) => group.options).map((option) => [option.value, option.text.text]);
}

function initialOf(item) {
  const first = item.initial_option?.value ?? item.initial_user ?? item.initial_conversation ?? item.initial_channel;
  const several = item.initial_options?.map((option) => option.value) ?? item.initial_users ?? item.initial_conversations ?? item.initial_channels;
  return several ?? (first === undefined ? [] : [first]);
}

// The options come from the app while somebody types.
function external(item, block, common, world) {
  const field = el("input", { ...common, type: "text", autocomplete: "off", list: `list-${block.block_id}`, placeholder: item.placeholder?.text ?? "Type to search…", "data-external": "" });
  const list = el("datalist", { id: `list-${block.block_id}` });
  field.addEventListener("input", async () => {
    if (field.value.length < (item.min_query_length ?? 3)) return;
    const options = await world.suggest(item, field.value);
    field.options = options;
    list.replaceChildren(...options.map((option) => el("option", { value: option.text.text })));
  });
  return el("span", {}, field, list);
}

const SELECTS = /^(multi_)?(static|users|conversations|channels)_select$/;
const TYPES = { number_input: "number", url_text_input: "url", email_text_input: "email", datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };

function input(block, world) {
  const item = block.element;
  const id = `in-${block.block_id}`;
  const common = { id, name: item.action_id, "data-input": item.action_id, "data-block": block.block_id, placeholder: item.placeholder?.text };
  const initial = initialOf(item);
  let field;
  if (item.type === "rich_text_input" || (item.type === "plain_text_input" && item.multiline)) { field = el("textarea", { ...common, rows: 3, maxlength: item.max_length, "data-rich": item.type === "rich_text_input" ? "" : null }); field.value = typeof item.initial_value === "string" ? item.initial_value : ""; }
  else if (SELECTS.test(item.type)) {
    const several = item.type.startsWith("multi_");
    const empty = several ? [] : [el("option", { value: "" }, item.placeholder?.text ?? (item.type === "users_select" ? "Choose a person…" : "Choose…"))];
    field = el("select", { ...common, multiple: several }, ...empty, ...offers(item, world).map(([value, name]) => el("option", { value, selected: initial.includes(value) }, name)));
  }
  else if (/^(multi_)?external_select$/.test(item.type)) field = external(item, block, common, world);
  else if (item.type === "radio_buttons" || item.type === "checkboxes") { const type = item.type === "checkboxes" ? "checkbox" : "radio"; field = el("div", {}, ...item.options.map((option) => el("label", { class: "option" }, el("input", { type, name: `${block.block_id}-${item.action_id}`, value: option.value, "data-input": item.action_id, "data-block": block.block_id, checked: initial.includes(option.value) }), option.text.text))); }
  else if (item.type === "file_input") field = el("span", { class: "block-unknown" }, "files cannot be chosen here");
  else field = el("input", { ...common, type: TYPES[item.type] ?? "text", maxlength: item.max_length, step: item.is_decimal_allowed ? "any" : null, value: item.initial_value ?? item.initial_date ?? item.initial_time ?? localMinute(item.initial_date_time) });
  if (block.dispatch_action) field.addEventListener("change", () => world.changed?.(item, field.value));
  return el("div", { class: "field" }, el("label", { for: id }, block.label.text, block.optional ? " (optional)" : ""), field, block.hint ? el("div", { class: "hint" }, block.hint.text) : null, el("div", { class: "error", "data-error": block.block_id }));
}
