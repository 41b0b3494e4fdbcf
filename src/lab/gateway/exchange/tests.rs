//! The contract of the gateway, event by event.

use super::*;

const ALICE: Account = Account("alice");
const BOB: Account = Account("bob");
const CAROL: Account = Account("carol");

fn exchange(faults: &[GatewayFault]) -> (Exchange, Instant) {
    let mut exchange = Exchange::new(faults, NO_ANSWER_AFTER);
    for account in [ALICE, BOB, CAROL] {
        exchange.join(account);
    }
    (exchange, Instant::now())
}

fn initiate(exchange: &mut Exchange, from: Account, chat: &str, now: Instant) -> Option<Value> {
    let offer = json!({ "type": "offer", "sdp": "v=0\r\ns=-\r\na=ice-options:trickle\r\n" });
    exchange.receive(from, "call:initiate", &json!({ "chatId": chat, "offer": offer }), now)
}

fn answer(exchange: &mut Exchange, now: Instant) -> Option<Value> {
    exchange.receive(BOB, "call:answer", &json!({ "chatId": CHAT, "answer": { "type": "answer", "sdp": "v=0" } }), now)
}

/// What is sent by now, in short: to whom, which event, and what it says.
fn sent(exchange: &mut Exchange, now: Instant) -> Vec<String> {
    let acts = exchange.take_due(now).into_iter();
    let texts = acts.map(|act| match act {
        Act::Send { to, event, payload } => {
            let says = ["message", "reason", "callerId"].iter().find_map(|key| payload[*key].as_str()).unwrap_or_default();
            format!("{} {event} {says}", to.name()).trim_end().to_owned()
        }
        Act::Drop(account) => format!("{} is dropped", account.name()),
        Act::Close(account) => format!("{} is closed", account.name()),
        Act::NoAnswer { .. } => "a timer".to_owned(),
    });
    texts.collect()
}

#[test]
fn a_call_goes_from_the_offer_to_its_end() {
    let (mut exchange, now) = exchange(&[]);
    assert_eq!(initiate(&mut exchange, ALICE, CHAT, now), Some(json!({ "ok": true })));
    assert_eq!(sent(&mut exchange, now), ["bob call:offer alice"]);
    answer(&mut exchange, now);
    assert_eq!(sent(&mut exchange, now), ["alice call:answer"]);
    for account in [ALICE, BOB] {
        exchange.receive(account, "call:ice-candidate", &json!({ "chatId": CHAT, "candidate": {} }), now);
    }
    assert_eq!(sent(&mut exchange, now), ["bob call:ice-candidate", "alice call:ice-candidate"]);
    exchange.receive(ALICE, "call:end", &json!({ "chatId": CHAT, "reason": "hangup" }), now);
    assert_eq!(sent(&mut exchange, now + 2 * NO_ANSWER_AFTER), ["bob call:end hangup"]);
}

#[test]
fn a_call_that_may_not_be_is_refused_with_the_reason() {
    let (mut exchange, now) = exchange(&[]);
    for (from, chat, why) in
        [(ALICE, "99", "no such chat"), (BOB, OTHER_CHAT, "no such chat"), (ALICE, GROUP_CHAT, "the chat is not one-to-one")]
    {
        assert_eq!(initiate(&mut exchange, from, chat, now), Some(json!({ "ok": false, "message": why })));
        assert_eq!(sent(&mut exchange, now), [format!("{} call:error {why}", from.name())]);
    }
    exchange.receive(ALICE, "call:initiate", &json!({ "chatId": CHAT }), now);
    assert_eq!(sent(&mut exchange, now), ["alice call:error the offer is missing"]);
    answer(&mut exchange, now);
    assert_eq!(sent(&mut exchange, now), ["bob call:error no such call"]);
}

#[test]
fn a_receiver_is_called_once_at_a_time_and_only_while_online() {
    let (mut exchange, now) = exchange(&[]);
    initiate(&mut exchange, ALICE, CHAT, now);
    initiate(&mut exchange, CAROL, OTHER_CHAT, now);
    assert_eq!(sent(&mut exchange, now), ["bob call:offer alice", "carol call:error busy"]);
    exchange.leave(BOB, now);
    assert_eq!(sent(&mut exchange, now), ["alice call:end disconnected"]);
    initiate(&mut exchange, ALICE, CHAT, now);
    assert_eq!(sent(&mut exchange, now), ["alice call:error the receiver is offline"]);
}

