// Calls of the Web API beyond what listeners do; each answers in the channel it was asked in.

export function registerMethods(app) {
  app.message(/^list (\d+)$/, async ({ context, client, say }) => {
    const names = [];
    const limit = Number(context.matches[1]);
    for await (const page of client.paginate("conversations.list", { limit })) {
      names.push(page.channels.map((channel) => channel.name).join("+"));
    }
    await say(`pages: ${names.join(" | ")}`);
  });
  app.message(/^people (\d+)$/, async ({ context, client, say }) => {
    let count = 0;
    let pages = 0;
    for await (const page of client.paginate("users.list", { limit: Number(context.matches[1]) })) {
      count += page.members.length;
      pages += 1;
    }
    await say(`${count} people on ${pages} pages`);
  });
  app.message(/^call (\S+) ?(.*)$/, async ({ context, client, say }) => {
    const [, method, options] = context.matches;
    try {
      await client.apiCall(method, JSON.parse(options || "{}"));
      await say("called");
    } catch (failure) {
      const { error, response_metadata: metadata } = failure.data;
      await say(["refused", failure.code, error, ...(metadata.messages ?? [])].join("; "));
    }
  });
  app.message("file", async ({ message, client, say }) => {
    const { files } = await client.files.uploadV2({
      channel_id: message.channel,
      filename: "note.txt",
      content: "Buy bread",
      initial_comment: "Here it is",
    });
    const { file } = await client.files.info({ file: files[0].files[0].id });
    await say(`${file.name}, ${file.size} bytes`);
  });
  app.message("stages", async ({ message, client }) => {
    const { channel } = message;
    const { ts } = await client.chat.postMessage({ channel, text: "first" });
    await client.chat.update({ channel, ts, text: "second" });
    const { permalink } = await client.chat.getPermalink({ channel, message_ts: ts });
    const { messages } = await client.conversations.history({ channel, latest: ts, inclusive: true, limit: 1 });
    await client.chat.postMessage({ channel, thread_ts: ts, text: `${messages[0].text} ${permalink}` });
  });
}
