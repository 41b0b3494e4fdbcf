//! One observation in one line of plain words.

mod call;
mod nat;
mod reply;

use self::reply::{in_ms, reply};
pub use self::reply::{outcome, protocol};
use crate::model::endpoint::Transport;
use crate::model::fact::{
    BindingFact, Cargo, CertificateDefect, ConnectTraceFact, ControlFact, ControlKind, CredentialsSource, EngineEnd, EngineFact,
    Fact, HandshakeEnd, HandshakeFact, InboundFact, InboundWay, InsteadFact, NameAnswer, NameFact, Observation, OutboundFact,
    PeerKind, PortsBy, PortsFact, RedirectEnd, RedirectFact, ResponderFact, RouteFact, SizeFact, SocketEnd, StreamFact,
    THROUGH_PROXY, TraceFact, VolumeFact, WebFact,
};
use crate::model::outcome::Outcome;
use crate::model::ports::PortSet;

/// An observation in one line.
#[must_use]
pub fn describe(seen: &Observation) -> String {
    let through = if seen.probe.ends_with(THROUGH_PROXY) { "through the proxy, " } else { "" };
    format!("{through}{}", describe_fact(seen))
}

fn describe_fact(seen: &Observation) -> String {
    let target = &seen.target;
    match &seen.fact {
        Fact::Credentials(fact) => {
            let made = match fact.source {
                CredentialsSource::Given => "given",
                CredentialsSource::Computed => "computed from the shared secret",
            };
            match fact.expires_at {
                Some(at) => format!("credentials: {made}, valid until {}", date(at)),
                None => format!("credentials: {made}"),
            }
        }
        Fact::ListEntry(fact) => match &fact.refusal {
            Some(refusal) => format!("{target}: RTCPeerConnection throws {}: {}", refusal.error, refusal.words),
            None => format!("{target}: RTCPeerConnection takes it"),
        },
        Fact::Name(fact) => name(target, fact),
        Fact::Route(fact) => route(target, fact),
        Fact::Connect(fact) if over_dtls(seen) => format!("first message of DTLS to {target}: {}", reply(&fact.reply)),
        Fact::Connect(fact) => format!("TCP connection to {target}: {}", reply(&fact.reply)),
        Fact::Handshake(fact) if over_dtls(seen) => format!("DTLS with {target}: {}", handshake(fact)),
        Fact::Handshake(fact) => format!("TLS with {target}: {}", handshake(fact)),
        Fact::Instead(fact) => instead(target, *fact),
        Fact::Binding(fact) => binding(seen, fact),
        Fact::Challenge(fact) => format!("Allocate without credentials at {target}: {}", reply(&fact.reply)),
        Fact::Allocation(fact) => match fact.relayed {
            Some(relayed) => format!("Allocate at {target}: relayed address {relayed}{}", in_ms(&fact.reply)),
            None => format!("Allocate at {target}: {}", reply(&fact.reply)),
        },
        Fact::Redirect(fact) => redirect(target, fact),
        Fact::Permission(fact) => {
            let whose = match fact.whose {
                PeerKind::Reflexive => "this host's public address",
                PeerKind::Relayed => "the relay's own address",
                PeerKind::Remote => "the other side of the call",
                PeerKind::Named => "the peer that was named",
            };
            format!("permission for {} ({whose}) at {target}: {}", fact.peer, reply(&fact.reply))
        }
        Fact::Inbound(fact) => inbound(fact),
        Fact::Outbound(fact) => outbound(fact),
        Fact::Channel(fact) => {
            let carried = match fact.carried {
                Some(true) if fact.altered => ", data arrived over it with other bytes",
                Some(true) => ", data arrived over it",
                Some(false) => ", data did not arrive over it",
                None => "",
            };
            format!("channel at {target}: {}{carried}", reply(&fact.reply))
        }
        Fact::SelfPair(fact) => {
            let arrived = if fact.arrived { "arrived" } else { "did not arrive" };
            format!("relay to itself at {}: {arrived} (proves nothing about firewalls)", fact.relayed)
        }
        Fact::Stream(fact) => stream(target, fact),
        Fact::Volume(fact) => volume(target, fact),
        Fact::Loss(fact) => {
            let slow = fact.slow.map_or_else(String::new, |slow| format!(", {} of {} of the slow ones", slow.lost(), slow.sent));
            format!("{} of {} paced requests to {target} unanswered{slow}", fact.requests.lost(), fact.requests.sent)
        }
        Fact::PortReply(fact) => format!("port {target}: {}", reply(&fact.reply)),
        Fact::Ports(fact) => ports(target, fact),
        Fact::Responder(fact) => responder(target, fact),
        Fact::Size(fact) => size(target, fact),
        Fact::Release(fact) => format!("allocation at {target} given back: {}", reply(&fact.reply)),
        Fact::Control(fact) => control(target, fact),
        Fact::Trace(fact) => trace(target, fact),
        Fact::ConnectTrace(fact) => connect_trace(target, *fact),
        Fact::Proxy(fact) => match fact.status {
            Some(status) => format!("proxy {} answers CONNECT for {target} with {status}", fact.proxy),
            None => format!("proxy {} for {target}: {}", fact.proxy, outcome(&fact.outcome)),
        },
        Fact::Web(fact) => web(target, fact),
        Fact::Mapping(fact) => nat::mapping(target, fact),
        Fact::Filtering(fact) => nat::filtering(fact),
        Fact::Hairpin(fact) => nat::hairpin(fact),
        Fact::Lifetime(fact) => nat::lifetime(fact),
        Fact::NatRelay(fact) => nat::relay(target, fact),
        Fact::Exchange(fact) => call::exchange(fact),
        Fact::Peer(fact) => call::peer(fact),
        Fact::Engine(fact) => format!("Engine.IO by {} at {target}{}: {}", fact.transport.title(), fact.path, engine(fact)),
        Fact::EnginePolls(fact) => {
            format!("further requests of one session at {target}: {} of {} found no session", fact.unknown, fact.answered)
        }
        Fact::Socket(fact) => {
            let end = match &fact.end {
                SocketEnd::Connected => "let in".to_owned(),
                SocketEnd::Refused { message } => format!("refused, \"{message}\""),
                SocketEnd::Lost { why } => format!("the connection broke: {why}"),
                SocketEnd::ClosedByServer => "the server ended the connection".to_owned(),
                SocketEnd::Silent => "no answer".to_owned(),
            };
            format!("{} in the namespace {} of {target}: {end}", fact.role.name(), fact.namespace)
        }
        Fact::Clock(fact) => format!("{target} says it is {}, this host {}", date(fact.theirs), date(fact.ours)),
    }
}

