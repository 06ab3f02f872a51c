// The app's blocks and views.

export const plain = (text) => ({ type: "plain_text", text });
export const section = (text, more = {}) => ({ type: "section", text: { type: "mrkdwn", text }, ...more });
export const button = (action_id, text, value = "v") => ({ type: "button", action_id, text: plain(text), value });
export const option = (value) => ({ text: plain(value), value });

const input = (block_id, element) => ({ type: "input", block_id, label: plain(block_id), element });

export const form = (title) => ({
  type: "modal",
  callback_id: "form",
  notify_on_close: true,
  private_metadata: "kept",
  title: plain(title),
  submit: plain("Send"),
  blocks: [
    section("Fill this in", { accessory: button("rename", "Rename") }),
    { type: "actions", elements: [button("more", "More")] },
    input("words", { type: "plain_text_input", action_id: "in", multiline: true }),
    input("place", {
      type: "conversations_select",
      action_id: "in",
      response_url_enabled: true,
      default_to_current_conversation: true,
      filter: { include: ["public"] },
    }),
    input("town", { type: "external_select", action_id: "town", min_query_length: 1 }),
    input("colours", { type: "checkboxes", action_id: "in", options: ["red", "green"].map(option) }),
    input("people", { type: "multi_users_select", action_id: "in" }),
    input("at", { type: "timepicker", action_id: "in", initial_time: "09:00" }),
  ],
});

export const note = (title, text) => ({
  type: "modal",
  callback_id: "note",
  title: plain(title),
  submit: plain("Done"),
  blocks: [section(text)],
});

export const home = (user) => ({
  type: "home",
  blocks: [section(`Welcome <@${user}>`, { accessory: button("from_home", "Press") })],
});
