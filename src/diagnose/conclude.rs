//! The explanation becomes findings: what is at work and where, how sure that is, what remains, and what would decide.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::candidates::{Candidate, Excluded};
use super::explain::{Part, Weight};
use super::reading::{Readings, What};
use super::row::Effect;
use super::run::Run;
use super::say;
use super::standing::{Standings, services_of};
use super::table::call::NOT_SENT;
use super::table::network::{DEAD_CONTROL, DIED, VANTAGE};
use super::table::relay::SEVERAL_ADDRESSES;
use crate::model::asked::Form;
use crate::model::endpoint::Endpoint;
use crate::model::finding::{Confidence, Finding, Level, Overrides, Remaining, RuledOut, Unexplained};
use crate::model::place::Place;

/// A cause is likely from this share on.
const LIKELY: f64 = 0.6;

/// A cause that has this share is the only one.
const CERTAIN: f64 = 0.97;

/// A possible cause is as mild as the mildest of those that have this share together.
const MOST: f64 = 0.8;

/// What is called so explains and accuses nobody.
const NO_FINDINGS: [&str; 5] = [VANTAGE, DEAD_CONTROL, DIED, SEVERAL_ADDRESSES, NOT_SENT];

/// The finding of a relay that can't be judged: nobody is accused.
pub const UNTESTABLE: &str = "relay-untestable-from-here";

/// What the explanation comes to.
pub struct Conclusion {
    /// The findings, the root cause first.
    pub findings: Vec<Finding>,
    /// What is excluded.
    pub ruled_out: Vec<RuledOut>,
    /// What no cause explains.
    pub unexplained: Vec<Unexplained>,
    /// What works.
    pub standings: Standings,
    /// Whether one asks from inside of every server that could tell.
    pub inside: Option<Place>,
    /// Whether nothing answers any more at the end.
    pub died: bool,
}

/// One cause of the best explanation.
struct Chosen<'c> {
    candidate: Cow<'c, Candidate>,
    weight: Weight,
    part: &'c Part,
}

/// Concludes.
#[must_use]
pub fn conclude(
    run: &Run<'_>,
    readings: &Readings,
    candidates: &[Candidate],
    excluded: &[Excluded],
    parts: &[Part],
    overrides: &Overrides,
) -> Conclusion {
    let chosen: Vec<Chosen<'_>> = together(parts.iter().flat_map(|part| {
        part.best.iter().zip(&part.weights).map(move |(number, weight)| Chosen {
            candidate: Cow::Borrowed(&candidates[*number]),
            weight: *weight,
            part,
        })
    }));
    let sure: Vec<&Candidate> = chosen.iter().filter(|it| it.weight.share >= LIKELY).map(|it| &*it.candidate).collect();
    let doubtful: Vec<&Candidate> = chosen.iter().filter(|it| it.weight.share < LIKELY).map(|it| &*it.candidate).collect();
    let standings = Standings::new(run, readings, &sure, &doubtful);
    let judge = Judge { run, readings, candidates, standings: &standings, tls_works: say::tls_works(run, readings) };
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    // What other hosts alone show does nothing to calls.
    let matters = |it: &&Chosen<'_>| {
        !it.candidate.explains.iter().all(|index| matches!(readings.all()[*index].place, Place::Control { .. }))
    };
    for it in chosen.iter().filter(|it| !NO_FINDINGS.contains(&it.candidate.cause.id)).filter(matters) {
        let mut finding = judge.finding(it);
        finding.level = overrides.level(&finding.id, finding.level);
        match findings.iter_mut().find(|(_, known)| known.id == finding.id && known.place == finding.place) {
            // The same cause by another mechanism: what it does worst counts.
            Some((_, known)) if known.level <= finding.level => known.evidence.extend(finding.evidence),
            Some((_, known)) => {
                let evidence = std::mem::replace(known, finding).evidence;
                known.evidence.extend(evidence);
            }
            // What leaves the verdict open comes before other risks.
            None if finding.id == UNTESTABLE => findings.push((0, finding)),
            None => findings.push((layer(&it.candidate), finding)),
        }
    }
    let is_last = |finding: &Finding| finding.confidence == Confidence::Possible && finding.id != UNTESTABLE;
    findings.sort_by_key(|(layer, finding)| (finding.level, is_last(finding), *layer));
    for (_, finding) in &mut findings {
        let mut known = BTreeSet::new();
        finding.evidence.retain(|id| known.insert(id.clone()));
    }
    let findings: Vec<Finding> = findings.into_iter().map(|(_, finding)| finding).collect();
    let inside = chosen.iter().find(|it| it.candidate.cause.id == VANTAGE).map(|it| it.candidate.place.clone());
    Conclusion {
        ruled_out: ruled_out(run, readings, excluded, &findings),
        unexplained: parts.iter().flat_map(|part| &part.unexplained).map(|index| judge.unexplained(*index)).collect(),
        findings,
        standings,
        inside,
        died: chosen.iter().any(|it| it.candidate.cause.id == DIED),
    }
}

