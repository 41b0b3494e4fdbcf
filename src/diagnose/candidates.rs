//! Which causes could be at work, and where: those that explain a broken reading and break none that holds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::reading::{Reading, Readings, What};
use super::row::{At, Cause, Effect, Need, Row};
use crate::model::endpoint::Endpoint;
use crate::model::place::{Family, Place};

/// What a missing answer costs a row that needs it.
const NOT_ASKED: f64 = 1.5;

/// What it costs a cause of this network that it shows at one server alone, where others were asked too.
const ONE_SERVER: f64 = 1.5;

/// A row at a place, which explains something.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The cause.
    pub cause: &'static Cause,
    /// The mechanism.
    pub row: &'static Row,
    /// Where it sits.
    pub place: Place,
    /// The port that it is about, where it is about one.
    pub port: Option<u16>,
    /// How implausible it is.
    pub cost: f64,
    /// The broken readings that it explains, in order.
    pub explains: Vec<usize>,
    /// The readings that it needed to hold.
    pub rests_on: Vec<usize>,
    /// Whether everything was asked that makes it sure.
    pub is_sure: bool,
}

impl Candidate {
    /// What it does to calls.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.row.effect.unwrap_or(self.cause.effect)
    }
}

/// A cause that a holding reading contradicts at a place, in all of its mechanisms.
#[derive(Debug)]
pub struct Excluded {
    /// The cause.
    pub cause: &'static Cause,
    /// The place; absent where it is excluded wherever it could sit.
    pub place: Option<Place>,
    /// The readings that exclude it.
    pub by: Vec<usize>,
}

/// Places that are more than their address says.
#[derive(Debug, Default)]
pub struct Kinds {
    /// IPv6 addresses of a name that has an IPv4 address too, which answers or was not asked.
    pub beside_v4: BTreeSet<IpAddr>,
    /// Addresses of a name of which another address, of the same family, answers.
    pub siblings: BTreeSet<IpAddr>,
    /// One address for all of a server's, where its name leads to several.
    pub first_of: BTreeMap<IpAddr, IpAddr>,
    /// Ports that are listed for STUN alone, beside others that relay.
    pub stun_alone: BTreeSet<Endpoint>,
}

/// The readings of a run, arranged by the places at which causes can sit.
pub struct Ground<'r> {
    readings: &'r Readings,
    /// The readings of each server's address.
    servers: BTreeMap<IpAddr, Vec<usize>>,
    services: BTreeMap<Place, Vec<usize>>,
    relays: BTreeMap<Place, Vec<usize>>,
    controls: BTreeMap<Place, Vec<usize>>,
    names: BTreeMap<Place, Vec<usize>>,
    networks: BTreeMap<Option<Family>, Vec<usize>>,
    call: Vec<usize>,
    all: Vec<usize>,
    kinds: &'r Kinds,
}

/// How a row fares at a place.
enum Fit {
    /// It explains something.
    Explains(Candidate),
    /// Something that holds contradicts it.
    Contradicted(Vec<usize>),
    /// It says nothing of what was seen.
    Idle,
}

impl<'r> Ground<'r> {
    /// Arranges readings.
    #[must_use]
    pub fn new(readings: &'r Readings, kinds: &'r Kinds) -> Self {
        let mut ground = Self {
            readings,
            servers: BTreeMap::new(),
            services: BTreeMap::new(),
            relays: BTreeMap::new(),
            controls: BTreeMap::new(),
            names: BTreeMap::new(),
            networks: BTreeMap::new(),
            call: Vec::new(),
            all: (0..readings.all().len()).collect(),
            kinds,
        };
        for (index, reading) in readings.all().iter().enumerate() {
            ground.take(index, reading);
        }
        let families: BTreeSet<_> = ground.networks.keys().copied().flatten().collect();
        if families.len() > 1 {
            let both: BTreeSet<usize> = ground.networks.values().flatten().copied().collect();
            ground.networks.insert(None, both.into_iter().collect());
        } else if let Some(unfamiliar) = ground.networks.remove(&None) {
            let family = families.first().copied();
            ground.networks.entry(family).or_default().extend(unfamiliar);
        }
        ground
    }

