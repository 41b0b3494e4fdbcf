//! A call's events through each gateway: what each side hears, healthy and with each fault of the call.

use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::model::call::Role;
use callcheck::model::call::TrickledCandidate;
use callcheck::signaling::call_event::{CallEvent, ChatId};
use callcheck::signaling::conversation::Conversation;
use callcheck::signaling::gateway::{Gateway, Transports};
use callcheck::signaling::line::{Emitted, Incoming, Line};
use libtest_mimic::Failed;
use serde_json::json;
use tokio::time::Instant;

use crate::gateway::{CALLEE, CALLER, Kind, Running, Wish};
use crate::in_time;

/// The chat of both, and one that nobody has.
const CHAT: &str = "42";
const NO_CHAT: &str = "99";

/// How long an event may take that is expected.
const WAIT: Duration = Duration::from_secs(20);

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-options:trickle\r\n";
const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-options:trickle\r\n";

pub type Test = Box<dyn FnOnce() -> Result<(), Failed> + Send>;

/// What both sides hear with a fault: the caller, then the callee.
const HEARD: &[(Option<GatewayFault>, &[&str], &[&str])] = &[
    (None, &["answer", "candidate"], &["offer of alice", "candidate", "end hangup"]),
    (Some(GatewayFault::CallRefused), &["error calls are switched off in this chat"], &[]),
    (Some(GatewayFault::CallRefusedByAnswer), &["error calls are switched off in this chat"], &[]),
    (Some(GatewayFault::ReceiverOffline), &["error the receiver is offline"], &[]),
    (Some(GatewayFault::OfferNotForwarded), &[], &[]),
    (Some(GatewayFault::AnswerNotForwarded), &["candidate"], &["offer of alice", "candidate", "end hangup"]),
    (Some(GatewayFault::CallerCandidatesNotForwarded), &["answer", "candidate"], &["offer of alice", "end hangup"]),
    (Some(GatewayFault::CalleeCandidatesNotForwarded), &["answer"], &["offer of alice", "candidate", "end hangup"]),
    (Some(GatewayFault::OfferAltered), &["answer", "candidate"], &["altered offer of alice", "candidate", "end hangup"]),
    (Some(GatewayFault::AnswerAltered), &["altered answer", "candidate"], &["offer of alice", "candidate", "end hangup"]),
    (Some(GatewayFault::NoAnswerAtOnce), &["end no-answer"], &["offer of alice", "end no-answer"]),
    (Some(GatewayFault::Slow), &["answer", "candidate"], &["offer of alice", "candidate", "end hangup"]),
    (Some(GatewayFault::DropsConnection), &["answer", "lost", "reconnected"], &["offer of alice", "end disconnected"]),
    (Some(GatewayFault::ClosesConnection), &["answer", "closed"], &["offer of alice", "end disconnected"]),
];

pub fn tests(kind: Kind) -> Vec<(String, Test)> {
    let mut tests: Vec<(String, Test)> = Vec::new();
    for (fault, caller, callee) in HEARD {
        let name = format!("call_{}", fault.map_or("healthy", GatewayFault::id).replace('-', "_"));
        tests.push((name, Box::new(move || in_time(|| hears(kind, *fault, caller, callee)))));
    }
    tests.push(("flood_is_bounded".to_owned(), Box::new(move || in_time(|| is_bounded(kind, GatewayFault::Flood)))));
    tests.push(("megabytes_are_bounded".to_owned(), Box::new(move || in_time(|| is_bounded(kind, GatewayFault::Megabytes)))));
    tests.push(("a_wrong_token_is_refused".to_owned(), Box::new(move || in_time(|| refuses(kind)))));
    if kind != Kind::Memory {
        for transports in [Transports::Websocket, Transports::Polling] {
            let name = format!("call_by_{transports:?}").to_lowercase();
            tests.push((name, Box::new(move || in_time(|| calls_by(kind, transports)))));
        }
        let name = "path_namespace_query_and_headers_are_sent";
        tests.push((name.to_owned(), Box::new(move || in_time(|| is_configured(kind)))));
    }
    tests
}

async fn hears(kind: Kind, fault: Option<GatewayFault>, caller: &[&str], callee: &[&str]) -> Result<(), Failed> {
    let faults: Vec<GatewayFault> = fault.into_iter().collect();
    let running = Running::start(kind, &Wish::broken(&faults)).await?;
    let heard = call(&running, Transports::Both, fault).await?;
    equal(&heard.0, caller, "the caller")?;
    equal(&heard.1, callee, "the callee")
}

