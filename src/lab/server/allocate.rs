//! Allocations from Allocate to their end: RFC 8656 §7 and §8.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Command, FiveTuple, Server};
use crate::lab::allocation::{Allocation, Relayed, Stage};
use crate::lab::fault::Fault;
use crate::lab::hostility::Hostility;
use crate::lab::ports::Parity;
use crate::proto::authentication::LongTerm;
use crate::proto::incoming::{Family, Incoming, Subject};
use crate::proto::outgoing::Outgoing;

/// How long an allocation lives at least, as in coturn; the default of RFC 8656 §3.2 too.
const SHORTEST_LIFETIME: Duration = Duration::from_mins(10);

/// How long an allocation lives at most (RFC 8656 §7.2).
const LONGEST_LIFETIME: Duration = Duration::from_hours(1);

/// How many ports are tried before a host that refuses them is out of ports.
const MOST_TRIES: u32 = 64;

/// The protocol number of UDP.
const UDP: u8 = 17;

impl Server {
    pub(super) fn allocate(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) {
        if let Some(alternate) = self.alternate(tuple) {
            // As coturn does: before anyone has to prove who they are.
            return self.answer(tuple, Outgoing::error(asked.subject, 300).alternate(alternate), None);
        }
        if self.remembered.get(&tuple).is_some_and(|until| now < *until) {
            return self.refuse(tuple, asked.subject, 437, None);
        }
        let user = match self.authenticator.identify(tuple, asked, now) {
            Ok(user) => user,
            Err(code) => return self.challenge(now, tuple, asked.subject, code),
        };
        if let Some(allocation) = self.allocations.get(&tuple) {
            let repeated = allocation.made_by == asked.subject;
            return match (repeated, allocation.is_open()) {
                (true, true) => self.answer_allocate(now, tuple, user.as_ref()),
                // The answer goes out when the port is open.
                (true, false) => {}
                (false, _) => self.refuse(tuple, asked.subject, 437, user.as_ref()),
            };
        }
        match self.grant(now, tuple, asked, user.as_ref()) {
            Ok(()) => {}
            Err(420) => self.refuse_unknown(tuple, asked, user.as_ref()),
            Err(code) => self.refuse(tuple, asked.subject, code, user.as_ref()),
        }
    }

    fn alternate(&self, tuple: FiveTuple) -> Option<SocketAddr> {
        if self.config.hostility == Some(Hostility::RedirectToSelf) {
            return Some(tuple.server);
        }
        let of_transport = || self.config.alternates.iter().filter(|it| it.transport == tuple.transport).map(|it| it.address);
        if self.config.has(Fault::RedirectLoop) {
            return of_transport().find(|address| *address != tuple.server);
        }
        let redirects = self.config.has(Fault::Redirected) || self.config.has(Fault::RedirectDead);
        let is_alternate = of_transport().any(|address| address == tuple.server);
        if redirects && !is_alternate { of_transport().next() } else { None }
    }

    fn grant(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming, user: Option<&LongTerm>) -> Result<(), u16> {
        self.refusal_by_fault().map_or(Ok(()), Err)?;
        if !asked.unknown.is_empty() {
            return Err(420);
        }
        match asked.transport {
            Some(UDP) => {}
            Some(_) => return Err(442),
            None => return Err(400),
        }
        // Reserving a second port is not offered, which RFC 8656 §7.2 answers with 508.
        if asked.reservation || asked.even_port == Some(true) {
            return Err(508);
        }
        let family = asked.family.unwrap_or(Family::V4);
        let relay = self.relays.iter().position(|relay| Family::of(relay.bound) == family).ok_or(440_u16)?;
        self.check_quota(user)?;
        let parity = if asked.even_port.is_some() { Parity::Even } else { Parity::Any };
        let relayed = self.draw(relay, parity).ok_or(508_u16)?;
        let expires = now + lifetime(asked.lifetime);
        self.expiries.insert((expires, tuple));
        let allocation = Allocation::new(user.cloned(), asked.subject, relay, relayed, parity, expires);
        self.allocations.insert(tuple, allocation);
        self.open(now, tuple, relayed);
        Ok(())
    }

    fn refusal_by_fault(&self) -> Option<u16> {
        let codes = [
            (Fault::ServerDraining, 403),
            (Fault::AllocationRefused, 500),
            (Fault::AddressFamilyRefused, 440),
            (Fault::RelayTransportRefused, 442),
            (Fault::QuotaReached, 486),
            (Fault::RelayPortsExhausted, 508),
        ];
        codes.into_iter().find(|(fault, _)| self.config.has(*fault)).map(|(_, code)| code)
    }

    fn check_quota(&self, user: Option<&LongTerm>) -> Result<(), u16> {
        let username = user.map(LongTerm::username).unwrap_or_default();
        let total_reached = self.config.total_quota.is_some_and(|quota| self.allocations.len() >= quota);
        let reached = total_reached
            || self.config.user_quota.is_some_and(|quota| {
                self.allocations.values().filter(|allocation| allocation.username == username).count() >= quota
            });
        if reached { Err(486) } else { Ok(()) }
    }

