// The logic of the gateway, apart from sockets: who may call whom, what goes where, when a call ends.

/** Ways in which the gateway can be broken on purpose. */
export const FAULTS = [
  // before the call
  "silent", "bad-gateway", "web-page", "wrong-path", "old-protocol", "older-handshake", "forbidden", "auth-refused",
  "namespace-refused", "websocket-only", "websocket-stripped", "websocket-refused", "websocket-hangs", "not-sticky", "no-cors",
  // in the call
  "call-refused", "call-refused-by-answer", "receiver-offline", "offer-not-forwarded", "answer-not-forwarded",
  "caller-candidates-not-forwarded", "callee-candidates-not-forwarded", "offer-altered", "answer-altered", "no-answer-at-once",
  "slow", "drops-connection", "closes-connection", "flood", "megabytes",
];

/** The accounts by their tokens. */
const ACCOUNTS = { "caller-token": "alice", "callee-token": "bob", "third-token": "carol" };

/** The chats with their members. */
const CHATS = { 42: ["alice", "bob"], 43: ["alice", "carol"], 7: ["alice", "bob", "carol"] };

/** How late a slow gateway forwards, in milliseconds. */
const SLOWNESS = 1300;

/** How long after the answer a connection is dropped, in milliseconds. */
const DROP_AFTER = 50;

/** How many needless events a flood has, and how large the large ones are, in bytes. */
const FLOOD = 5000;
const MEGABYTES = 2 << 20;

export function accountOf(auth) {
  const token = auth?.token;
  return typeof token === "string" && Object.hasOwn(ACCOUNTS, token) ? ACCOUNTS[token] : undefined;
}

export class Exchange {
  #faults;
  #noAnswer;
  #members = new Set();
  /** The calls by chat. */
  #calls = new Map();

  constructor(faults, noAnswer) {
    this.#faults = faults;
    this.#noAnswer = noAnswer;
  }

  join(member) {
    this.#members.add(member);
  }

  /** A side that leaves ends its calls. */
  leave(member) {
    this.#members.delete(member);
    if (this.#isOnline(member.account)) return;
    for (const [chatId, call] of this.#calls) {
      if (call.caller !== member.account && call.callee !== member.account) continue;
      this.#finish(chatId);
      this.#send(other(call, member.account), "call:end", { chatId, reason: "disconnected" });
    }
  }

  /** An event of a member; what is returned answers it. */
  receive(member, event, payload) {
    switch (event) {
      case "call:initiate": return this.#initiate(member.account, payload);
      case "call:answer": return this.#answer(member.account, payload);
      case "call:ice-candidate": return this.#candidate(member.account, payload);
      case "call:end": return this.#end(member.account, payload);
      default: return undefined;
    }
  }

  #initiate(caller, { chatId, offer }) {
    const members = CHATS[chatId];
    if (!members?.includes(caller)) return this.#refuse(caller, chatId, "no such chat");
    if (members.length !== 2) return this.#refuse(caller, chatId, "the chat is not one-to-one");
    if (!offer) return this.#refuse(caller, chatId, "the offer is missing");
    const callee = members.find((account) => account !== caller);
    if (this.#has("call-refused")) return this.#refuse(caller, chatId, "calls are switched off in this chat");
    if (this.#has("call-refused-by-answer")) return { ok: false, message: "calls are switched off in this chat" };
    if (!this.#isOnline(callee) || this.#has("receiver-offline")) return this.#refuse(caller, chatId, "the receiver is offline");
    for (const call of this.#calls.values()) {
      if ([call.caller, call.callee].some((account) => account === caller || account === callee)) {
        return this.#refuse(caller, chatId, "busy");
      }
    }
    const timer = setTimeout(() => this.#unanswered(chatId), this.#has("no-answer-at-once") ? 0 : this.#noAnswer);
    this.#calls.set(chatId, { caller, callee, timer, answered: false });
    if (this.#has("flood")) for (let n = 0; n < FLOOD; n++) this.#send(callee, "chat:typing", { n });
    if (this.#has("megabytes")) for (let n = 0; n < 4; n++) this.#send(callee, "chat:history", { text: "x".repeat(MEGABYTES) });
    if (!this.#has("offer-not-forwarded")) {
      const forwarded = this.#has("offer-altered") ? altered(offer) : offer;
      this.#send(callee, "call:offer", { chatId, offer: forwarded, callerId: caller });
    }
    return { ok: true };
  }

  #answer(callee, { chatId, answer }) {
    const call = this.#calls.get(chatId);
    if (call?.callee !== callee) return this.#refuse(callee, chatId, "no such call");
    clearTimeout(call.timer);
    call.answered = true;
    if (!this.#has("answer-not-forwarded")) {
      const forwarded = this.#has("answer-altered") ? altered(answer) : answer;
      this.#send(call.caller, "call:answer", { chatId, answer: forwarded });
    }
    if (this.#has("drops-connection")) this.#after(DROP_AFTER, call.caller, (member) => member.drop());
    if (this.#has("closes-connection")) this.#after(DROP_AFTER, call.caller, (member) => member.close());
    return { ok: true };
  }

  #candidate(from, { chatId, candidate }) {
    const call = this.#calls.get(chatId);
    if (!call || (call.caller !== from && call.callee !== from)) return this.#refuse(from, chatId, "no such call");
    const fault = call.caller === from ? "caller-candidates-not-forwarded" : "callee-candidates-not-forwarded";
    if (!this.#has(fault)) this.#send(other(call, from), "call:ice-candidate", { chatId, candidate });
    return { ok: true };
  }

  #end(from, { chatId, reason }) {
    const call = this.#calls.get(chatId);
    if (!call || (call.caller !== from && call.callee !== from)) return this.#refuse(from, chatId, "no such call");
    this.#finish(chatId);
    this.#send(other(call, from), "call:end", { chatId, reason });
    return { ok: true };
  }

  #unanswered(chatId) {
    const call = this.#calls.get(chatId);
    if (!call) return;
    this.#finish(chatId);
    for (const account of [call.caller, call.callee]) this.#send(account, "call:end", { chatId, reason: "no-answer" });
  }

  #finish(chatId) {
    clearTimeout(this.#calls.get(chatId)?.timer);
    this.#calls.delete(chatId);
  }

  #refuse(account, chatId, message) {
    this.#send(account, "call:error", { chatId, message });
    return { ok: false, message };
  }

  #send(account, event, payload) {
    this.#after(this.#has("slow") ? SLOWNESS : 0, account, (member) => member.send(event, payload));
  }

  #after(milliseconds, account, act) {
    const all = () => [...this.#members].filter((member) => member.account === account).forEach(act);
    if (milliseconds) setTimeout(all, milliseconds);
    else all();
  }

  #isOnline(account) {
    return [...this.#members].some((member) => member.account === account);
  }

  #has(fault) {
    return this.#faults.has(fault);
  }
}

function other(call, account) {
  return call.caller === account ? call.callee : call.caller;
}

/** A gateway that "cleans" descriptions: another session name, and what it doesn't know is gone. */
function altered(description) {
  const sdp = description.sdp.replace(/^s=.*$/m, "s=gateway").replace(/^a=ice-options:.*\r?\n/gm, "");
  return { ...description, sdp };
}
