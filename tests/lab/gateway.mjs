// The gateway of tests/gateway with faults that only the network lab makes: `node gateway.mjs [--fault NAME]…`, and all else as there.

import { createRequire } from "node:module";

import { Exchange } from "../gateway/exchange.mjs";

/** When a call is ended that the gateway ends, in milliseconds after the answer: media flows by then. */
const END_AFTER = 1200;

const require = createRequire(new URL("../gateway/gateway.mjs", import.meta.url));

/** Lets `act` see each login in the gateway's place. */
function instead(act) {
  const { Namespace } = require("socket.io");
  const { use } = Namespace.prototype;
  Namespace.prototype.use = function () {
    return use.call(this, act);
  };
}

const OWN = {
  /** Takes the login and never says a word. */
  "login-unanswered": () => instead(() => {}),
  /** Closes the connection when the login comes. */
  "login-closed": () => instead((socket) => socket.conn.close()),
  /** Ends each call by itself, as a limit of its length does. */
  "ends-the-call": () => {
    const { receive } = Exchange.prototype;
    Exchange.prototype.receive = function (member, event, payload) {
      if (event === "call:answer") setTimeout(() => end(this, member, payload.chatId), END_AFTER);
      return receive.call(this, member, event, payload);
    };
    function end(exchange, callee, chatId) {
      const message = { chatId, reason: "limit" };
      const reply = receive.call(exchange, callee, "call:end", message);
      if (reply.ok) callee.send("call:end", message);
    }
  },
};

for (const [name, make] of Object.entries(OWN)) {
  const at = process.argv.indexOf(name);
  if (at < 0) continue;
  process.argv.splice(at - 1, 2);
  make();
}

await import("../gateway/gateway.mjs");
