//! The report for people: verdict and root cause in the first line, then the probes by transport, then each finding with its fix.

mod call;
mod nat;
mod ports;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use colored::{Color, Colorize as _};
use comfy_table::{ContentArrangement, Table, presets};

use super::Style;
use super::describe::describe;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{Fact, HandshakeEnd, InboundWay, Observation, PortsBy, PortsFact};
use crate::model::finding::{Confidence, Finding, Level, Place};
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::report::{Report, Verdict};

/// Draws a report.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let pen = Pen { color: style.color };
    let mut text = headline(report, pen);
    if style.quiet {
        return text;
    }
    if let Some(call) = &report.call {
        text.push_str(&call::section(call, pen));
    }
    let table = table(report);
    if !table.is_empty() {
        _ = write!(text, "\n{table}");
    }
    if let Some(ports) = &report.relay_ports {
        text.push_str(&ports::section(ports, pen));
    }
    text.push_str(&ports::single(report, pen));
    text.push_str(&nat::section(report, pen));
    for finding in &report.findings {
        text.push('\n');
        text.push_str(&one_finding(report, finding, pen));
    }
    if !report.not_tested.is_empty() {
        _ = writeln!(text, "\n{}", pen.bold("Not tested"));
        for entry in &report.not_tested {
            _ = writeln!(text, "  {}: {}", entry.what, entry.why);
        }
    }
    let controls = controls(report);
    if !controls.is_empty() {
        _ = writeln!(text, "\n{}: {}", pen.bold("Compared with"), controls.join(", "));
    }
    if style.verbose {
        text.push_str(&everything(report, pen));
    }
    text
}

/// The hosts that have nothing to do with the server and were asked all the same, to tell it from this network.
fn controls(report: &Report) -> Vec<String> {
    let ips = |seen: &Observation| seen.endpoint().map(|endpoint| endpoint.ip());
    let servers: BTreeSet<IpAddr> = report.observations.iter().filter(|seen| seen.is_of_server()).filter_map(ips).collect();
    let asked = report.observations.iter().filter(|seen| matches!(seen.fact, Fact::Control(_))).filter_map(ips);
    asked.collect::<BTreeSet<_>>().difference(&servers).map(ToString::to_string).collect()
}

#[derive(Clone, Copy)]
struct Pen {
    color: bool,
}

impl Pen {
    fn bold(self, text: &str) -> String {
        if self.color { text.bold().to_string() } else { text.to_owned() }
    }

    fn paint(self, text: &str, color: Color) -> String {
        if self.color { text.color(color).bold().to_string() } else { text.to_owned() }
    }
}

fn headline(report: &Report, pen: Pen) -> String {
    let color = match report.verdict {
        Verdict::Ok => Color::Green,
        Verdict::Degraded | Verdict::Inconclusive => Color::Yellow,
        Verdict::Failed => Color::Red,
    };
    let verdict = pen.paint(&report.verdict.name().to_uppercase(), color);
    format!("{verdict}: {}\n", sentence(report))
}

/// The first sentence: the root cause where there is one, else what was shown, or what would show it.
fn sentence(report: &Report) -> String {
    let serious = report.findings.iter().find(|finding| finding.level != Level::Warn);
    match (report.verdict, serious) {
        (Verdict::Failed | Verdict::Degraded, Some(finding)) => finding.summary.clone(),
        (Verdict::Inconclusive, Some(finding)) => {
            format!("{} Whether calls work can't be told from here{}", finding.summary, because(report))
        }
        // A warning that is certain stands beside whatever kept the run from an answer; one that isn't may be what did.
        (Verdict::Inconclusive, None) => match report.findings.iter().find(|finding| finding.confidence != Confidence::Certain) {
            Some(finding) if report.cut_short.is_none() && !lacks_a_login(report) => finding.summary.clone(),
            Some(_) | None => format!("It can't be told from here whether calls work{}", because(report)),
        },
        (Verdict::Ok, _) if report.command == "stun" => match nat::headline(report) {
            Some(consequence) => format!("The server answers. {consequence}"),
            None => "The server answers.".to_owned(),
        },
        (Verdict::Ok, _) if report.call.is_some() => call::sentence(report),
        (Verdict::Ok, _) if swept(report).next().is_some() => swept_sentence(report),
        (Verdict::Ok, _) if let Some(ports) = report.relay_ports.as_ref().filter(|ports| ports.closed.is_empty()) => {
            ports::sentence(ports)
        }
        (Verdict::Ok, _) if report.command == "external-ip" => "The advertised address is the one that works.".to_owned(),
        (Verdict::Ok | Verdict::Failed | Verdict::Degraded, _) => {
            format!("Calls will work through this server: {}.", proved(report))
        }
    }
}

/// Whether nothing past the login could be tested for want of one: no warning says more than that.
fn lacks_a_login(report: &Report) -> bool {
    !report.asked.credentials && report.asked.services.iter().any(|service| service.relay)
}