fn name(target: &str, fact: &NameFact) -> String {
    match fact.answer {
        NameAnswer::Found => format!("{target} is {}", join(&fact.addresses, &fact.services)),
        NameAnswer::NotFound => format!("{target} does not exist"),
        NameAnswer::NoAddress => format!("{target} has no address"),
        NameAnswer::Unavailable => format!("{target}: no resolver answered"),
    }
}

fn route(target: &str, fact: &RouteFact) -> String {
    match fact.source {
        Some(source) => format!("route to {target} from {source}"),
        None => format!("no route to {target}"),
    }
}

fn over_dtls(seen: &Observation) -> bool {
    seen.endpoint().is_some_and(|endpoint| endpoint.transport == Transport::Dtls)
}

fn engine(fact: &EngineFact) -> String {
    let status = fact.status.map_or_else(String::new, |status| format!(", status {status}"));
    let end = match &fact.end {
        EngineEnd::Open { .. } => return fact.rtt_ms.map_or_else(|| "open".to_owned(), |rtt| format!("open in {rtt:.1} ms")),
        EngineEnd::Older => "a session of an older protocol".to_owned(),
        EngineEnd::Error { code, message } => format!("error {code}, \"{message}\""),
        EngineEnd::Page => "a web page".to_owned(),
        EngineEnd::Foreign => "no Engine.IO".to_owned(),
        EngineEnd::Stalled => "accepted, and then nothing".to_owned(),
        EngineEnd::NotWebsocket => "no WebSocket behind the upgrade".to_owned(),
        EngineEnd::Closed => "the connection was closed".to_owned(),
        EngineEnd::Silent => "no answer".to_owned(),
        EngineEnd::NotHttp { speaks } => format!("the answer is {}, not HTTP", protocol(*speaks)),
    };
    format!("{end}{status}")
}

fn join(addresses: &[std::net::IpAddr], services: &[String]) -> String {
    let all: Vec<String> = addresses.iter().map(ToString::to_string).chain(services.iter().cloned()).collect();
    all.join(", ")
}

