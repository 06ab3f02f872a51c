// An app as Bolt's starter template for JavaScript makes one: every kind of listener.

import bolt from "@slack/bolt";

const { App, Assistant } = bolt;
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});
const plain = (text) => ({ type: "plain_text", text });
const section = (text) => ({ type: "section", text: { type: "mrkdwn", text } });
const form = (title) => ({
  type: "modal",
  callback_id: "form",
  title: plain(title),
  submit: plain("Send"),
  blocks: [
    { ...section("Fill this in"), accessory: { type: "button", action_id: "rename", text: plain("Rename") } },
    { type: "input", block_id: "words", label: plain("Words"), element: { type: "plain_text_input", action_id: "in" } },
    { type: "input", block_id: "place", label: plain("Place"), element: { type: "conversations_select", action_id: "in", response_url_enabled: true } },
  ],
});

app.message(/^(hi|hello)/, async ({ context, say }) => { await say(`${context.matches[0]}, how are you?`); });
app.command("/greet", async ({ ack, command, respond }) => { await ack(); await respond(`Hello ${command.text}`); });
app.shortcut("greet", async ({ ack, shortcut, client }) => { await ack(); await client.views.open({ trigger_id: shortcut.trigger_id, view: form("A form") }); });
app.action("rename", async ({ ack, body, client }) => { await ack(); await client.views.update({ view_id: body.view.id, hash: body.view.hash, view: form("Another form") }); });
app.view("form", async ({ ack, view, body, client }) => {
  await ack();
  const { words, place } = view.state.values;
  await client.chat.postMessage({ channel: place.in.selected_conversation, text: `<@${body.user.id}> says ${words.in.value}` });
});
app.event("app_home_opened", async ({ event, client }) => {
  if (event.tab === "home") await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [section(`Welcome <@${event.user}>`)] } });
});
app.assistant(new Assistant({
  threadStarted: async ({ say, setSuggestedPrompts, saveThreadContext }) => {
    await say("How can I help?");
    await saveThreadContext();
    await setSuggestedPrompts({ prompts: [{ title: "What?", message: "What is this?" }] });
  },
  userMessage: async ({ message, say, setStatus, getThreadContext }) => {
    await setStatus("is thinking…");
    const context = await getThreadContext();
    await say(`You look at ${context.channel_id} and say ${message.text}`);
  },
}));
await app.start();