async fn calls_by(kind: Kind, transports: Transports) -> Result<(), Failed> {
    let running = Running::start(kind, &Wish::broken(&[])).await?;
    let heard = call(&running, transports, None).await?;
    equal(&heard.0, HEARD[0].1, "the caller")?;
    equal(&heard.1, HEARD[0].2, "the callee")
}

fn equal(heard: &[String], expected: &[&str], who: &str) -> Result<(), Failed> {
    if heard == expected { Ok(()) } else { Err(Failed::from(format!("{who} heard {heard:?}, not {expected:?}"))) }
}

/// A call from the offer to its end, as far as it comes; what both sides have heard.
async fn call(
    running: &Running,
    transports: Transports,
    fault: Option<GatewayFault>,
) -> Result<(Vec<String>, Vec<String>), Failed> {
    let (caller, callee) = tokio::join!(running.line(CALLER, transports), running.line(CALLEE, transports));
    let gateway = running.gateway(CALLER);
    let (mut caller, mut callee) = (Side::new(caller?, Role::Caller, &gateway), Side::new(callee?, Role::Callee, &gateway));
    caller.hears_until("connected").await?;
    callee.hears_until("connected").await?;
    let chat = ChatId::new(CHAT);
    let started = Instant::now();
    expect_sent(&caller.conversation.initiate(&chat, OFFER).await)?;
    caller.catch_up().await?;
    callee.catch_up().await?;
    if fault == Some(GatewayFault::Slow) && started.elapsed() < Duration::from_secs(1) {
        return Err(Failed::from(format!("a slow gateway took {:?}", started.elapsed())));
    }
    if callee.heard.is_empty() || caller.heard.iter().any(|event| event.starts_with("end")) {
        return Ok((caller.heard, callee.heard));
    }
    expect_sent(&callee.conversation.answer(&chat, ANSWER).await)?;
    match fault {
        Some(GatewayFault::DropsConnection) => {
            caller.hears_until("reconnected").await?;
            callee.hears_until("end disconnected").await?;
            return Ok((caller.heard, callee.heard));
        }
        Some(GatewayFault::ClosesConnection) => {
            caller.hears_until("closed").await?;
            callee.hears_until("end disconnected").await?;
            return Ok((caller.heard, callee.heard));
        }
        Some(_) | None => {}
    }
    callee.catch_up().await?;
    let line = "candidate:1 1 udp 2130706431 203.0.113.7 50000 typ host";
    let candidate =
        TrickledCandidate { candidate: Some(line.to_owned()), sdp_mid: Some("0".to_owned()), sdp_m_line_index: Some(0) };
    expect_sent(&caller.conversation.candidate(&chat, &candidate).await)?;
    expect_sent(&callee.conversation.candidate(&chat, &candidate).await)?;
    callee.catch_up().await?;
    caller.catch_up().await?;
    expect_sent(&caller.conversation.end(&chat, "hangup").await)?;
    caller.catch_up().await?;
    callee.catch_up().await?;
    let heard = (caller.heard, callee.heard);
    caller.conversation.close().await;
    callee.conversation.close().await;
    Ok(heard)
}

fn expect_sent(emitted: &Emitted) -> Result<(), Failed> {
    if *emitted == Emitted::Sent { Ok(()) } else { Err(Failed::from(format!("{emitted:?}"))) }
}

/// One side, with what it has heard.
struct Side {
    conversation: Conversation,
    heard: Vec<String>,
}

impl Side {
    fn new(line: Box<dyn Line>, role: Role, gateway: &Gateway) -> Self {
        Self { conversation: Conversation::new(line, role, gateway, Instant::now(), Rc::new(|_| {})), heard: Vec::new() }
    }

    /// Hears all that was sent to this side before now: the gateway's answer to an event for no chat comes after it.
    async fn catch_up(&mut self) -> Result<(), Failed> {
        expect_sent(&self.conversation.candidate(&ChatId::new(NO_CHAT), &TrickledCandidate::default()).await)?;
        loop {
            if let CallEvent::Error { chat_id: Some(chat), .. } = self.next().await?
                && chat == ChatId::new(NO_CHAT)
            {
                return Ok(());
            }
        }
    }