fn date(seconds: i64) -> String {
    let Ok(seconds) = u64::try_from(seconds) else { return format!("{seconds} s before 1970") };
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).to_string()
}

/// The end of a handshake in some words.
#[must_use]
pub fn handshake(fact: &HandshakeFact) -> String {
    let end = match &fact.end {
        HandshakeEnd::Completed => fact.version.clone().unwrap_or_else(|| "completed".to_owned()),
        HandshakeEnd::Alert { alert } => format!("alert {alert}"),
        HandshakeEnd::TooOld => "the server offers nothing newer than TLS 1.1 or DTLS 1.0".to_owned(),
        HandshakeEnd::NotTls { speaks } => format!("the answer is {}, not TLS", protocol(*speaks)),
        HandshakeEnd::Closed => "closed in the middle of the handshake".to_owned(),
        HandshakeEnd::Silent => "no answer to the handshake".to_owned(),
        HandshakeEnd::Failed { why } => format!("failed: {why}"),
    };
    let defects: Vec<&str> = fact.defects.iter().map(|defect| certificate(*defect)).collect();
    if defects.is_empty() { end } else { format!("{end}, certificate {}", defects.join(" and ")) }
}

/// What is wrong with a certificate, to be said after its name.
#[must_use]
pub fn certificate(defect: CertificateDefect) -> &'static str {
    match defect {
        CertificateDefect::Expired => "expired",
        CertificateDefect::NotYetValid => "not yet valid",
        CertificateDefect::NameMismatch => "for another name",
        CertificateDefect::UntrustedIssuer => "from an untrusted issuer",
        CertificateDefect::ChainIncomplete => "without its intermediate",
        CertificateDefect::Invalid => "invalid",
    }
}

fn redirect(target: &str, fact: &RedirectFact) -> String {
    let end = match fact.end {
        RedirectEnd::Arrived => "which answers",
        RedirectEnd::Loop => "in a loop",
        RedirectEnd::Dead => "which does not answer",
    };
    let hops: Vec<String> = fact.hops.iter().map(ToString::to_string).collect();
    format!("{target} redirects to {}, {end}", hops.join(" and on to "))
}

fn instead(target: &str, fact: InsteadFact) -> String {
    match (fact.plain, fact.behind_header) {
        (true, _) => format!("{target} answers STUN without TLS"),
        (false, true) => format!("{target} answers behind the header of a proxy (PROXY protocol)"),
        (false, false) => format!("{target} answers neither plain STUN nor behind the header of a proxy"),
    }
}

fn web(target: &str, fact: &WebFact) -> String {
    let by = fact.front.as_ref().or(fact.server.as_ref()).map_or_else(String::new, |by| format!(", by {by}"));
    format!("web page at {target}: status {}{by}", fact.status)
}

fn binding(seen: &Observation, fact: &BindingFact) -> String {
    let socket = if seen.probe == "binding-outside" { ", second socket" } else { "" };
    match fact.mapped {
        Some(mapped) => format!("Binding at {}{socket}: seen as {mapped}{}", seen.target, in_ms(&fact.reply)),
        None => format!("Binding at {}{socket}: {}", seen.target, reply(&fact.reply)),
    }
}

fn inbound(fact: &InboundFact) -> String {
    let way = match fact.way {
        InboundWay::Unsolicited => "from outside",
        InboundWay::Alternative => "from outside to the server's own address",
        InboundWay::StunLike => "from outside, with the bytes of STUN,",
        InboundWay::Solicited => "from outside, after the relay had sent out,",
    };
    match (fact.arrived, fact.icmp, fact.rtt_ms) {
        (true, _, Some(rtt)) => format!("{way} to {}: arrived in {rtt:.1} ms", fact.sent_to),
        (true, _, None) => format!("{way} to {}: arrived", fact.sent_to),
        (false, Some(icmp), _) => {
            format!("{way} to {}: {}", fact.sent_to, outcome(&Outcome::Unreachable { reason: icmp.reason, from: icmp.from }))
        }
        (false, None, _) => format!("{way} to {}: none of {} datagrams arrived", fact.sent_to, fact.sends),
    }
}

fn outbound(fact: &OutboundFact) -> String {
    match fact.from {
        Some(from) if from == fact.relayed => format!("out of {} to {}: arrived", fact.relayed, fact.peer),
        Some(from) => format!("out of {} to {}: arrived, but from {from}", fact.relayed, fact.peer),
        None => format!("out of {} to {}: none of {} datagrams arrived", fact.relayed, fact.peer, fact.sends),
    }
}

