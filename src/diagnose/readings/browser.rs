//! What browsers refuse of the servers that they are given.

use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Service};
use crate::model::asked::Form;
use crate::model::browser::refuses_port;
use crate::model::fact::Fact;
use crate::model::place::Place;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    list(run, readings);
    // The usual ports of a bare host are nobody's wish.
    if run.asked.form == Form::Host {
        return;
    }
    for (endpoint, service) in run.promised().filter(|(endpoint, _)| run.is_of_relay(*endpoint)) {
        let refused = refuses_port(endpoint.address.port());
        let state = if refused { State::Broken(Manner::Denied) } else { State::Holds };
        if let Some(at) = first(service) {
            readings.add(Reading::new(What::BrowserPort, Place::service(endpoint), state, vec![at]));
        }
    }
}

/// One entry that is refused takes the whole list with it.
fn list(run: &Run<'_>, readings: &mut Readings) {
    let entries: Vec<_> = run.facts(|fact| if let Fact::ListEntry(it) = fact { Some(it) } else { None }).collect();
    let refused = entries.iter().find_map(|seen| Some((seen, seen.fact.refusal.as_ref()?)));
    if let Some((seen, refusal)) = refused {
        let reading = Reading::new(What::ListTaken, Place::List, State::Broken(Manner::Denied), vec![seen.at]);
        let reading = reading.saying("entry", seen.target).saying("error", refusal.error.as_str());
        let reading = reading.saying("words", refusal.words.as_str()).saying("mistake", refusal.mistake.name());
        readings.add(reading.saying("found", refusal.found.as_deref().unwrap_or("none")));
    } else if !entries.is_empty() {
        let evidence = entries.iter().map(|seen| seen.at).collect();
        readings.add(Reading::new(What::ListTaken, Place::List, State::Holds, evidence));
    }
}

/// The first observation of a service.
fn first(service: &Service<'_>) -> Option<usize> {
    let connects = service.connects.iter().map(|seen| seen.at);
    let bindings = service.bindings.iter().map(|seen| seen.at);
    connects.chain(bindings).chain(service.challenges.iter().map(|seen| seen.at)).min()
}