#[test]
fn an_account_with_a_second_connection_stays_online() {
    let (mut exchange, now) = exchange(&[]);
    exchange.join(BOB);
    initiate(&mut exchange, ALICE, CHAT, now);
    exchange.leave(BOB, now);
    assert_eq!(sent(&mut exchange, now), ["bob call:offer alice"]);
}

#[test]
fn nobody_waits_longer_than_the_timer_and_an_older_timer_ends_no_later_call() {
    let (mut exchange, now) = exchange(&[]);
    initiate(&mut exchange, ALICE, CHAT, now);
    let later = now + NO_ANSWER_AFTER;
    assert_eq!(exchange.deadline(), Some(now));
    exchange.receive(ALICE, "call:end", &json!({ "chatId": CHAT }), now);
    initiate(&mut exchange, ALICE, CHAT, now + Duration::from_secs(1));
    assert_eq!(sent(&mut exchange, later), ["bob call:offer alice", "bob call:end", "bob call:offer alice"]);
    assert_eq!(exchange.deadline(), Some(later + Duration::from_secs(1)));
    assert_eq!(sent(&mut exchange, later + Duration::from_secs(1)), ["alice call:end no-answer", "bob call:end no-answer"]);
}

#[test]
fn each_fault_of_a_call_breaks_what_it_says() {
    let after = |faults: &[GatewayFault]| {
        let (mut exchange, now) = exchange(faults);
        initiate(&mut exchange, ALICE, CHAT, now);
        answer(&mut exchange, now);
        for account in [ALICE, BOB] {
            exchange.receive(account, "call:ice-candidate", &json!({ "chatId": CHAT, "candidate": {} }), now);
        }
        sent(&mut exchange, now + Duration::from_secs(1)).join(", ")
    };
    let offer = "bob call:offer alice";
    let answer = "alice call:answer";
    let candidates = "bob call:ice-candidate, alice call:ice-candidate";
    let refused = "alice call:error calls are switched off in this chat";
    let lost = "bob call:error no such call, alice call:error no such call, bob call:error no such call";
    assert_eq!(after(&[]), format!("{offer}, {answer}, {candidates}"));
    assert_eq!(after(&[GatewayFault::CallRefused]), format!("{refused}, {lost}"));
    assert_eq!(after(&[GatewayFault::CallRefusedByAnswer]), lost);
    assert_eq!(after(&[GatewayFault::ReceiverOffline]), format!("alice call:error the receiver is offline, {lost}"));
    assert_eq!(after(&[GatewayFault::OfferNotForwarded]), format!("{answer}, {candidates}"));
    assert_eq!(after(&[GatewayFault::AnswerNotForwarded]), format!("{offer}, {candidates}"));
    let half = |to: &str| format!("{offer}, {answer}, {to} call:ice-candidate");
    assert_eq!(after(&[GatewayFault::CallerCandidatesNotForwarded]), half("alice"));
    assert_eq!(after(&[GatewayFault::CalleeCandidatesNotForwarded]), half("bob"));
    assert_eq!(after(&[GatewayFault::Slow]), "");
    assert_eq!(after(&[GatewayFault::DropsConnection]), format!("{offer}, {answer}, {candidates}, alice is dropped"));
    assert_eq!(after(&[GatewayFault::ClosesConnection]), format!("{offer}, {answer}, {candidates}, alice is closed"));
}

#[test]
fn no_answer_at_once_ends_the_call_behind_the_offer() {
    let (mut exchange, now) = exchange(&[GatewayFault::NoAnswerAtOnce]);
    initiate(&mut exchange, ALICE, CHAT, now);
    let ends = ["bob call:offer alice", "alice call:end no-answer", "bob call:end no-answer"];
    assert_eq!(sent(&mut exchange, now), ends);
}

#[test]
fn an_altered_description_is_another_one() {
    let offer = json!({ "type": "offer", "sdp": "v=0\r\ns=-\r\na=ice-options:trickle\r\na=mid:0\r\n" });
    assert_eq!(altered(&offer)["sdp"], "v=0\r\ns=gateway\r\na=mid:0\r\n");
}