    fn draw(&mut self, relay: usize, parity: Parity) -> Option<Relayed> {
        let address = self.relays[relay];
        // Where all share one port it stays in use for good.
        let shared = self.config.has(Fault::RelayMultiplexed);
        let in_use = self.by_relay.keys().find(|bound| shared && bound.ip() == address.bound).map(SocketAddr::port);
        let port = in_use.or_else(|| self.pools[relay].draw(parity))?;
        Some(Relayed { bound: SocketAddr::new(address.bound, port), advertised: SocketAddr::new(address.advertised, port) })
    }

    fn open(&mut self, now: Instant, tuple: FiveTuple, relayed: Relayed) {
        let sharers = self.by_relay.entry(relayed.bound).or_default();
        sharers.push(tuple);
        if sharers.len() == 1 {
            self.commands.push_back(Command::OpenRelay { relay: relayed.bound });
        } else {
            self.relay_opened(now, relayed.bound);
        }
    }

    /// The driver has opened a relay port.
    pub fn relay_opened(&mut self, now: Instant, relay: SocketAddr) {
        for tuple in self.by_relay.get(&relay).cloned().unwrap_or_default() {
            let Some(allocation) = self.allocations.get_mut(&tuple) else { continue };
            if let Stage::Opening { signer, .. } = std::mem::replace(&mut allocation.stage, Stage::Open) {
                self.answer_allocate(now, tuple, signer.as_ref());
            }
        }
    }

    /// The driver could not open a relay port: another one is tried, and 508 told when enough were.
    pub fn relay_refused(&mut self, now: Instant, relay: SocketAddr) {
        for tuple in self.by_relay.remove(&relay).unwrap_or_default() {
            let Some(allocation) = self.allocations.get_mut(&tuple) else { continue };
            let Stage::Opening { parity, tries, signer } = &mut allocation.stage else { continue };
            *tries += 1;
            let (parity, tries, signer) = (*parity, *tries, signer.clone());
            let (number, subject) = (allocation.relay, allocation.made_by);
            let next = if tries > MOST_TRIES { None } else { self.draw(number, parity) };
            self.pools[number].give_back(relay.port());
            if let (Some(relayed), Some(allocation)) = (next, self.allocations.get_mut(&tuple)) {
                allocation.relayed = relayed;
                self.open(now, tuple, relayed);
            } else {
                self.forget(tuple);
                self.refuse(tuple, subject, 508, signer.as_ref());
            }
        }
    }

    fn answer_allocate(&mut self, now: Instant, tuple: FiveTuple, signer: Option<&LongTerm>) {
        let Some(allocation) = self.allocations.get(&tuple) else { return };
        let mut answer =
            Outgoing::success(allocation.made_by).relayed(allocation.relayed.advertised).xor_mapped(self.mapped(tuple));
        if !self.config.has(Fault::AllocationRefusedByBrowsers) {
            // Rounded, because opening the port takes its moment.
            answer = answer.lifetime(allocation.expires.saturating_duration_since(now) + Duration::from_millis(500));
        }
        self.answer(tuple, answer, signer);
    }

    pub(super) fn refresh(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) -> Result<Outgoing, u16> {
        let allocation = self.allocations.get_mut(&tuple).ok_or(437_u16)?;
        if asked.family.is_some_and(|family| family != Family::of(allocation.relayed.bound.ip())) {
            return Err(443);
        }
        if asked.lifetime == Some(Duration::ZERO) {
            self.free(tuple);
            if !self.config.memory.is_zero() {
                self.remembered.insert(tuple, now + self.config.memory);
            }
            return Ok(success(asked.subject, Duration::ZERO));
        }
        let lifetime = lifetime(asked.lifetime);
        self.expiries.remove(&(allocation.expires, tuple));
        allocation.expires = now + lifetime;
        self.expiries.insert((allocation.expires, tuple));
        Ok(success(asked.subject, lifetime))
    }

    /// Ends an allocation and closes its port, where nobody shares it.
    pub(super) fn free(&mut self, tuple: FiveTuple) {
        let Some(allocation) = self.forget(tuple) else { return };
        let relay = allocation.relayed.bound;
        let Some(sharers) = self.by_relay.get_mut(&relay) else { return };
        sharers.retain(|sharer| *sharer != tuple);
        if sharers.is_empty() {
            self.by_relay.remove(&relay);
            self.pools[allocation.relay].give_back(relay.port());
            self.commands.push_back(Command::CloseRelay { relay });
        }
    }

    fn forget(&mut self, tuple: FiveTuple) -> Option<Allocation> {
        let allocation = self.allocations.remove(&tuple)?;
        self.expiries.remove(&(allocation.expires, tuple));
        Some(allocation)
    }
}

fn success(to: Subject, lifetime: Duration) -> Outgoing {
    Outgoing::success(to).lifetime(lifetime)
}

fn lifetime(wish: Option<Duration>) -> Duration {
    wish.unwrap_or(SHORTEST_LIFETIME).clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME)
}
