//! The control exchange: whether the responder is there and takes the token, what it serves, which ports others have.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

use super::Client;
use crate::model::duration::milliseconds;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{ResponderFact, ServedPorts};
use crate::model::outcome::{Defect, Outcome, Reply, Stray, StrayKind, Unreachable};
use crate::model::ports::PortSet;
use crate::net::network::{Arrival, Datagrams, Stream};
use crate::probe::connect::try_connect;
use crate::proto::responder::{Answer, Content, Description, HEAD, Question, length};
use crate::proto::schedule::Schedule;

/// How long an answer over an open connection may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// What a responder said in the end.
enum Said {
    Serves(ServedPorts),
    /// Its clock is ahead by so many seconds, or behind.
    Stale(i64),
}

/// Asks over UDP, at the port that the responder listens on or at another that is known to be open.
pub async fn over_udp(client: &Client, port: u16) -> ResponderFact {
    let socket = match client.context.network.bind_udp(client.ip()) {
        Ok(socket) => socket,
        Err(outcome) => return fact(Reply::unsent(outcome), None),
    };
    client.context.record.contact(Endpoint::new(Transport::Udp, client.at(port)));
    let mut first = None;
    let said = describe(client, async |question| {
        let schedule = match &first {
            None => Schedule::first_contact(),
            Some(_) => Schedule::known_path(Duration::from_millis(100)),
        };
        let (reply, answer) = ask(client, &*socket, port, question, &schedule).await;
        let outcome = reply.outcome.clone();
        first.get_or_insert(reply);
        answer.ok_or(outcome)
    })
    .await;
    let reply = first.unwrap_or_else(|| Reply::unsent(Outcome::Silent));
    match said {
        Ok(said) => fact(reply, Some(said)),
        Err(outcome) => fact(Reply { outcome, ..reply }, None),
    }
}

/// Asks over TCP, at the port that the responder listens on.
pub async fn over_tcp(client: &Client) -> ResponderFact {
    let endpoint = Endpoint::new(Transport::Tcp, client.address);
    client.context.record.contact(endpoint);
    let (mut reply, stream) = try_connect(&client.context, endpoint).await;
    let Some(mut stream) = stream else { return fact(reply, None) };
    let said = describe(client, async |question| ask_over_stream(client, &mut stream, client.address.port(), question).await);
    let said = match said.await {
        Ok(said) => Some(said),
        Err(outcome) => {
            reply.outcome = outcome;
            None
        }
    };
    ResponderFact { connected: true, ..fact(reply, said) }
}

fn fact(reply: Reply, said: Option<Said>) -> ResponderFact {
    let (clock_ahead_s, serves) = match said {
        Some(Said::Serves(serves)) => (None, Some(serves)),
        Some(Said::Stale(ahead_s)) => (Some(ahead_s), None),
        None => (None, None),
    };
    ResponderFact { reply, connected: false, clock_ahead_s, serves }
}

/// Asks for the lists of taken ports, part by part.
async fn describe(client: &Client, mut ask: impl AsyncFnMut(Question) -> Result<Answer, Outcome>) -> Result<Said, Outcome> {
    let (description, udp_taken) = match list(client, &mut ask, |part| Question::UdpTaken { part }).await? {
        Ok(listed) => listed,
        Err(ahead_s) => return Ok(Said::Stale(ahead_s)),
    };
    let tcp_taken = if description.tcp {
        match list(client, &mut ask, |part| Question::TcpTaken { part }).await? {
            Ok((_, taken)) => taken,
            Err(ahead_s) => return Ok(Said::Stale(ahead_s)),
        }
    } else {
        PortSet::default()
    };
    let Description { range, tcp, ends_in_s, .. } = description;
    Ok(Said::Serves(ServedPorts { range, tcp, udp_taken, tcp_taken, ends_in_s }))
}