/// What is wrong alike at several ports of a server is said once, of the server.
fn together<'c>(all: impl Iterator<Item = Chosen<'c>>) -> Vec<Chosen<'c>> {
    let mut kept: Vec<Chosen<'c>> = Vec::new();
    for it in all {
        let is_alike = |known: &&mut Chosen<'c>| {
            known.candidate.cause.id == it.candidate.cause.id
                && known.candidate.row.manner == it.candidate.row.manner
                && matches!(it.candidate.place, Place::Service { .. })
                && matches!(known.candidate.place, Place::Service { .. } | Place::Server { .. })
                && known.candidate.place.server() == it.candidate.place.server()
        };
        let Some(known) = kept.iter_mut().find(is_alike) else {
            kept.push(it);
            continue;
        };
        let merged = known.candidate.to_mut();
        merged.explains.extend(&it.candidate.explains);
        merged.explains.sort_unstable();
        merged.rests_on.extend(&it.candidate.rests_on);
        merged.is_sure &= it.candidate.is_sure;
        if let Some(server) = merged.place.server() {
            merged.place = Place::Server { server };
        }
        known.weight.share = known.weight.share.min(it.weight.share);
        known.weight.in_every &= it.weight.in_every;
    }
    kept
}

/// Where on a call's way a cause sits: the first broken link leads.
fn layer(candidate: &Candidate) -> usize {
    let position = super::table::causes().position(|cause| cause.id == candidate.cause.id);
    position.unwrap_or(usize::MAX)
}

struct Judge<'j, 'a> {
    run: &'j Run<'a>,
    readings: &'j Readings,
    candidates: &'j [Candidate],
    standings: &'j Standings,
    /// Whether a relay is granted over TLS, or reached through a proxy.
    tls_works: bool,
}

impl Judge<'_, '_> {
    fn finding(&self, it: &Chosen<'_>) -> Finding {
        let confidence = confidence(it);
        let is_of_relay = it.candidate.explains.iter().all(|index| self.readings.all()[*index].what.is_of_relay());
        let untestable = confidence == Confidence::Possible && is_of_relay && !self.is_the_servers_anyhow(it)
            || it.candidate.cause.id == UNTESTABLE;
        let mut remaining = self.remaining(it);
        let (id, level, confidence) = if untestable {
            if it.candidate.cause.id != UNTESTABLE {
                let own =
                    Remaining { id: it.candidate.cause.id.to_owned(), decide: String::new(), ask: "ask-elsewhere".to_owned() };
                remaining.insert(0, own);
            }
            remaining.retain(|rival| rival.id != UNTESTABLE);
            (UNTESTABLE, Level::Warn, Confidence::Possible)
        } else {
            (it.candidate.cause.id, self.level(it, confidence), confidence)
        };
        let place = self.place(it, untestable);
        let mut evidence: BTreeSet<usize> = BTreeSet::new();
        for index in it.candidate.explains.iter().chain(&it.candidate.rests_on) {
            evidence.extend(&self.readings.all()[*index].evidence);
        }
        let message = say::finding(self.run, self.readings, &it.candidate, &place, (id, level, confidence), self.tls_works);
        Finding {
            id: id.to_owned(),
            level,
            confidence,
            place,
            message,
            summary: String::new(),
            impact: String::new(),
            evidence: cite(self.run, evidence),
            remaining,
            fixes: Vec::new(),
        }
    }

    /// Whether every cause that could be at work sits at the same server, so that it is not this network that keeps something back.
    fn is_the_servers_anyhow(&self, it: &Chosen<'_>) -> bool {
        let Some(server) = it.candidate.place.server() else { return false };
        let rivals = it.part.shares.keys().map(|number| &self.candidates[*number]);
        rivals.filter(|rival| overlaps(rival, &it.candidate)).all(|rival| rival.place.server() == Some(server))
    }

