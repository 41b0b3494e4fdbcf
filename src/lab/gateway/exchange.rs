//! The logic of the gateway, sans-IO: an account and its event in, events for accounts out, each with its time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::fault::GatewayFault;

/// The token of the account `alice`.
pub const CALLER_TOKEN: &str = "caller-token";
/// The token of the account `bob`.
pub const CALLEE_TOKEN: &str = "callee-token";
/// The token of the account `carol`.
pub const THIRD_TOKEN: &str = "third-token";

/// The one-to-one chat of `alice` and `bob`.
pub const CHAT: &str = "42";
/// The one-to-one chat of `alice` and `carol`.
pub const OTHER_CHAT: &str = "43";
/// A chat of all three.
pub const GROUP_CHAT: &str = "7";

/// How long a call waits for its answer.
pub const NO_ANSWER_AFTER: Duration = Duration::from_secs(30);

/// How late [`GatewayFault::Slow`] forwards.
pub const SLOWNESS: Duration = Duration::from_millis(1300);

/// How long after the answer a connection breaks or is ended.
const DROP_AFTER: Duration = Duration::from_millis(50);

/// How many needless events a flood has.
const FLOOD: u32 = 5000;

/// How large a large event is, in bytes, and how many there are.
const MEGABYTES: (usize, u32) = (2 << 20, 2);

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account(&'static str);

impl Account {
    /// The account that an auth payload stands for.
    #[must_use]
    pub fn of(auth: Option<&Value>) -> Option<Self> {
        match auth?.get("token")?.as_str()? {
            CALLER_TOKEN => Some(Self("alice")),
            CALLEE_TOKEN => Some(Self("bob")),
            THIRD_TOKEN => Some(Self("carol")),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// What is to be done at some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// When.
    pub at: Instant,
    /// What.
    pub act: Act,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Sends an event to all connections of an account.
    Send {
        /// To whom.
        to: Account,
        /// The event's name.
        event: &'static str,
        /// Its payload.
        payload: Value,
    },
    /// Breaks the connections of an account.
    Drop(Account),
    /// Ends the connections of an account.
    Close(Account),
    /// Ends the call of a chat if nobody has answered it.
    NoAnswer {
        /// The chat.
        chat: String,
        /// Which call of it.
        call: u64,
    },
}

/// A call under way.
#[derive(Debug)]
struct Call {
    number: u64,
    caller: Account,
    callee: Account,
    answered: bool,
}

impl Call {
    fn has(&self, account: Account) -> bool {
        self.caller == account || self.callee == account
    }

    fn other(&self, account: Account) -> Account {
        if self.caller == account { self.callee } else { self.caller }
    }
}

/// The calls of all accounts.
#[derive(Debug)]
pub struct Exchange {
    faults: BTreeSet<GatewayFault>,
    no_answer_after: Duration,
    delay: Duration,
    online: BTreeMap<Account, usize>,
    calls: BTreeMap<String, Call>,
    numbers: u64,
    due: Vec<Due>,
}

impl Exchange {
    /// An exchange with these faults.
    #[must_use]
    pub fn new(faults: &[GatewayFault], no_answer_after: Duration) -> Self {
        Self {
            faults: faults.iter().copied().collect(),
            no_answer_after,
            delay: Duration::ZERO,
            online: BTreeMap::new(),
            calls: BTreeMap::new(),
            numbers: 0,
            due: Vec::new(),
        }
    }

    /// Every event takes that long from one side to the other.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Whether a fault is made.
    #[must_use]
    pub fn has(&self, fault: GatewayFault) -> bool {
        self.faults.contains(&fault)
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// A connection of an account is there.
    pub fn join(&mut self, account: Account) {
        *self.online.entry(account).or_default() += 1;
    }

    /// A connection of an account is gone; with the last one its calls end.
    pub fn leave(&mut self, account: Account, now: Instant) {
        let Some(connections) = self.online.get_mut(&account) else { return };
        *connections -= 1;
        if *connections > 0 {
            return;
        }
        self.online.remove(&account);
        let ended: Vec<String> = self.calls.iter().filter(|(_, call)| call.has(account)).map(|(chat, _)| chat.clone()).collect();
        for chat in ended {
            let Some(call) = self.calls.remove(&chat) else { continue };
            self.send(call.other(account), "call:end", json!({ "chatId": chat, "reason": "disconnected" }), now);
        }
    }

    /// Takes an event of an account; what it returns answers the event, where an answer was asked for.
    pub fn receive(&mut self, from: Account, event: &str, payload: &Value, now: Instant) -> Option<Value> {
        let id = &payload["chatId"];
        let chat = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let done = match event {
            "call:initiate" => self.initiate(from, &chat, payload, now),
            "call:answer" => self.answer(from, &chat, payload, now),
            "call:ice-candidate" => self.candidate(from, &chat, payload, now),
            "call:end" => self.end(from, &chat, payload, now),
            _ => return None,
        };
        match done {
            Ok(()) => Some(json!({ "ok": true })),
            Err(message) => {
                // Who refuses by the answer sends no event besides.
                if !(event == "call:initiate" && self.has(GatewayFault::CallRefusedByAnswer)) {
                    self.send(from, "call:error", json!({ "chatId": payload["chatId"], "message": message }), now);
                }
                Some(json!({ "ok": false, "message": message }))
            }
        }
    }

    /// When something is to be done next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.due.iter().map(|due| due.at).min()
    }

    /// What is to be done by now, in the order of its times; equal ones in the order in which they arose.
    pub fn take_due(&mut self, now: Instant) -> Vec<Act> {
        let mut acts = Vec::new();
        loop {
            self.due.sort_by_key(|due| due.at);
            let ready = self.due.partition_point(|due| due.at <= now);
            if ready == 0 {
                return acts;
            }
            for due in self.due.drain(..ready).collect::<Vec<_>>() {
                match due.act {
                    Act::NoAnswer { chat, call } => self.give_up(&chat, call, now),
                    act @ (Act::Send { .. } | Act::Drop(_) | Act::Close(_)) => acts.push(act),
                }
            }
        }
    }

    fn initiate(&mut self, from: Account, chat: &str, payload: &Value, now: Instant) -> Result<(), &'static str> {
        let members = members(chat).filter(|members| members.contains(&from.name())).ok_or("no such chat")?;
        let [_, _] = members else { return Err("the chat is not one-to-one") };
        let offer = &payload["offer"];
        if offer.is_null() {
            return Err("the offer is missing");
        }
        if self.has(GatewayFault::CallRefused) || self.has(GatewayFault::CallRefusedByAnswer) {
            return Err("calls are switched off in this chat");
        }
        let to = members.iter().copied().find(|member| *member != from.name()).map(Account).ok_or("no such chat")?;
        if !self.online.contains_key(&to) || self.has(GatewayFault::ReceiverOffline) {
            return Err("the receiver is offline");
        }
        if self.calls.values().any(|call| call.has(from) || call.has(to)) {
            return Err("busy");
        }
        self.numbers += 1;
        let number = self.numbers;
        self.calls.insert(chat.to_owned(), Call { number, caller: from, callee: to, answered: false });
        self.needless(to, now);
        if !self.has(GatewayFault::OfferNotForwarded) {
            let offer = if self.has(GatewayFault::OfferAltered) { altered(offer) } else { offer.clone() };
            let payload = json!({ "chatId": payload["chatId"], "offer": offer, "callerId": from.name() });
            self.send(to, "call:offer", payload, now);
        }
        let patience = if self.has(GatewayFault::NoAnswerAtOnce) { Duration::ZERO } else { self.no_answer_after };
        self.schedule(now + patience, Act::NoAnswer { chat: chat.to_owned(), call: number });
        Ok(())
    }

    fn answer(&mut self, from: Account, chat: &str, payload: &Value, now: Instant) -> Result<(), &'static str> {
        let call = self.calls.get_mut(chat).filter(|call| call.callee == from).ok_or("no such call")?;
        call.answered = true;
        let to = call.caller;
        if !self.has(GatewayFault::AnswerNotForwarded) {
            let answer = &payload["answer"];
            let answer = if self.has(GatewayFault::AnswerAltered) { altered(answer) } else { answer.clone() };
            self.send(to, "call:answer", json!({ "chatId": payload["chatId"], "answer": answer }), now);
        }
        if self.has(GatewayFault::DropsConnection) {
            self.schedule(now + DROP_AFTER, Act::Drop(to));
        }
        if self.has(GatewayFault::ClosesConnection) {
            self.schedule(now + DROP_AFTER, Act::Close(to));
        }
        Ok(())
    }

    fn candidate(&mut self, from: Account, chat: &str, payload: &Value, now: Instant) -> Result<(), &'static str> {
        let call = self.calls.get(chat).filter(|call| call.has(from)).ok_or("no such call")?;
        let fault = if call.caller == from {
            GatewayFault::CallerCandidatesNotForwarded
        } else {
            GatewayFault::CalleeCandidatesNotForwarded
        };
        let to = call.other(from);
        if !self.has(fault) {
            let payload = json!({ "chatId": payload["chatId"], "candidate": payload["candidate"] });
            self.send(to, "call:ice-candidate", payload, now);
        }
        Ok(())
    }

    fn end(&mut self, from: Account, chat: &str, payload: &Value, now: Instant) -> Result<(), &'static str> {
        let to = self.calls.get(chat).filter(|call| call.has(from)).ok_or("no such call")?.other(from);
        self.calls.remove(chat);
        self.send(to, "call:end", json!({ "chatId": payload["chatId"], "reason": payload["reason"] }), now);
        Ok(())
    }

    fn give_up(&mut self, chat: &str, number: u64, now: Instant) {
        let Some(call) = self.calls.get(chat).filter(|call| call.number == number && !call.answered) else { return };
        let both = [call.caller, call.callee];
        self.calls.remove(chat);
        for account in both {
            self.send(account, "call:end", json!({ "chatId": chat, "reason": "no-answer" }), now);
        }
    }

    /// What a gateway sends that the call doesn't need.
    fn needless(&mut self, to: Account, now: Instant) {
        if self.has(GatewayFault::Flood) {
            for number in 0..FLOOD {
                self.send(to, "chat:typing", json!({ "n": number }), now);
            }
        }
        if self.has(GatewayFault::Megabytes) {
            for _ in 0..MEGABYTES.1 {
                self.send(to, "chat:history", json!({ "text": "x".repeat(MEGABYTES.0) }), now);
            }
        }
    }

    fn send(&mut self, to: Account, event: &'static str, payload: Value, now: Instant) {
        let at = now + self.delay + if self.has(GatewayFault::Slow) { SLOWNESS } else { Duration::ZERO };
        self.schedule(at, Act::Send { to, event, payload });
    }

    fn schedule(&mut self, at: Instant, act: Act) {
        self.due.push(Due { at, act });
    }
}

fn members(chat: &str) -> Option<&'static [&'static str]> {
    match chat {
        CHAT => Some(&["alice", "bob"]),
        OTHER_CHAT => Some(&["alice", "carol"]),
        GROUP_CHAT => Some(&["alice", "bob", "carol"]),
        _ => None,
    }
}

/// A gateway that "cleans" descriptions: another session name, and what it doesn't know is gone.
fn altered(description: &Value) -> Value {
    let mut description = description.clone();
    let Some(sdp) = description["sdp"].as_str() else { return description };
    let lines = sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=ice-options:"));
    let cleaned = lines.map(|line| if line.starts_with("s=") { "s=gateway\r\n" } else { line });
    description["sdp"] = cleaned.collect::<String>().into();
    description
}

#[cfg(test)]
mod tests;
