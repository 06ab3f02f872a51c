// The assistant's pane.

import { loadBolt } from "./bolt.js";

const { Assistant } = await loadBolt();

export function registerAssistant(app) {
  const assistant = new Assistant({
    threadStarted: async ({ say, setSuggestedPrompts, saveThreadContext }) => {
      await say("How can I help?");
      await saveThreadContext();
      await setSuggestedPrompts({ title: "Ask", prompts: [{ title: "What?", message: "What is this?" }] });
    },
    threadContextChanged: async ({ saveThreadContext, event, client }) => {
      await saveThreadContext();
      const { channel_id: channel, thread_ts, context } = event.assistant_thread;
      await client.chat.postMessage({ channel, thread_ts, text: `Now you look at ${context.channel_id}` });
    },
    userMessage: async ({ message, say, setStatus, setTitle, getThreadContext }) => {
      await setTitle(message.text);
      await setStatus("is thinking…");
      const context = await getThreadContext();
      await say(`You look at ${context.channel_id} and say ${message.text}`);
    },
  });
  app.assistant(assistant);
}