    /// A relay that can't be judged is at its place, whoever keeps its secret.
    fn place(&self, it: &Chosen<'_>, untestable: bool) -> Place {
        if untestable && let Some(index) = it.candidate.explains.first() {
            return self.readings.all()[*index].place.clone();
        }
        it.candidate.place.clone()
    }

    /// Whether a reading is about a host to compare with.
    fn is_of_control(&self, index: usize) -> bool {
        matches!(self.readings.all()[index].place, Place::Control { .. })
    }

    fn level(&self, it: &Chosen<'_>, confidence: Confidence) -> Level {
        let own = self.level_of(&it.candidate);
        if confidence != Confidence::Possible {
            return own;
        }
        // A host to compare with may be dead besides: that does nothing to calls.
        let is_controls = |rival: &Candidate| rival.explains.iter().all(|index| self.is_of_control(*index));
        let mut rivals: Vec<(&usize, &f64)> = it
            .part
            .shares
            .iter()
            .filter(|(number, _)| overlaps(&self.candidates[**number], &it.candidate) && !is_controls(&self.candidates[**number]))
            .collect();
        rivals.sort_by(|one, other| other.1.total_cmp(one.1));
        let mut together = 0.0;
        let mut mildest = own;
        for (number, share) in rivals {
            if together >= MOST {
                break;
            }
            together += share;
            mildest = mildest.max(self.level_of(&self.candidates[*number]));
        }
        mildest
    }

    /// What a cause does to calls: with what else is offered in mind.
    fn level_of(&self, candidate: &Candidate) -> Level {
        let breaks = |index: &&usize| {
            candidate.row.breaks.iter().any(|pattern| pattern.is_about(&self.readings.all()[**index], candidate.port))
        };
        let broken: Vec<usize> = candidate.explains.iter().filter(breaks).copied().collect();
        let lost = services_of(self.run, self.readings, &broken, matches!(candidate.effect(), Effect::Fail | Effect::FailAll));
        let is_list = self.run.asked.form != Form::Host;
        let elsewhere = |endpoint: Endpoint| match (candidate.effect(), is_list) {
            (Effect::FailAll, _) | (_, false) => candidate.place.server().is_none_or(|server| endpoint.ip() != server),
            (_, true) => !lost.contains(&endpoint),
        };
        // Without its signaling or its path a call fails, whatever servers work.
        let is_of_call =
            matches!(candidate.place, Place::Gateway | Place::Peer { .. } | Place::Call) || self.fails_the_call(candidate);
        let has_rest = !is_of_call && self.standings.any_may_work(elsewhere);
        match candidate.effect() {
            Effect::Degrade if self.fails_the_call(candidate) => Level::Fail,
            // Without a list that browsers take no page has a peer connection.
            Effect::FailAll if candidate.place == Place::List => Level::Fail,
            Effect::Fail | Effect::FailAll if has_rest => Level::Degrade,
            Effect::Fail | Effect::FailAll => Level::Fail,
            Effect::Degrade | Effect::DegradeHere | Effect::Optional if is_list && !lost.is_empty() && !has_rest => Level::Fail,
            Effect::Degrade | Effect::DegradeHere | Effect::DetourHere => Level::Degrade,
            Effect::Optional if self.run.asked.form == Form::Urls => Level::Degrade,
            // What leaves a listed server without any other address is no mere risk.
            Effect::Warn if is_list && lost.iter().any(|endpoint| self.is_cut_off(*endpoint)) => Level::Degrade,
            Effect::Optional | Effect::Warn | Effect::Harmless | Effect::Open => Level::Warn,
        }
    }

    /// Whether a relay that is promised has no address left at which it may work.
    fn is_cut_off(&self, lost: Endpoint) -> bool {
        let is_same = |endpoint: Endpoint| self.run.server_of(endpoint.ip()) == self.run.server_of(lost.ip());
        self.run.wants_relay() && self.run.is_of_relay(lost) && !self.standings.any_may_work(is_same)
    }

    /// Whether it leaves the call itself without a way: it keeps the gateway from being found, or checks from being answered where the policy
    /// allows nothing but the relay.
    fn fails_the_call(&self, candidate: &Candidate) -> bool {
        let mut explained = candidate.explains.iter().map(|index| &self.readings.all()[*index]);
        let is_gateways = |number: &usize| self.run.observations[*number].probe == "signaling-name";
        explained.any(|reading| {
            reading.what == What::Resolves && reading.evidence.iter().any(is_gateways)
                || reading.what == What::Checks && self.run.asked.relay_forced() && reading.wants_explanation()
        })
    }