/// The sweeps against a responder.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn swept(report: &Report) -> impl Iterator<Item = (&Observation, &PortsFact)> {
    report.observations.iter().filter_map(|seen| match &seen.fact {
        Fact::Ports(fact) if fact.by == PortsBy::Responder => Some((seen, fact)),
        _ => None,
    })
}

/// What a sweep that found no closed port that calls need has shown: TCP ports are none of these, for relays send over UDP.
fn swept_sentence(report: &Report) -> String {
    let tested = swept(report).filter(|(_, fact)| !fact.open.is_empty() || !fact.closed.is_empty());
    let all: Vec<String> = tested.map(|(seen, fact)| reached(fact, &seen.target)).collect();
    format!("What comes from outside arrives at {}.", all.join(", and at "))
}

/// The ports of a sweep at which something arrives.
fn reached(fact: &PortsFact, target: &str) -> String {
    let which = match (fact.open.is_empty(), fact.unknown.is_empty()) {
        (true, _) => "no",
        (false, true) => "every",
        (false, false) => "every tested",
    };
    let but = match fact.closed.ranges().len() {
        0 => String::new(),
        _ if fact.open.is_empty() => ", which calls don't need".to_owned(),
        1..=4 => format!(" but {}, which calls don't need", fact.closed),
        _ => format!(" but {} of them, which calls don't need", fact.closed.count()),
    };
    format!("{which} {} port of {} on {target}{but}", fact.proto.name().to_uppercase(), fact.probed)
}

fn because(report: &Report) -> String {
    report
        .not_tested
        .last()
        .map_or_else(|| ".".to_owned(), |entry| format!(": {} could not be tested: {}.", entry.what, entry.why))
}

fn proved(report: &Report) -> String {
    let mut transports: Vec<&str> = report
        .observations
        .iter()
        .filter(|seen| matches!(&seen.fact, Fact::Inbound(inbound) if inbound.arrived && !inbound.sample))
        .filter_map(|seen| seen.endpoint().map(|it| it.transport.title()))
        .collect();
    transports.dedup();
    let mut unique: Vec<&str> = Vec::new();
    for transport in transports {
        if !unique.contains(&transport) {
            unique.push(transport);
        }
    }
    unique.sort_by_key(|transport| ["UDP", "TCP", "TLS", "DTLS"].iter().position(|known| known == transport));
    format!("relayed data arrives from outside and goes out, over {}", unique.join(", "))
}