    fn take(&mut self, index: usize, reading: &Reading) {
        let place = &reading.place;
        match place {
            Place::Service { .. } => self.services.entry(place.clone()).or_default().push(index),
            Place::Relay { .. } => self.relays.entry(place.clone()).or_default().push(index),
            Place::Control { .. } => self.controls.entry(place.clone()).or_default().push(index),
            Place::Name { .. } => self.names.entry(place.clone()).or_default().push(index),
            Place::Gateway | Place::Peer { .. } | Place::Call => self.call.push(index),
            Place::Host | Place::Network { .. } | Place::List | Place::Server { .. } => {}
        }
        if let Some(server) = place.server() {
            self.servers.entry(server).or_default().push(index);
        }
        match place {
            Place::Gateway | Place::Peer { .. } | Place::Call | Place::Name { .. } | Place::List => {}
            Place::Host
            | Place::Network { .. }
            | Place::Server { .. }
            | Place::Service { .. }
            | Place::Relay { .. }
            | Place::Control { .. } => self.networks.entry(reading.family).or_default().push(index),
        }
    }

    /// All candidates, and what is excluded.
    #[must_use]
    pub fn survey(&self, causes: impl Iterator<Item = &'static Cause>) -> (Vec<Candidate>, Vec<Excluded>) {
        let mut candidates = Vec::new();
        let mut excluded = Vec::new();
        for cause in causes {
            let mut at: BTreeMap<Place, (bool, Vec<usize>)> = BTreeMap::new();
            for row in cause.rows {
                for (place, indices) in self.places(row.at) {
                    for port in self.ports(row, indices) {
                        let seen = at.entry(place.clone()).or_insert((true, Vec::new()));
                        match self.fit(cause, row, &place, indices, port) {
                            Fit::Explains(candidate) => {
                                seen.0 = false;
                                candidates.push(candidate);
                            }
                            Fit::Contradicted(by) => seen.1.extend(by),
                            Fit::Idle => seen.0 = false,
                        }
                    }
                }
            }
            excluded.extend(gather(cause, at));
        }
        let asked: BTreeSet<IpAddr> = self.services.keys().filter_map(Place::server).collect();
        (narrowest(candidates, asked.len() > 1), excluded)
    }

    /// The places at which a row can sit, each with the readings within it.
    fn places(&self, at: At) -> Vec<(Place, &Vec<usize>)> {
        let all = |of: &'_ BTreeMap<Place, Vec<usize>>| -> Vec<Place> { of.keys().cloned().collect() };
        match at {
            At::Host => vec![(Place::Host, &self.all)],
            At::List => vec![(Place::List, &self.all)],
            At::Network => self.networks.iter().map(|(family, indices)| (Place::Network { family: *family }, indices)).collect(),
            At::Network6 => self
                .networks
                .get(&Some(Family::Ipv6))
                .map(|indices| (Place::Network { family: Some(Family::Ipv6) }, indices))
                .into_iter()
                .collect(),
            At::Server => self.servers.iter().map(|(server, indices)| (Place::Server { server: *server }, indices)).collect(),
            At::Server6 => self.servers_of(&self.kinds.beside_v4),
            At::Sibling => self.servers_of(&self.kinds.siblings),
            At::Name => all(&self.names).into_iter().map(|place| (place.clone(), &self.names[&place])).collect(),
            At::Service => all(&self.services).into_iter().map(|place| (place.clone(), &self.services[&place])).collect(),
            At::StunService => {
                let places = self.kinds.stun_alone.iter().map(|endpoint| Place::service(*endpoint));
                places.filter_map(|place| Some((place.clone(), self.services.get(&place)?))).collect()
            }
            At::Relay => all(&self.relays).into_iter().map(|place| (place.clone(), &self.relays[&place])).collect(),
            At::Control => all(&self.controls).into_iter().map(|place| (place.clone(), &self.controls[&place])).collect(),
            At::Gateway => vec![(Place::Gateway, &self.call)],
            At::Call => vec![(Place::Call, &self.call)],
            At::Peer => {
                let peers: BTreeSet<&Place> = self.call.iter().map(|index| &self.readings.all()[*index].place).collect();
                let peers = peers.into_iter().filter(|place| matches!(place, Place::Peer { .. }));
                peers.map(|place| (place.clone(), &self.call)).collect()
            }
        }
    }