fn ports(target: &str, fact: &PortsFact) -> String {
    let named = |what: &str, set: &PortSet| match set.ranges() {
        [] => format!("none {what}"),
        ranges if ranges.len() <= 8 => format!("{what} {set}"),
        _ => format!("{} {what}", set.count()),
    };
    let way = match fact.by {
        PortsBy::Samples => "sampled",
        PortsBy::Sweep => "swept through the relay",
        PortsBy::Responder => "swept against the responder",
    };
    let proto = fact.proto.name().to_uppercase();
    format!("{proto} ports {} of {target}, {way}: {}, {}", fact.probed, named("open", &fact.open), named("closed", &fact.closed))
}

fn responder(target: &str, fact: &ResponderFact) -> String {
    let said = match (&fact.serves, fact.clock_ahead_s) {
        (Some(serves), _) => {
            let protocols = if serves.tcp { "UDP and TCP" } else { "UDP" };
            format!("serves {protocols} ports {}{}", serves.range, in_ms(&fact.reply))
        }
        (None, Some(ahead_s)) => {
            format!("its clock is {} s {}", ahead_s.unsigned_abs(), if ahead_s > 0 { "ahead" } else { "behind" })
        }
        (None, None) if fact.connected && fact.reply.silent() => "connected, and then no answer".to_owned(),
        (None, None) => reply(&fact.reply),
    };
    format!("responder at {target}: {said}")
}

fn control(target: &str, fact: &ControlFact) -> String {
    let control = match fact.control {
        ControlKind::Stun => "STUN over UDP",
        ControlKind::Dns => "DNS over UDP",
        ControlKind::Tcp => "TCP",
        ControlKind::Port => "another port of the server",
        ControlKind::HighPort => "a high UDP port",
    };
    format!("control, {control} at {target}: {}", reply(&fact.reply))
}

fn size(target: &str, fact: &SizeFact) -> String {
    let lost = fact.lost.map_or_else(String::new, |lost| format!(", of {lost} bytes and more none is answered"));
    format!("packets to {target}: up to {} bytes pass{lost}", fact.passed)
}

fn trace(target: &str, fact: &TraceFact) -> String {
    let what = match fact.carried {
        Cargo::Stun => "Binding requests",
        Cargo::Noise => "random bytes",
    };
    let routers: Vec<String> = fact.hops.iter().map(|hop| format!("{} ({})", hop.address, hop.distance)).collect();
    let routers = if routers.is_empty() { "no router tells".to_owned() } else { format!("pass {}", routers.join(", ")) };
    let end = match (fact.reached, fact.rejected) {
        (Some(distance), _) => format!("and arrive ({distance})"),
        (None, Some(icmp)) => {
            format!("and are stopped: {}", outcome(&Outcome::Unreachable { reason: icmp.reason, from: icmp.from }))
        }
        (None, None) => "and nothing answers".to_owned(),
    };
    format!("trace, {what} to {target}: {routers}, {end}")
}

fn connect_trace(target: &str, fact: ConnectTraceFact) -> String {
    let end = match (fact.taken, fact.refused) {
        (Some(distance), _) => format!("taken at a distance of {distance}"),
        (None, Some(distance)) => format!("refused at a distance of {distance}"),
        (None, None) => format!("not answered within a distance of {}", fact.furthest),
    };
    format!("trace, connections to {target}: {end}")
}

fn volume(target: &str, fact: &VolumeFact) -> String {
    let stalled = if fact.stalled { ", and then it answered nothing more" } else { "" };
    let (sent, arrived) = (fact.requests.sent, fact.requests.arrived);
    format!("volume over {target}: {arrived} of {sent} requests answered, {} bytes came{stalled}", fact.received_bytes)
}

fn stream(target: &str, fact: &StreamFact) -> String {
    let both = fact.inbound.plus(fact.outbound);
    let stalled = fact.stalled_after_bytes.map_or_else(String::new, |bytes| format!(", stalled after {bytes} bytes"));
    format!(
        "stream through the relay at {target}: {} of {} packets lost, jitter {:.1} ms, {:.0} kbit/s{stalled}",
        both.lost(),
        both.sent,
        fact.jitter_ms,
        fact.throughput_kbps
    )
}