fn table(report: &Report) -> String {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for seen in report.observations.iter().filter(|seen| seen.is_of_server()) {
        if let Some(endpoint) = seen.endpoint().filter(|endpoint| !endpoints.contains(endpoint)) {
            endpoints.push(endpoint);
        }
    }
    if endpoints.is_empty() {
        return String::new();
    }
    endpoints.sort_unstable();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["server", "reach", "TLS", "STUN", "TURN", "relay in", "relay out", "round trip"]);
    for endpoint in endpoints {
        table.add_row(row(report, endpoint));
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn row(report: &Report, endpoint: Endpoint) -> [String; 8] {
    let target = endpoint.to_string();
    let seen: Vec<&Observation> =
        report.observations.iter().filter(|seen| seen.target == target && seen.is_of_server()).collect();
    let cell = |select: &dyn Fn(&Fact) -> Option<String>| {
        seen.iter().find_map(|seen| select(&seen.fact)).unwrap_or_else(|| "-".to_owned())
    };
    let reach = cell(&|fact| match fact {
        Fact::Connect(it) => Some(brief(&it.reply.outcome)),
        Fact::Challenge(it) if it.reply.answered() => Some("ok".to_owned()),
        Fact::Binding(it) if it.reply.answered() => Some("ok".to_owned()),
        _ => None,
    });
    let reach = if reach == "-" {
        cell(&|fact| if let Fact::Binding(it) = fact { Some(brief(&it.reply.outcome)) } else { None })
    } else {
        reach
    };
    let tls = cell(&|fact| match fact {
        Fact::Handshake(it) if it.end != HandshakeEnd::Completed => Some("failed".to_owned()),
        Fact::Handshake(it) if !it.defects.is_empty() => Some("not trusted".to_owned()),
        Fact::Handshake(it) => Some(it.version.as_deref().unwrap_or("ok").replace('_', ".")),
        _ => None,
    });
    let stun = cell(&|fact| if let Fact::Binding(it) = fact { Some(brief(&it.reply.outcome)) } else { None });
    let turn = cell(&|fact| match fact {
        Fact::Allocation(it) if !it.sample => Some(brief(&it.reply.outcome)),
        _ => None,
    });
    let turn = if turn == "-" {
        cell(&|fact| if let Fact::Challenge(it) = fact { Some(challenge(&it.reply.outcome)) } else { None })
    } else {
        turn
    };
    let relay_in = cell(&|fact| match fact {
        Fact::Inbound(it) if !it.sample && it.way == InboundWay::Unsolicited => Some(yes(it.arrived)),
        _ => None,
    });
    let relay_out = cell(&|fact| if let Fact::Outbound(it) = fact { Some(yes(it.arrived)) } else { None });
    let round_trip = cell(&|fact| {
        match fact {
            Fact::Binding(it) => it.reply.rtt_ms,
            Fact::Challenge(it) => it.reply.rtt_ms,
            _ => None,
        }
        .map(|rtt| format!("{rtt:.1} ms"))
    });
    [target, reach, tls, stun, turn, relay_in, relay_out, round_trip]
}

fn challenge(of: &Outcome) -> String {
    if *of == (Outcome::Error { code: 401 }) {
        "asks for login".to_owned()
    } else if *of == Outcome::Success {
        "open to anyone".to_owned()
    } else {
        brief(of)
    }
}

/// An outcome in a word or two, for a cell of the table.
fn brief(of: &Outcome) -> String {
    let word = match of {
        Outcome::Success => "ok",
        Outcome::Error { code } => return format!("error {code}"),
        Outcome::Silent => "silent",
        Outcome::Unreachable { reason: Unreachable::Port, .. } => "refused",
        Outcome::Unreachable { .. } => "rejected",
        Outcome::DeniedLocally => "denied here",
        Outcome::NoRoute => "no route",
        Outcome::Closed => "closed",
        Outcome::NotStun { .. } => "not STUN",
        Outcome::FromElsewhere { .. } => "elsewhere",
        Outcome::Unusable { .. } => "unusable",
    };
    word.to_owned()
}

fn yes(arrived: bool) -> String {
    if arrived { "ok" } else { "nothing" }.to_owned()
}

fn one_finding(report: &Report, finding: &Finding, pen: Pen) -> String {
    let color = match finding.level {
        Level::Fail => Color::Red,
        Level::Degrade => Color::Yellow,
        Level::Warn => Color::Cyan,
    };
    let (level, confidence) = (finding.level.name().to_uppercase(), finding.confidence.name());
    let mut text = format!("{} {} ({confidence})\n", pen.paint(&level, color), pen.bold(&finding.id));
    _ = writeln!(text, "  {}", finding.summary);
    _ = writeln!(text, "  {}", finding.impact);
    let cited = |id: &String| report.observations.iter().find(|seen| seen.id == *id);
    for seen in finding.evidence.iter().filter_map(cited).take(8) {
        _ = writeln!(text, "    because {}", describe(seen));
    }
    let more = finding.evidence.len().saturating_sub(8);
    if more > 0 {
        _ = writeln!(text, "    and {more} more observations (-v lists them)");
    }
    for remaining in &finding.remaining {
        _ = writeln!(text, "  It may also be {}: {}.", remaining.id, remaining.decide);
    }
    for fix in &finding.fixes {
        _ = writeln!(text, "  {} {}", pen.bold(place(fix.place)), fix.text);
        for line in fix.command.iter().flat_map(|command| command.lines()) {
            _ = writeln!(text, "      {line}");
        }
    }
    text
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Server => "On the TURN server:",
        Place::Firewall => "In the server's firewall:",
        Place::Dns => "In DNS:",
        Place::Application => "In the application:",
        Place::Network => "In this network:",
        Place::Client => "On this host:",
        Place::Signaling => "On the signaling server:",
    }
}

fn everything(report: &Report, pen: Pen) -> String {
    let mut text = format!("\n{}\n", pen.bold("Observations"));
    for seen in &report.observations {
        _ = writeln!(text, "  {:>5} ms  {:<4} {}", seen.at_ms, seen.id, describe(seen));
    }
    if !report.ruled_out.is_empty() {
        _ = writeln!(text, "\n{}", pen.bold("Ruled out"));
        for ruled_out in &report.ruled_out {
            _ = writeln!(text, "  {} ({})", ruled_out.id, ruled_out.evidence.join(", "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{PortProtocol, Tally};
    use crate::model::ports::{PortRange, PortSet};

    #[test]
    fn a_sweep_names_the_tcp_ports_that_let_nothing_in() {
        let of = |is_closed: fn(u16) -> bool| {
            let probed = PortRange::new(50_000, 50_099).expect("a range");
            let (closed, open): (PortSet, PortSet) = (
                probed.iter().filter(|port| is_closed(*port)).collect(),
                probed.iter().filter(|port| !is_closed(*port)).collect(),
            );
            let fact = PortsFact {
                proto: PortProtocol::Tcp,
                by: PortsBy::Responder,
                probed,
                unknown: PortSet::default(),
                tries: 4,
                loss: Tally { sent: 100, arrived: 100 },
                open,
                closed,
                refused: PortSet::default(),
                moved: PortSet::default(),
                ended_by: None,
            };
            reached(&fact, "203.0.113.10")
        };
        assert_eq!(of(|_| false), "every TCP port of 50000-50099 on 203.0.113.10");
        assert_eq!(
            of(|port| port < 50_010),
            "every TCP port of 50000-50099 on 203.0.113.10 but 50000-50009, which calls don't need"
        );
        assert_eq!(
            of(|port| port.is_multiple_of(5)),
            "every TCP port of 50000-50099 on 203.0.113.10 but 20 of them, which calls don't need"
        );
        assert_eq!(of(|_| true), "no TCP port of 50000-50099 on 203.0.113.10, which calls don't need");
    }
}