    /// The causes of other explanations, each with the question that would decide.
    fn remaining(&self, it: &Chosen<'_>) -> Vec<Remaining> {
        if it.weight.in_every && it.candidate.is_sure {
            return Vec::new();
        }
        let best: BTreeSet<&str> = it.part.best.iter().map(|number| self.candidates[*number].cause.id).collect();
        let mut rivals: Vec<(f64, &Candidate)> = it
            .part
            .shares
            .iter()
            .map(|(number, share)| (*share, &self.candidates[*number]))
            .filter(|(_, rival)| overlaps(rival, &it.candidate) && !best.contains(rival.cause.id))
            .filter(|(_, rival)| !NO_FINDINGS.contains(&rival.cause.id))
            .collect();
        rivals.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut remaining: Vec<Remaining> = Vec::new();
        for (_, rival) in rivals {
            if !remaining.iter().any(|known| known.id == rival.cause.id) {
                let ask = format!("ask-{}", self.decides(&it.candidate, rival));
                remaining.push(Remaining { id: rival.cause.id.to_owned(), decide: String::new(), ask });
            }
        }
        remaining
    }

    /// A question that was not asked, which one of two breaks and the other leaves alone.
    fn decides(&self, one: &Candidate, other: &Candidate) -> String {
        let asked: BTreeSet<What> = self.readings.all().iter().map(|reading| reading.what).collect();
        let breaks = |candidate: &Candidate| candidate.row.breaks.iter().map(|pattern| pattern.what).collect::<BTreeSet<_>>();
        let may = |candidate: &Candidate| candidate.row.may.iter().map(|pattern| pattern.what).collect::<BTreeSet<_>>();
        let (ours, theirs) = (breaks(one), breaks(other));
        let (may_ours, may_theirs) = (may(one), may(other));
        let differs = ours.difference(&theirs).filter(|what| !may_theirs.contains(what));
        let differs = differs.chain(theirs.difference(&ours).filter(|what| !may_ours.contains(what)));
        let open = differs.copied().find(|what| !asked.contains(what) && say::ASKABLE.contains(what));
        open.map_or_else(|| "elsewhere".to_owned(), What::name)
    }

    fn unexplained(&self, index: usize) -> Unexplained {
        let reading = &self.readings.all()[index];
        Unexplained {
            what: String::new(),
            place: reading.place.clone(),
            message: say::unexplained(reading),
            evidence: cite(self.run, reading.evidence.iter().copied().collect()),
            attempt: String::new(),
        }
    }
}

fn overlaps(one: &Candidate, other: &Candidate) -> bool {
    one.explains.iter().any(|index| other.explains.binary_search(index).is_ok())
}

fn confidence(it: &Chosen<'_>) -> Confidence {
    if it.weight.in_every && it.weight.share > CERTAIN && it.candidate.is_sure && !it.part.cut_off {
        Confidence::Certain
    } else if it.weight.share >= LIKELY {
        Confidence::Likely
    } else {
        Confidence::Possible
    }
}

/// The ids of observations, in their order.
#[must_use]
pub fn cite(run: &Run<'_>, numbers: BTreeSet<usize>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for number in numbers {
        let id = &run.observations[number].id;
        if ids.last() != Some(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// The most observations that an excluded cause cites.
const CITED: usize = 8;

fn ruled_out(run: &Run<'_>, readings: &Readings, excluded: &[Excluded], findings: &[Finding]) -> Vec<RuledOut> {
    let mut open: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
    for finding in findings {
        open.entry(finding.id.as_str()).or_default().push(&finding.place);
        for rival in &finding.remaining {
            open.entry(rival.id.as_str()).or_default().push(&finding.place);
        }
    }
    let is_open = |entry: &Excluded| {
        open.get(entry.cause.id).is_some_and(|places| {
            entry.place.as_ref().is_none_or(|place| {
                places.iter().any(|open| *open == place || open.server().is_none() || open.server() == place.server())
            })
        })
    };
    excluded
        .iter()
        .filter(|entry| !NO_FINDINGS.contains(&entry.cause.id) && !is_open(entry))
        .map(|entry| {
            let evidence = entry.by.iter().flat_map(|index| readings.all()[*index].evidence.iter().copied()).collect();
            let mut evidence = cite(run, evidence);
            evidence.truncate(CITED);
            RuledOut { id: entry.cause.id.to_owned(), place: entry.place.clone(), evidence }
        })
        .collect()
}