    async fn hears_until(&mut self, last: &str) -> Result<(), Failed> {
        if last == "connected" {
            let first = self.next().await?;
            let connected = first == CallEvent::Connected;
            return connected.then_some(()).ok_or_else(|| format!("{first:?} in place of a connection").into());
        }
        while !self.heard.iter().any(|event| event == last) {
            self.next().await?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<CallEvent, Failed> {
        let waited = tokio::time::timeout(WAIT, self.conversation.next()).await;
        let event = waited.map_err(|_| format!("nothing more came after {:?}", self.heard))?;
        // A refusal comes by an event and again by the answer.
        if let Some(short) = short(&event).filter(|short| self.heard.last() != Some(short)) {
            self.heard.push(short);
        }
        Ok(event)
    }
}

fn short(event: &CallEvent) -> Option<String> {
    Some(match event {
        CallEvent::Offer { sdp, caller_id, .. } => {
            let altered = if sdp == OFFER { "" } else { "altered " };
            format!("{altered}offer of {}", caller_id.as_deref().unwrap_or_default())
        }
        CallEvent::Answer { sdp, .. } => if sdp == ANSWER { "answer" } else { "altered answer" }.to_owned(),
        CallEvent::Candidate { .. } => "candidate".to_owned(),
        CallEvent::Ended { reason, .. } => format!("end {}", reason.as_deref().unwrap_or_default()),
        CallEvent::Error { message, .. } if message == "no such call" => return None,
        CallEvent::Error { message, .. } => format!("error {message}"),
        CallEvent::Lost { .. } => "lost".to_owned(),
        CallEvent::Reconnected => "reconnected".to_owned(),
        CallEvent::ClosedByServer => "closed".to_owned(),
        CallEvent::Malformed { event } => format!("malformed {event}"),
        CallEvent::Refused { message, .. } => format!("refused {message}"),
        CallEvent::Connected | CallEvent::Other { .. } => return None,
    })
}

/// What is more than a call needs is dropped and counted, and what comes afterwards is heard.
async fn is_bounded(kind: Kind, fault: GatewayFault) -> Result<(), Failed> {
    let running = Running::start(kind, &Wish::broken(&[fault])).await?;
    let (caller, callee) = tokio::join!(running.line(CALLER, Transports::Websocket), running.line(CALLEE, Transports::Websocket));
    let gateway = running.gateway(CALLER);
    let (mut caller, mut callee) = (Side::new(caller?, Role::Caller, &gateway), Side::new(callee?, Role::Callee, &gateway));
    caller.hears_until("connected").await?;
    callee.hears_until("connected").await?;
    let chat = ChatId::new(CHAT);
    expect_sent(&caller.conversation.initiate(&chat, OFFER).await)?;
    let until = Instant::now() + WAIT;
    while callee.conversation.dropped() == 0 {
        if Instant::now() > until {
            return Err(Failed::from("nothing was dropped"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    caller.catch_up().await?;
    expect_sent(&caller.conversation.end(&chat, "hangup").await)?;
    callee.hears_until("end hangup").await
}

async fn refuses(kind: Kind) -> Result<(), Failed> {
    let running = Running::start(kind, &Wish::broken(&[])).await?;
    let mut line = running.line("someone-elses-token", Transports::Both).await?;
    let first = tokio::time::timeout(WAIT, line.next()).await?;
    let said = format!("{first:?}");
    if !said.contains("Refused") || !said.contains("invalid token") {
        return Err(Failed::from(said));
    }
    let emitted = line.emit("call:end", json!({})).await;
    (emitted == Emitted::NotConnected).then_some(()).ok_or_else(|| format!("{emitted:?} after a refusal").into())
}

async fn is_configured(kind: Kind) -> Result<(), Failed> {
    use callcheck::model::secret::Secret;
    let wish = Wish { path: "/api/ws/", namespace: "/calls", ..Wish::broken(&[]) };
    let running = Running::start(kind, &wish).await?;
    let gateway = running.gateway(CALLER).with_path("/api/ws").with_namespace("calls");
    let gateway = gateway.with_query("tenant", Secret::new("a b")).with_header("X-Tenant", Secret::new("a"))?;
    let mut line = running.line_by(&gateway).await?;
    let first = tokio::time::timeout(WAIT, line.next()).await?;
    (first == Incoming::Connected).then_some(()).ok_or_else(|| format!("{first:?}").into())
}
