//! What browsers refuse of the servers that they are given.

use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Service};
use crate::model::asked::Form;
use crate::model::browser::refuses_port;
use crate::model::place::Place;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
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

/// The first observation of a service.
fn first(service: &Service<'_>) -> Option<usize> {
    let connects = service.connects.iter().map(|seen| seen.at);
    let bindings = service.bindings.iter().map(|seen| seen.at);
    connects.chain(bindings).chain(service.challenges.iter().map(|seen| seen.at)).min()
}