/// A list of taken ports with the description that came with its first part; or by how much the responder's clock is ahead.
async fn list(
    client: &Client,
    ask: &mut impl AsyncFnMut(Question) -> Result<Answer, Outcome>,
    part_of: fn(u16) -> Question,
) -> Result<Result<(Description, PortSet), i64>, Outcome> {
    let mut ports = Vec::new();
    let mut part = 0;
    loop {
        let answer = ask(part_of(part)).await?;
        let description = match answer.content {
            Content::Description(description) => description,
            Content::Stale => return Ok(Err(answer.time.saturating_sub(client.now()))),
            Content::Arrived => return Err(Outcome::Unusable { defect: Defect::Incomplete }),
        };
        ports.extend(description.taken.iter().flat_map(|range| range.iter()));
        part += 1;
        if part >= description.parts {
            return Ok(Ok((description, ports.into_iter().collect())));
        }
    }
}

async fn ask(
    client: &Client,
    socket: &dyn Datagrams,
    port: u16,
    question: Question,
    schedule: &Schedule,
) -> (Reply, Option<Answer>) {
    let begun = Instant::now();
    let mut strays = 0;
    let mut sends = 0;
    let ended = |outcome, sends, rtt_ms, strays: u32| {
        let strays = (strays > 0).then_some(Stray { defect: StrayKind::BadIntegrity, count: strays, from: None });
        Reply { outcome, sends, rtt_ms, strays: strays.into_iter().collect() }
    };
    loop {
        let next = schedule.send_at(sends as usize);
        if next.is_some_and(|at| begun.elapsed() >= at) {
            if let Err(outcome) = socket.send(&client.request(question, port), client.at(port)) {
                return (ended(outcome, sends, None, strays), None);
            }
            sends += 1;
            continue;
        }
        match timeout_at(begun + next.unwrap_or(schedule.give_up()), socket.receive()).await {
            Ok(Arrival::Datagram { bytes, .. }) => match client.answer(&bytes).filter(|answer| answer.question == question) {
                Some(answer) => {
                    return (ended(Outcome::Success, sends, Some(milliseconds(begun.elapsed())), strays), Some(answer));
                }
                None => strays += 1,
            },
            Ok(Arrival::Icmp { to, reason, from }) if to.port() == port => {
                return (ended(Outcome::Unreachable { reason, from }, sends, None, strays), None);
            }
            Ok(Arrival::Icmp { .. } | Arrival::Expired { .. } | Arrival::Closed) => {}
            Err(_elapsed) if next.is_some() => {}
            Err(_elapsed) if strays > 0 => {
                return (ended(Outcome::Unusable { defect: Defect::Integrity }, sends, None, strays), None);
            }
            Err(_elapsed) => return (ended(Outcome::Silent, sends, None, strays), None),
        }
    }
}

/// One question over an open connection.
///
/// # Errors
///
/// How it ended without an answer: closed, silent, or one that the token doesn't prove.
pub async fn ask_over_stream(
    client: &Client,
    stream: &mut Box<dyn Stream>,
    port: u16,
    question: Question,
) -> Result<Answer, Outcome> {
    match timeout(ANSWER_LIMIT, converse(stream, &client.request(question, port))).await {
        Err(_elapsed) => Err(Outcome::Silent),
        Ok(Err(_broken)) => Err(Outcome::Closed),
        Ok(Ok(bytes)) => {
            let answer = client.answer(&bytes).filter(|answer| answer.question == question);
            answer.ok_or(Outcome::Unusable { defect: Defect::Integrity })
        }
    }
}

/// Sends a request and reads a message; no bytes come back where the answer is none of ours.
async fn converse(stream: &mut Box<dyn Stream>, request: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let Some(length) = length(head) else { return Ok(Vec::new()) };
    let mut message = head.to_vec();
    message.resize(length, 0);
    stream.read_exact(&mut message[HEAD..]).await?;
    Ok(message)
}

/// Whether an outcome says that a port was refused, by the host or by something before it.
#[must_use]
pub fn is_refusal(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unreachable { reason: Unreachable::Port | Unreachable::Prohibited | Unreachable::Host, .. })
}