    fn servers_of(&self, addresses: &BTreeSet<IpAddr>) -> Vec<(Place, &Vec<usize>)> {
        let known = addresses.iter().filter_map(|server| Some((*server, self.servers.get(server)?)));
        known.map(|(server, indices)| (Place::Server { server }, indices)).collect()
    }

    /// The ports that a row can be about; one of none where it is about all.
    fn ports(&self, row: &Row, indices: &[usize]) -> Vec<Option<u16>> {
        if !row.breaks.iter().any(|pattern| pattern.is_of_a_port()) {
            return vec![None];
        }
        let broken = indices.iter().map(|index| &self.readings.all()[*index]);
        let broken = broken.filter(|reading| {
            reading.wants_explanation()
                && row.breaks.iter().any(|pattern| {
                    pattern.is_of_a_port() && pattern.is_broken_by(reading, reading.endpoint.map(|(_, port)| port))
                })
        });
        let ports: BTreeSet<u16> =
            broken.filter(|reading| reading.place.server().is_some()).filter_map(|reading| Some(reading.endpoint?.1)).collect();
        ports.into_iter().map(Some).collect()
    }

    fn fit(&self, cause: &'static Cause, row: &'static Row, place: &Place, indices: &[usize], port: Option<u16>) -> Fit {
        let mut explains = BTreeSet::new();
        let mut against = Vec::new();
        let mut broken_by_it = false;
        let within = indices.iter().map(|index| (*index, &self.readings.all()[*index]));
        let within = within.filter(|(_, reading)| !matches!(row.at, At::Peer) || reading.place == *place);
        let within: Vec<(usize, &Reading)> = within.collect();
        for (index, reading) in &within {
            for pattern in row.breaks {
                if reading.holds() && pattern.is_about(reading, port) {
                    against.push(*index);
                } else if reading.wants_explanation() && pattern.is_broken_by(reading, port) {
                    explains.insert(*index);
                    broken_by_it = true;
                }
            }
            if reading.wants_explanation() && row.may.iter().any(|pattern| pattern.is_broken_by(reading, port)) {
                explains.insert(*index);
            }
        }
        if !against.is_empty() {
            return Fit::Contradicted(against);
        }
        let mut cost = row.cost;
        let mut rests_on = Vec::new();
        for (needs, wants_holding) in [(row.needs, true), (row.shows, false)] {
            for need in needs {
                match check(need, &within, wants_holding, port) {
                    Checked::Met(by) => rests_on.extend(by),
                    Checked::Contradicted(by) => against.extend(by),
                    Checked::Unmet => return Fit::Idle,
                    Checked::NotAsked if need.asked => return Fit::Idle,
                    Checked::NotAsked => cost += NOT_ASKED,
                }
            }
        }
        if !against.is_empty() {
            return Fit::Contradicted(against);
        }
        if !broken_by_it {
            return Fit::Idle;
        }
        if self.is_one_server(row.at, &explains) {
            cost += ONE_SERVER;
        }
        let is_asked = |what: &What| within.iter().any(|(_, reading)| reading.what == *what);
        let is_sure = !row.is_inferred && row.sure.iter().all(is_asked);
        let explains = explains.into_iter().collect();
        Fit::Explains(Candidate { cause, row, place: place.clone(), port, cost, explains, rests_on, is_sure })
    }
}

impl Ground<'_> {
    /// Whether all that a cause of this network explains was seen at one server, by several of its addresses: they are no several witnesses.
    fn is_one_server(&self, at: At, explains: &BTreeSet<usize>) -> bool {
        let places = explains.iter().map(|index| &self.readings.all()[*index].place);
        let Some(addresses) = places.map(Place::server).collect::<Option<BTreeSet<IpAddr>>>() else { return false };
        let of = |addresses: &mut dyn Iterator<Item = &IpAddr>| -> BTreeSet<IpAddr> {
            addresses.map(|address| self.kinds.first_of.get(address).copied().unwrap_or(*address)).collect()
        };
        let asked = || self.services.keys().filter_map(Place::server).collect::<BTreeSet<IpAddr>>();
        at == At::Network && addresses.len() > 1 && of(&mut addresses.iter()).len() == 1 && of(&mut asked().iter()).len() > 1
    }
}

