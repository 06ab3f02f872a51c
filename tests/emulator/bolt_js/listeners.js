// A listener of each kind.

import { button, form, home, note, option, section } from "./views.js";

const TOWNS = ["Bath", "Bristol", "York"];

export function registerListeners(app) {
  // Middleware of the whole app.
  app.use(async ({ context, next }) => {
    context.visits = 1;
    await next();
  });
  registerMessages(app);
  registerActions(app);
  registerViews(app);
}

function registerMessages(app) {
  app.message(/^(hi|hello)/, async ({ context, say }) => {
    await say(`${context.matches[0]}, how are you?`);
  });
  app.message("buttons", async ({ say }) => {
    const elements = [button("replace", "Replace"), button("whisper", "Whisper"), button("remove", "Remove")];
    await say({ text: "Three buttons", blocks: [section("Three buttons"), { type: "actions", elements }] });
  });
  app.message("fail", async () => {
    throw new Error("on purpose");
  });
  app.event("app_mention", async ({ event, say }) => {
    await say({ text: "You called?", thread_ts: event.ts });
  });
  app.event("reaction_added", async ({ event, client }) => {
    const { channel, ts } = event.item;
    await client.reactions.add({ channel, timestamp: ts, name: event.reaction });
  });
  app.event("app_home_opened", async ({ event, client }) => {
    if (event.tab === "home") await client.views.publish({ user_id: event.user, view: home(event.user) });
  });
  app.command("/greet", async ({ ack, command, respond }) => {
    await ack();
    await respond(`Hello ${command.text}`);
  });
  app.command("/now", async ({ ack }) => {
    await ack({ response_type: "in_channel", text: "It is now" });
  });
  app.function("double", async ({ inputs, complete, fail }) => {
    if (inputs.number === undefined) await fail({ error: "There is no number" });
    else await complete({ outputs: { number: inputs.number * 2 } });
  });
}

function registerActions(app) {
  app.shortcut("greet", async ({ ack, shortcut, client }) => {
    await ack();
    await client.views.open({ trigger_id: shortcut.trigger_id, view: form("A form") });
  });
  app.shortcut({ type: "message_action", callback_id: "keep" }, async ({ ack, shortcut, respond }) => {
    await ack();
    await respond(`Kept: ${shortcut.message.text}`);
  });
  app.action("rename", async ({ ack, body, client }) => {
    await ack();
    await client.views.update({ view_id: body.view.id, hash: body.view.hash, view: form("Another form") });
  });
  app.action("more", async ({ ack, body, client }) => {
    await ack();
    await client.views.push({ trigger_id: body.trigger_id, view: note("More", "There is more") });
  });
  app.action({ type: "block_actions", action_id: "from_home" }, async ({ ack, body, client }) => {
    await ack();
    await client.chat.postMessage({ channel: body.user.id, text: `You pressed ${body.view.type}` });
  });
  app.action("replace", async ({ ack, respond }) => {
    await ack();
    await respond({ replace_original: true, text: "Replaced", blocks: [section("Replaced")] });
  });
  app.action("whisper", async ({ ack, body, client }) => {
    await ack();
    await client.chat.postEphemeral({ channel: body.channel.id, user: body.user.id, text: "Psst" });
  });
  app.action("remove", async ({ ack, respond }) => {
    await ack();
    await respond({ delete_original: true });
  });
  app.options("town", async ({ ack, payload }) => {
    await ack({ options: TOWNS.filter((town) => town.includes(payload.value)).map(option) });
  });
}

function registerViews(app) {
  app.view("form", async ({ ack, view, body, client, respond }) => {
    const { words, place, town, colours, people, at } = view.state.values;
    switch (words.in.value) {
      case "bad":
        return ack({ response_action: "errors", errors: { words: "Say something else" } });
      case "again":
        return ack({ response_action: "update", view: form("Once more") });
      case "next":
        return ack({ response_action: "push", view: note("Next", "The next page") });
      case "all":
        return ack({ response_action: "clear" });
    }
    await ack();
    const channel = place.in.selected_conversation;
    const parts = [
      `<@${body.user.id}> says ${words.in.value}`,
      town.town.selected_option?.value,
      colours.in.selected_options.map((one) => one.value).join("+"),
      people.in.selected_users.length,
      at.in.selected_time,
      view.private_metadata,
    ];
    await client.chat.postMessage({ channel, text: parts.join(", ") });
    // By the response URL that the menu of conversations gave.
    await respond({ response_type: "in_channel", text: "Thank you" });
  });
  app.view("note", async ({ ack }) => {
    await ack({ response_action: "clear" });
  });
  app.view({ callback_id: "form", type: "view_closed" }, async ({ ack, body, client }) => {
    await ack();
    await client.chat.postMessage({ channel: body.user.id, text: `Closed, cleared: ${body.is_cleared}` });
  });
}
