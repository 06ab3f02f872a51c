// An app as Bolt's starter template for JavaScript makes one, with every kind of listener.
// It knows nothing of the emulator but the address of the API.

import { loadBolt } from "./bolt.js";
import { registerAssistant } from "./assistant.js";
import { registerListeners } from "./listeners.js";
import { registerMethods } from "./methods.js";

const { App, LogLevel, MemoryInstallationStore } = await loadBolt();
const { env } = process;
const clientOptions = { slackApiUrl: env.SLACK_API_URL };

const modes = {
  socket: () => ({ token: env.SLACK_BOT_TOKEN, appToken: env.SLACK_APP_TOKEN, socketMode: true }),
  http: () => ({ token: env.SLACK_BOT_TOKEN, signingSecret: env.SLACK_SIGNING_SECRET }),
  // Teams install it by themselves.
  oauth: () => ({
    signingSecret: env.SLACK_SIGNING_SECRET,
    clientId: env.SLACK_CLIENT_ID,
    clientSecret: env.SLACK_CLIENT_SECRET,
    stateSecret: "a-secret-of-the-app",
    redirectUri: `http://127.0.0.1:${env.PORT}/slack/oauth_redirect`,
    scopes: ["chat:write", "commands", "channels:history"],
    installationStore: new MemoryInstallationStore(),
    installerOptions: {
      redirectUriPath: "/slack/oauth_redirect",
      authorizationUrl: `${new URL(env.SLACK_API_URL).origin}/oauth/v2/authorize`,
      clientOptions,
    },
  }),
};

const app = new App({ ...modes[env.MODE](), clientOptions, logLevel: LogLevel.INFO });
registerListeners(app);
registerAssistant(app);
registerMethods(app);
app.error(async (error) => {
  app.logger.error(`the app has failed: ${error.message}`);
});
await app.start(env.MODE === "socket" ? undefined : Number(env.PORT));
app.logger.info("the app runs");
