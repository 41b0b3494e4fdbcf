//! Permissions, channels, and the data that flows through the relay: RFC 8656 §9 to §12.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::{Command, FiveTuple, Server};
use crate::lab::fault::Fault;
use crate::lab::firewall::{Contact, is_lost};
use crate::proto::channel_data::ChannelData;
use crate::proto::incoming::{Family, Incoming};
use crate::proto::outgoing::{Outgoing, data_indication};

impl Server {
    /// Takes a datagram that came to a relay port from outside.
    pub fn receive_from_peer(&mut self, now: Instant, relay: SocketAddr, peer: SocketAddr, payload: &[u8]) {
        let tuples = self.by_relay.get(&relay).cloned().unwrap_or_default();
        let is_known = |tuple| self.allocations.get(tuple).is_some_and(|allocation| allocation.has_contacted(peer));
        let contact = if tuples.iter().any(is_known) { Contact::Made } else { Contact::None };
        if self.firewall.admits(relay.port(), contact) {
            self.deliver(now, &tuples, peer, payload);
        }
    }

    pub(super) fn create_permission(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) -> Result<Outgoing, u16> {
        if asked.peers.is_empty() {
            return Err(400);
        }
        // All or none (RFC 8656 §10.2).
        for peer in &asked.peers {
            self.check_peer(tuple, peer.ip())?;
        }
        let allocation = self.allocations.get_mut(&tuple).ok_or(437_u16)?;
        for peer in &asked.peers {
            allocation.permit(peer.ip(), now);
        }
        Ok(Outgoing::success(asked.subject))
    }

    pub(super) fn bind_channel(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) -> Result<Outgoing, u16> {
        let (Some(channel), Some(peer)) = (asked.channel, asked.peers.first()) else { return Err(400) };
        if self.config.has(Fault::ChannelRefused) {
            return Err(400);
        }
        self.check_peer(tuple, peer.ip())?;
        let allocation = self.allocations.get_mut(&tuple).ok_or(437_u16)?;
        allocation.bind(channel, *peer, now).map_err(|_conflict| 400_u16)?;
        Ok(Outgoing::success(asked.subject))
    }

    fn check_peer(&self, tuple: FiveTuple, peer: IpAddr) -> Result<(), u16> {
        let allocation = self.allocations.get(&tuple).ok_or(437_u16)?;
        if Family::of(peer) != Family::of(allocation.relayed.bound.ip()) {
            return Err(443);
        }
        let is_own = self.relays.iter().any(|relay| relay.bound == peer || relay.advertised == peer);
        let denied = if is_own { Fault::OwnAddressDenied } else { Fault::PeerDenied };
        if self.config.has(denied) { Err(403) } else { Ok(()) }
    }

    pub(super) fn relay_send(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) {
        if let ([peer, ..], Some(payload), []) = (&*asked.peers, &asked.data, &*asked.unknown) {
            self.send_to_peer(now, tuple, *peer, payload);
        }
    }

    pub(super) fn relay_channel_data(&mut self, now: Instant, tuple: FiveTuple, data: ChannelData<'_>) {
        let peer = self.allocations.get(&tuple).and_then(|allocation| allocation.peer_of(data.channel, now));
        let Some(peer) = peer.filter(|_| !self.config.has(Fault::ChannelDataDropped)) else { return };
        let mut payload = data.payload.to_vec();
        if self.config.has(Fault::ChannelDataAltered) && tuple.transport.is_stream() {
            payload.resize(payload.len().next_multiple_of(4), 0);
        }
        self.send_to_peer(now, tuple, peer, &payload);
    }

    fn send_to_peer(&mut self, now: Instant, tuple: FiveTuple, peer: SocketAddr, payload: &[u8]) {
        let lossy = self.config.has(Fault::RelayLossy);
        let Some(allocation) = self.allocations.get_mut(&tuple) else { return };
        let permitted = allocation.is_open() && allocation.permits(peer.ip(), now);
        if !permitted || lossy && is_lost(&mut self.random) {
            return;
        }
        let relayed = allocation.relayed;
        // Between two relay ports of one server no packet leaves the host, so no firewall and no wrong external-ip shows.
        if let Some(tuples) = self.sharers_of(peer) {
            return self.deliver(now, &tuples, relayed.advertised, payload);
        }
        if self.config.has(Fault::RelayEgressBlocked) {
            return;
        }
        allocation_contact(self, tuple, peer);
        self.commands.push_back(Command::ToPeer { relay: relayed.bound, peer, payload: payload.to_vec() });
    }

    /// The allocations behind a relayed address, by its outside or its inside form.
    fn sharers_of(&self, address: SocketAddr) -> Option<Vec<FiveTuple>> {
        self.relays
            .iter()
            .filter(|relay| relay.advertised == address.ip() || relay.bound == address.ip())
            .find_map(|relay| self.by_relay.get(&SocketAddr::new(relay.bound, address.port())).cloned())
    }

    fn deliver(&mut self, now: Instant, tuples: &[FiveTuple], peer: SocketAddr, payload: &[u8]) {
        for tuple in tuples {
            let Some(allocation) = self.allocations.get(tuple) else { continue };
            if !allocation.is_open() || !allocation.permits(peer.ip(), now) {
                continue;
            }
            let channel = allocation.channel_to(peer, now);
            if self.config.has(Fault::RelayLossy) && is_lost(&mut self.random) {
                continue;
            }
            let bytes = match channel {
                Some(channel) => ChannelData { channel, payload }.encode(tuple.transport.is_stream()),
                None => data_indication(self.new_id(), peer, payload),
            };
            if let Some(bytes) = bytes {
                self.send_to_client(*tuple, bytes);
            }
        }
    }
}

fn allocation_contact(server: &mut Server, tuple: FiveTuple, peer: SocketAddr) {
    if let Some(allocation) = server.allocations.get_mut(&tuple) {
        allocation.contact(peer);
    }
}
