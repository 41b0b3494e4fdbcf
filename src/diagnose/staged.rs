//! Observations made in memory, for the tests of the rules; the server is 203.0.113.10 unless a test says otherwise.

use std::net::SocketAddr;

use crate::diagnose::{Diagnosis, diagnose};
use crate::model::asked::{Asked, AskedCall, Form, Purpose, Service};
use crate::model::call::{Path, Role};
use crate::model::endpoint::Transport;
use crate::model::fact::{
    AllocationFact, BindingFact, Certificate, ChallengeFact, Contact, Fact, FilteringFact, FilteringWay, HairpinFact,
    LifetimeFact, LifetimeWay, MappingFact, Observation,
};
use crate::model::finding::{Finding, NotTested};
use crate::model::outcome::{Outcome, Reply};
use crate::model::target::Host;

/// Now, in seconds since 1970.
pub const NOW: i64 = 1_795_000_000;

/// One day in seconds.
pub const DAY: i64 = 86_400;

/// The usual endpoints.
pub const UDP: &str = "udp 203.0.113.10:3478";

/// A run in the making.
pub struct Stage {
    asked: Asked,
    observations: Vec<Observation>,
}

impl Stage {
    /// A run against a bare host.
    pub fn host() -> Self {
        Self::of(Form::Host, &[Transport::Udp, Transport::Tcp, Transport::Tls])
    }

    /// A run against a list of URLs.
    pub fn urls(transports: &[Transport]) -> Self {
        Self::of(Form::Urls, transports)
    }

    /// A run of `stun`, with the lives of mappings or without.
    pub fn stun(longest_idle_ms: Option<u64>) -> Self {
        let mut stage = Self::of(Form::Urls, &[Transport::Udp]);
        (stage.asked.purpose, stage.asked.longest_idle_ms) = (Purpose::Stun, longest_idle_ms);
        stage
    }

    fn of(form: Form, transports: &[Transport]) -> Self {
        let host = Host::Name("turn.example.org".to_owned());
        let service = |transport: &Transport| Service { host: host.clone(), port: None, transport: *transport, relay: true };
        let services = transports.iter().map(service).collect();
        let asked = Asked {
            purpose: Purpose::Turn,
            form,
            services,
            credentials: true,
            controls: true,
            peers: Vec::new(),
            longest_idle_ms: None,
            call: None,
        };
        Self { asked, observations: Vec::new() }
    }

    /// Makes it a run of `call`, on a forced path or not.
    pub fn calling(mut self, forced: Option<Path>) -> Self {
        self.asked.purpose = Purpose::Call;
        let paths = forced.map_or_else(|| vec![Path::All, Path::Relay], |path| vec![path]);
        self.asked.call = Some(AskedCall { roles: vec![Role::Caller, Role::Callee], forced, paths });
        self
    }

    /// The address outside of the socket at port 5000 of 192.168.1.2, as a server sees it.
    pub fn mapping(self, server: &str, mapped: &str) -> Self {
        let (local, mapped) = (address("192.168.1.2:5000"), Some(address(mapped)));
        let fact = MappingFact { reply: reply(Outcome::Success), local, mapped, other_address: None };
        self.see("nat-mapping", server, Fact::Mapping(fact))
    }

    /// Whether the server's answer from another address came to that socket.
    pub fn filtering(self, from: &str, contact: Contact, outcome: Outcome) -> Self {
        let fact = FilteringFact {
            local: address("192.168.1.2:5000"),
            mapped: address("198.51.100.2:5000"),
            from: address(from),
            contact,
            way: FilteringWay::ChangeRequest,
            reply: reply(outcome),
        };
        self.see("nat-filtering", UDP, Fact::Filtering(fact))
    }

    /// A datagram to the own address outside.
    pub fn hairpin(self, arrived: bool) -> Self {
        let fact = HairpinFact { to: address("198.51.100.2:5000"), arrived, sends: 6, from: None };
        self.see("nat-hairpin", UDP, Fact::Hairpin(fact))
    }

    /// A mapping after an idle time.
    pub fn idle(self, idle_ms: u64, way: LifetimeWay, alive: Option<bool>) -> Self {
        let fact = LifetimeFact { idle_ms, mapped: address("198.51.100.2:5001"), way, alive, sends: 6 };
        self.see("nat-lifetime", UDP, Fact::Lifetime(fact))
    }

