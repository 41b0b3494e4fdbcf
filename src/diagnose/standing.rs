//! What works: each service that users are promised, by the readings along its way and by the faults that were found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::candidates::Candidate;
use super::reading::{Known, Manner, Reading, Readings, State, What};
use super::row::Effect;
use super::run::{RelayAt, Run};
use crate::model::endpoint::Endpoint;
use crate::model::place::Place;

/// Whether a service can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All of its way was seen to hold.
    Works,
    /// A link of it is broken.
    Broken,
    /// Some of it was not asked.
    Unknown,
}

/// The links of the way to a service, from the first packet to data through the allocation.
const CHAIN: [What; 17] = [
    What::BrowserPort,
    What::Send,
    What::Reach,
    What::Listens,
    What::Source,
    What::Tls,
    What::CertTime,
    What::CertName,
    What::CertChain,
    What::Speaks,
    What::Turn,
    What::Realm,
    What::Login,
    What::Grant,
    What::GrantTaken,
    What::ChannelData,
    What::Mapped,
];

/// The standing of every service that users are promised.
pub struct Standings {
    all: BTreeMap<Endpoint, Standing>,
}

impl Standings {
    /// Judges the services; `found` are the causes that are at work for sure enough.
    #[must_use]
    pub fn new(run: &Run<'_>, readings: &Readings, found: &[&Candidate], doubtful: &[&Candidate]) -> Self {
        let mut all = BTreeMap::new();
        let here = undecided(found, doubtful);
        let mut own: HashMap<Endpoint, Vec<RelayAt>> = HashMap::new();
        for (at, ports) in &run.relays {
            let through: BTreeSet<Endpoint> = ports.values().flat_map(|relayed| relayed.through.iter().copied()).collect();
            for endpoint in through {
                own.entry(endpoint).or_default().push(*at);
            }
        }
        for (endpoint, _) in run.promised() {
            let own = own.get(&endpoint).map_or(&[][..], Vec::as_slice);
            let mut standing = of_readings(run, readings, &here, endpoint, own);
            if standing == Standing::Unknown && found.iter().any(|candidate| takes(candidate, endpoint)) {
                standing = Standing::Broken;
            }
            all.insert(endpoint, standing);
        }
        Self { all }
    }

    /// Whether any service works.
    #[must_use]
    pub fn any_works(&self) -> bool {
        self.all.values().any(|standing| *standing == Standing::Works)
    }

    /// Whether a service that fits works, or may work.
    #[must_use]
    pub fn any_may_work(&self, fits: impl Fn(Endpoint) -> bool) -> bool {
        self.all.iter().any(|(endpoint, standing)| *standing != Standing::Broken && fits(*endpoint))
    }

    /// The services that work.
    pub fn working(&self) -> impl Iterator<Item = Endpoint> {
        self.all.iter().filter(|(_, standing)| **standing == Standing::Works).map(|(endpoint, _)| *endpoint)
    }
}

fn of_readings(run: &Run<'_>, readings: &Readings, here: &BTreeSet<usize>, endpoint: Endpoint, own: &[RelayAt]) -> Standing {
    let place = Place::service(endpoint);
    let links = || CHAIN.iter().map(|what| readings.know(*what, &place));
    if let Some(target) = redirected(run, readings, endpoint) {
        return if target.iter().any(|at| relays(readings, here, *at) == Standing::Works) {
            Standing::Works
        } else {
            Standing::Unknown
        };
    }
    if links().any(Known::is_broken) {
        return Standing::Broken;
    }
    if !run.wants_relay() || !run.is_of_relay(endpoint) {
        return if readings.know(What::Speaks, &place).holds() { Standing::Works } else { Standing::Unknown };
    }
    let standings: Vec<Standing> = own.iter().map(|at| relays(readings, here, *at)).collect();
    if standings.contains(&Standing::Works) {
        Standing::Works
    } else if standings.contains(&Standing::Broken) {
        Standing::Broken
    } else {
        Standing::Unknown
    }
}

