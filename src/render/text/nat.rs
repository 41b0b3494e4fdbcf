//! The NAT of this network and the loss of the ways, as `stun` shows them: each property, and what they mean for calls.

use std::fmt::Write as _;

use super::pen::Pen;
use crate::model::duration::in_words;
use crate::model::nat::{Behaviour, Consequence, Dependence, Known, Lifetime, PortPreservation};
use crate::model::report::{Loss, Report};

/// The section; nothing where nothing was tested.
pub fn section(report: &Report, pen: Pen) -> String {
    let mut text = String::new();
    for (family, behaviour) in report.nat.iter().flat_map(|nat| nat.families()) {
        _ = write!(text, "\n{}\n{}", pen.bold(&format!("NAT, {family}")), lines(behaviour));
    }
    if !report.loss.is_empty() {
        _ = writeln!(text, "\n{}", pen.bold("Loss"));
    }
    for loss in &report.loss {
        _ = writeln!(text, "  {}: {}", loss.target, in_percent(loss));
    }
    text
}

fn lines(behaviour: &Behaviour) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| _ = writeln!(text, "  {name:<18} {value}");
    match behaviour.address {
        Some(address) if behaviour.translated.value() == Some(false) => {
            line("address", &format!("{address}, the own one: there is no NAT"));
        }
        Some(address) => line("address outside", &address.to_string()),
        None => {}
    }
    if behaviour.translated.value() == Some(true) {
        line("mapping", &say(&behaviour.mapping, |it| Dependence::title(it).to_owned()));
    }
    line("filtering", &say(&behaviour.filtering, |it| Dependence::title(it).to_owned()));
    if behaviour.translated.value() == Some(true) {
        line("port preservation", &say(&behaviour.port_preservation, |it| PortPreservation::title(it).to_owned()));
        line("hairpinning", &say(&behaviour.hairpinning, |it| if it { "yes" } else { "no" }.to_owned()));
    }
    match &behaviour.lifetime {
        Some(known) => line("idle lifetime", &say(known, lifetime)),
        None => line("idle lifetime", "not tested: it takes --lifetime, and that time"),
    }
    _ = writeln!(text, "  {}", consequence(behaviour));
    text
}

fn say<T: Copy>(known: &Known<T>, words: impl FnOnce(T) -> String) -> String {
    match known {
        Known::Known { value, .. } => words(*value),
        Known::NotTested { why } => format!("not tested: {why}"),
    }
}

fn lifetime(of: Lifetime) -> String {
    match (of.at_least_ms, of.less_than_ms) {
        (0, Some(less)) => format!("less than {}", in_words(less)),
        (at_least, Some(less)) => format!("between {} and {}", in_words(at_least), in_words(less)),
        (at_least, None) => format!("at least {}", in_words(at_least)),
    }
}

fn consequence(behaviour: &Behaviour) -> String {
    match (&behaviour.consequence, behaviour.filtering.value()) {
        (Known::Known { value: Consequence::DirectLikely, .. }, None) => {
            "Direct calls likely; whether with symmetric peers too, hangs on the filtering, which was not tested.".to_owned()
        }
        (Known::Known { value, .. }, _) => value.sentence().to_owned(),
        (Known::NotTested { why }, _) => format!("What this means for calls can't be told: {why}."),
    }
}

fn in_percent(loss: &Loss) -> String {
    let round_trip = loss.rtt_ms.map_or_else(String::new, |rtt| format!(", median round trip {rtt:.1} ms"));
    let limited = loss.limited.map_or_else(String::new, |fast| {
        format!(
            "; of faster ones {} of {} were not answered: something limits requests, here or at the server",
            fast.lost(),
            fast.sent
        )
    });
    format!(
        "{} of {} requests lost, 95 % interval {} to {} %{round_trip}{limited}",
        loss.requests.lost(),
        loss.requests.sent,
        loss.lower_percent,
        loss.upper_percent
    )
}