    /// The whole diagnosis, symptoms folded.
    pub fn diagnosis(&self) -> Diagnosis {
        diagnose(&self.asked, &self.observations, None, &crate::model::finding::Overrides::default())
    }

    /// The ids of the whole diagnosis.
    pub fn diagnosed(&self) -> Vec<String> {
        self.diagnosis().findings.into_iter().map(|finding| finding.id).collect()
    }

    /// Adds an observation.
    pub fn see(mut self, probe: &str, target: &str, fact: Fact) -> Self {
        let id = format!("o{}", self.observations.len() + 1);
        self.observations.push(Observation { id, probe: probe.to_owned(), target: target.to_owned(), at_ms: 0, fact });
        self
    }

    /// A Binding that is answered.
    pub fn binding(self, target: &str, software: Option<&str>) -> Self {
        let mut fact = BindingFact::of(reply(Outcome::Success));
        fact.software = software.map(str::to_owned);
        self.see("binding", target, Fact::Binding(fact))
    }

    /// A challenge as every server sends it.
    pub fn challenge(self, target: &str) -> Self {
        self.challenge_with(target, 401, Some("example.org"), true, Some("Coturn-4.6.1"))
    }

    /// An answer to an Allocate without credentials.
    pub fn challenge_with(self, target: &str, code: u16, realm: Option<&str>, nonce: bool, software: Option<&str>) -> Self {
        let outcome = if code == 0 { Outcome::Success } else { Outcome::Error { code } };
        let fact = ChallengeFact {
            reply: reply(outcome),
            realm: realm.map(str::to_owned),
            nonce,
            software: software.map(str::to_owned),
            alternate: None,
        };
        self.see("challenge", target, Fact::Challenge(fact))
    }

    /// An Allocate with credentials that is refused.
    pub fn refused(self, target: &str, code: u16) -> Self {
        self.see("allocate", target, Fact::Allocation(allocation(Outcome::Error { code })))
    }

    /// What is found.
    pub fn findings(&self) -> Vec<Finding> {
        self.diagnosis().findings
    }

    /// What was not tested, in words.
    pub fn untested(&self) -> Vec<NotTested> {
        let mut entries = self.diagnosis().not_tested;
        crate::text::with(|texts| entries.iter_mut().for_each(|entry| texts.spell_untested(entry)));
        entries
    }

    /// What is excluded.
    pub fn ruled_out(&self) -> Vec<&'static str> {
        let excluded = self.diagnosis().ruled_out;
        let causes = super::table::causes().map(|cause| cause.id);
        causes.filter(|id| excluded.iter().any(|entry| entry.id == *id)).collect()
    }

    /// What the findings of some causes claim.
    pub fn claims(&self, prefixes: &[&str]) -> Vec<String> {
        let findings = self.findings();
        let wanted = findings.iter().filter(|finding| prefixes.iter().any(|prefix| finding.id.starts_with(prefix)));
        wanted.map(Finding::claim).collect()
    }
}

/// Says what every finding owes its reader: evidence, a summary of one sentence, a fix.
pub fn is_whole(finding: &Finding) {
    assert!(!finding.evidence.is_empty(), "{}: no evidence", finding.id);
}

/// An exchange that ends so.
fn reply(outcome: Outcome) -> Reply {
    Reply { outcome, sends: 1, rtt_ms: Some(1.0), strays: Vec::new() }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("a socket address")
}

/// An Allocate that ends so, and gives nothing.
pub fn allocation(outcome: Outcome) -> AllocationFact {
    AllocationFact {
        reply: reply(outcome),
        relayed: None,
        mapped: None,
        local: None,
        lifetime_s: None,
        stale_nonces: 0,
        unauthenticated: false,
        sample: false,
        calm: false,
        others_alive: 0,
        shared: false,
        alternate: None,
    }
}

/// A certificate that is in order.
pub fn certificate() -> Certificate {
    Certificate {
        names: vec!["turn.example.org".to_owned()],
        issuer: "CN=R11".to_owned(),
        self_signed: false,
        not_before: NOW - 30 * DAY,
        not_after: NOW + 60 * DAY,
        names_issuer_address: true,
        chain_length: 2,
        now: NOW,
    }
}