/// The readings that say nothing of a relay: this host or this network breaks them, or it is not known what does.
fn undecided(found: &[&Candidate], doubtful: &[&Candidate]) -> BTreeSet<usize> {
    let here = found.iter().filter(|candidate| matches!(candidate.place, Place::Host | Place::Network { .. }));
    here.chain(doubtful).flat_map(|candidate| candidate.explains.iter().copied()).collect()
}

/// The relays of the server that another one sends its clients to.
fn redirected(run: &Run<'_>, readings: &Readings, endpoint: Endpoint) -> Option<Vec<RelayAt>> {
    let Known::Broken(Reading { state: State::Broken(Manner::Arrived), .. }) =
        readings.know(What::Stays, &Place::service(endpoint))
    else {
        return None;
    };
    let hops: Vec<IpAddr> =
        run.services[&endpoint].redirects.iter().flat_map(|seen| &seen.fact.hops).map(|hop| hop.ip()).collect();
    Some(run.relays.keys().filter(|(server, _)| hops.contains(server)).copied().collect())
}

/// Whether a relay carries: in from outside, or in and out once it has sent.
fn relays(readings: &Readings, here: &BTreeSet<usize>, (server, relayed): RelayAt) -> Standing {
    let place = Place::Relay { server, relayed };
    // What this network keeps back says nothing of the relay.
    let know = |what| match readings.know(what, &place) {
        Known::Broken(reading) if here.contains(&readings.number(reading)) => Known::NotAsked,
        known @ (Known::Holds(_) | Known::Broken(_) | Known::NotAsked) => known,
    };
    let needed = [What::PermitsNamed, What::PermitsCaller, What::KnownPublic, What::SendsAsItself, What::Out];
    if needed.into_iter().any(|what| know(what).is_broken()) {
        Standing::Broken
    } else if know(What::In).holds() || know(What::InAgain).holds() && know(What::Out).holds() {
        Standing::Works
    } else if know(What::In).is_broken() {
        Standing::Broken
    } else if know(What::PermitsNamed).holds() {
        Standing::Works
    } else {
        Standing::Unknown
    }
}

/// Whether a fault takes a service that nobody tried to the end: it is one of its whole address, of the network or of the list.
fn takes(candidate: &Candidate, endpoint: Endpoint) -> bool {
    let is_heavy = matches!(candidate.effect(), Effect::Fail | Effect::FailAll | Effect::DegradeHere);
    let is_there = match &candidate.place {
        Place::Server { server } | Place::Relay { server, .. } => *server == endpoint.ip(),
        Place::Network { family } => family.is_none_or(|family| family == crate::model::place::Family::of(endpoint.ip())),
        Place::Host | Place::List => true,
        Place::Service { .. }
        | Place::Name { .. }
        | Place::Control { .. }
        | Place::Gateway
        | Place::Peer { .. }
        | Place::Call => false,
    };
    let breaks_it = candidate.effect() == Effect::FailAll
        || matches!(candidate.place, Place::Relay { .. })
        || candidate.row.breaks.iter().any(|pattern| CHAIN.iter().any(|what| pattern.covers(*what, endpoint.transport)));
    is_heavy && is_there && breaks_it
}

/// The services whose way some readings are links of; with `relays` those too that lead to a relay.
#[must_use]
pub fn services_of(run: &Run<'_>, readings: &Readings, explained: &[usize], relays: bool) -> Vec<Endpoint> {
    let mut services = Vec::new();
    for reading in explained.iter().map(|index| &readings.all()[*index]) {
        if CHAIN.contains(&reading.what) {
            services.extend(reading.place.endpoint());
        }
        if let Some(at) = reading.place.relay().filter(|_| relays && (reading.what.is_of_relay() || is_policy(reading.what))) {
            let through = run.relays.get(&at).into_iter().flatten().flat_map(|(_, relayed)| &relayed.through);
            services.extend(through.copied());
        }
    }
    services.sort_unstable();
    services.dedup();
    services
}

fn is_policy(what: What) -> bool {
    matches!(
        what,
        What::PermitsCaller
            | What::PermitsNamed
            | What::PermitsItself
            | What::KnownPublic
            | What::OwnAddress
            | What::SendsAsItself
    )
}