enum Checked {
    Met(Vec<usize>),
    /// What should be broken holds.
    Contradicted(Vec<usize>),
    /// What should hold is broken, or is broken in another manner.
    Unmet,
    NotAsked,
}

fn check(need: &Need, within: &[(usize, &Reading)], wants_holding: bool, port: Option<u16>) -> Checked {
    let about: Vec<_> = within.iter().filter(|(_, reading)| need.pattern.is_about(reading, port)).collect();
    if about.is_empty() {
        return Checked::NotAsked;
    }
    let is_met = |reading: &Reading| if wants_holding { reading.holds() } else { need.pattern.is_broken_by(reading, port) };
    let met: Vec<usize> = about.iter().filter(|(_, reading)| is_met(reading)).map(|(index, _)| *index).collect();
    if !met.is_empty() {
        return Checked::Met(met);
    }
    let holding: Vec<usize> = about.iter().filter(|(_, reading)| reading.holds()).map(|(index, _)| *index).collect();
    if holding.is_empty() { Checked::Unmet } else { Checked::Contradicted(holding) }
}

/// One entry for a cause that is excluded wherever it could sit, else one for each place.
fn gather(cause: &'static Cause, at: BTreeMap<Place, (bool, Vec<usize>)>) -> Vec<Excluded> {
    let is_excluded = |seen: &(bool, Vec<usize>)| seen.0 && !seen.1.is_empty();
    if !at.is_empty() && at.values().all(is_excluded) {
        let by: BTreeSet<usize> = at.into_values().flat_map(|(_, by)| by).collect();
        return vec![Excluded { cause, place: None, by: by.into_iter().collect() }];
    }
    at.into_iter()
        .filter(|(_, seen)| is_excluded(seen))
        .map(|(place, (_, by))| Excluded {
            cause,
            place: Some(place),
            by: by.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
        })
        .collect()
}

/// How much less plausible a narrower place may be to be kept: above that the whole address is at fault, or the list.
const NARROWER: f64 = 1.0;

/// Of the same cause with the same coverage the narrower place stays, and the cheaper mechanism.
fn narrowest(candidates: Vec<Candidate>, several_servers: bool) -> Vec<Candidate> {
    let mut kept: HashMap<(&'static str, Vec<usize>), usize> = HashMap::new();
    let mut all: Vec<Option<Candidate>> = Vec::new();
    for candidate in candidates {
        let key = (candidate.cause.id, candidate.explains.clone());
        if let Some(&index) = kept.get(&key) {
            let known = all[index].as_ref();
            // Of several servers one alone may have been asked, so that the network is as good a place.
            let is_network = |it: &Candidate| matches!(it.place, Place::Network { .. });
            let is_better = |known: &Candidate| match breadth(&candidate.place).cmp(&breadth(&known.place)) {
                Ordering::Less if several_servers && is_network(known) => candidate.cost < known.cost,
                Ordering::Greater if several_servers && is_network(&candidate) => candidate.cost < known.cost,
                Ordering::Less => candidate.cost <= known.cost + NARROWER,
                Ordering::Equal => candidate.cost < known.cost,
                Ordering::Greater => candidate.cost + NARROWER < known.cost,
            };
            let is_as_good = several_servers && known.is_some_and(|known| is_network(known) != is_network(&candidate));
            if known.is_some_and(is_better) {
                all[index] = Some(candidate);
            }
            if let Some(kept) = all[index].as_mut() {
                kept.is_sure &= !is_as_good;
            }
        } else {
            kept.insert(key, all.len());
            all.push(Some(candidate));
        }
    }
    all.into_iter().flatten().collect()
}

fn breadth(place: &Place) -> u8 {
    match place {
        Place::Service { .. } | Place::Relay { .. } | Place::Control { .. } | Place::Peer { .. } => 0,
        Place::Server { .. } | Place::Name { .. } => 1,
        Place::Gateway | Place::Call | Place::List => 2,
        Place::Network { family: Some(_) } => 3,
        Place::Network { family: None } => 4,
        Place::Host => 5,
    }
}
