//! The loop around the core: what follows from one input, until all is quiet.

use std::net::SocketAddr;
use std::time::Instant;

use rtc::peer_connection::message::RTCMessage;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::sansio::Protocol as _;
use webrtc::data_channel::RTCDataChannelId;
use webrtc::peer_connection::{RTCDataChannelEvent, RTCPeerConnectionEvent, RTCPeerConnectionState, RTCTrackEvent};

use super::{Event, Kind, Peer, Transmit, handshake};
use crate::model::call::StateKind;

/// How often one input is followed up; each round settles one more layer, and there are eight.
const MOST_ROUNDS: usize = 32;

impl Peer {
    /// Follows an input up until all is quiet; in this order, so that nothing waits for a timer and nothing leaves too early:
    /// a `ClientHello` goes out at once, but behind the answer to the check that allowed it.
    pub(super) fn follow_up(&mut self, now: Instant) {
        for _ in 0..MOST_ROUNDS {
            let mut was_busy = self.take_writes(now);
            let is_due = self.connection.poll_timeout().is_some_and(|due| due <= now);
            if self.take_events(now) || (is_due && self.handled_at < now) {
                self.handled_at = now;
                _ = self.connection.handle_timeout(now);
                self.take_writes(now);
                was_busy = true;
            }
            was_busy |= self.take_reads(now);
            if !was_busy {
                break;
            }
        }
    }

    fn take_writes(&mut self, now: Instant) -> bool {
        let mut was_busy = false;
        while let Some(write) = self.connection.poll_write() {
            was_busy = true;
            let way = (write.transport.local_addr, write.transport.peer_addr);
            self.handshake.pass(&write.message, handshake::Way::Out);
            if self.checks.sending(way, &write.message, now) {
                self.transmits.push_back(Transmit { from: way.0, to: way.1, bytes: write.message.to_vec() });
            }
        }
        was_busy
    }

    /// Whether the state of ICE changed.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the core's enums are open, and what is added tells nothing that is known of"
    )]
    fn take_events(&mut self, now: Instant) -> bool {
        let mut is_changed = false;
        while let Some(event) = self.connection.poll_event() {
            match event {
                RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => {
                    is_changed = true;
                    self.change(StateKind::IceConnection, &state.to_string(), now);
                }
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => self.take_connection_state(state, now),
                RTCPeerConnectionEvent::OnIceGatheringStateChangeEvent(state) => {
                    self.change(StateKind::IceGathering, &state.to_string(), now);
                }
                RTCPeerConnectionEvent::OnSignalingStateChangeEvent(state) => {
                    self.change(StateKind::Signaling, &state.to_string(), now);
                }
                RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(opened)) => {
                    let kind = self.connection.rtp_receiver(opened.receiver_id).map(|receiver| receiver.track().kind());
                    let kind = if kind == Some(RtpCodecKind::Audio) { Kind::Audio } else { Kind::Video };
                    self.tracks.insert(opened.track_id, kind);
                    self.events.push_back(Event::Track(kind));
                }
                RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) => {
                    self.channel = Some(id);
                    self.echo.open(now);
                    self.events.push_back(Event::ChannelOpen);
                    self.send_echo(now);
                }
                RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnClose(id)) if self.channel == Some(id) => {
                    self.echo.close();
                    self.events.push_back(Event::ChannelClosed);
                }
                _ => {}
            }
        }
        is_changed
    }

    fn take_connection_state(&mut self, state: RTCPeerConnectionState, now: Instant) {
        self.change(StateKind::Connection, &state.to_string(), now);
        if state == RTCPeerConnectionState::Connected {
            self.handshake.connected(now);
            if !self.is_sending {
                self.is_sending = true;
                self.payload_types = self.senders.map(|sender| {
                    let mut sender = self.connection.rtp_sender(sender)?;
                    Some(sender.get_parameters().rtp_parameters.codecs.first()?.payload_type)
                });
                self.streams.iter_mut().for_each(|stream| stream.begin(now));
                self.send_media(now);
            }
        }
        if state == RTCPeerConnectionState::Failed {
            self.is_sending = false;
            let ice = self.states.iter().rev().find(|change| change.kind == StateKind::IceConnection);
            if ice.is_some_and(|change| matches!(change.state.as_str(), "connected" | "completed")) {
                self.handshake.failed();
            }
        }
    }

    fn take_reads(&mut self, now: Instant) -> bool {
        let mut was_busy = false;
        while let Some(read) = self.connection.poll_read() {
            was_busy = true;
            match read.message {
                RTCMessage::RtpPacket(track, packet) => {
                    let Some(kind) = self.tracks.get(&track) else { continue };
                    let header = &packet.header;
                    self.receptions[*kind as usize].take(header.sequence_number, header.timestamp, read.now);
                }
                RTCMessage::DataChannelMessage(id, message) => {
                    if let Some(back) = self.echo.take(&message.data, read.now) {
                        self.send_back(id, message.is_string, &back, now);
                    }
                }
                // Reports of the other side are for its own eyes; what it sent was counted here.
                RTCMessage::RtcpPacket(..) => {}
                _ => {}
            }
        }
        was_busy
    }

    pub(super) fn send_media(&mut self, now: Instant) {
        if !self.is_sending {
            return;
        }
        let kinds = self.streams.iter_mut().zip(self.senders).zip(self.payload_types);
        for ((stream, sender), payload_type) in kinds {
            let (Some(payload_type), Some(mut sender)) = (payload_type, self.connection.rtp_sender(sender)) else { continue };
            while let Some(packet) = stream.packet(payload_type, now) {
                // A packet that the core can't send is one that the other side misses, and counted there.
                _ = sender.write_rtp(now, packet);
            }
        }
    }

    pub(super) fn send_echo(&mut self, now: Instant) {
        let Some(message) = self.echo.message(now) else { return };
        let Some(mut channel) = self.channel.and_then(|id| self.connection.data_channel(id)) else { return };
        // A message that can't be sent has no round trip.
        _ = channel.send_text(now, message);
    }

    fn send_back(&mut self, id: RTCDataChannelId, is_text: bool, message: &[u8], now: Instant) {
        let Some(mut channel) = self.connection.data_channel(id) else { return };
        // The same as above: the other side misses it.
        _ = if is_text { channel.send_text(now, String::from_utf8_lossy(message)) } else { channel.send(now, message.into()) };
    }

    /// The core tells nobody which pair it selected; nothing but a check changes it.
    pub(super) fn watch_selection(&mut self) {
        let transport = self.connection.rtp_sender(self.senders[0]).and_then(|sender| {
            let pair = sender.transport()?.ice_transport().get_selected_candidate_pair()?;
            let own = pair.local();
            let own = own.address.parse().ok().map(|ip| SocketAddr::new(ip, own.port))?;
            let base = self.gathered.iter().find(|(gathered, _)| gathered.address() == own)?.0.base();
            let remote = pair.remote();
            Some((base, SocketAddr::new(remote.address.parse().ok()?, remote.port)))
        });
        if let Some(way) = transport.filter(|way| self.selected != Some(*way)) {
            self.selected = Some(way);
            self.events.push_back(Event::Selected { from: way.0, to: way.1 });
        }
    }
}
