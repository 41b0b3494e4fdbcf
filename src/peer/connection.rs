//! The core's peer connection as callcheck sets it up: codecs, tracks, a data channel, and timers that suit a diagnosis.

use std::time::{Duration, Instant};

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::shared::error::Error;
use webrtc::media_stream::MediaStreamTrack;
use webrtc::peer_connection::{
    MediaEngine, RTCConfigurationBuilder, RTCPeerConnection, Registry, SettingEngine, SettingEngineBuilder,
    configure_rtcp_reports,
};
use webrtc::rtp_transceiver::RTCRtpSenderId;

use super::media::Kind;

/// From one check of a pair to the next; the core asks all pairs at once, and [`super::checks`] thins out those that don't answer.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Checks until the core gives a pair up: as many as there are before it gives the whole connection up, after 30 s.
const MOST_CHECKS: u16 = 1600;

/// The label of the data channel.
pub(super) const CHANNEL: &str = "callcheck";

/// The name that ties both tracks together for the other side.
const STREAM_ID: &str = "callcheck";

/// A peer connection with a track of each kind.
pub(super) fn open(ssrcs: [u32; 2], now: Instant) -> Result<(RTCPeerConnection, [RTCRtpSenderId; 2]), Error> {
    let mut media_engine = MediaEngine::default();
    for kind in Kind::ALL {
        media_engine.register_codec(codec(kind), codec_kind(kind))?;
    }
    // Reports alone: retransmissions would hide the loss that is to be counted.
    let registry = configure_rtcp_reports(Registry::new());
    let mut connection = RTCPeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_media_engine(media_engine)
        .with_setting_engine(settings())
        .with_interceptor_registry(registry)
        .build(now)?;
    let [audio, video] = Kind::ALL;
    let senders = [connection.add_track(track(audio, ssrcs[0]))?, connection.add_track(track(video, ssrcs[1]))?];
    Ok((connection, senders))
}

/// No waits before a pair is accepted, no multicast; the times until disconnected and failed stay the core's, which are browsers'.
fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(MOST_CHECKS))
        .with_host_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_relay_acceptance_min_wait(Some(Duration::ZERO))
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .build()
}

fn track(kind: Kind, ssrc: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..RTCRtpCodingParameters::default() },
        codec: codec(kind).rtp_codec,
        active: true,
        ..RTCRtpEncodingParameters::default()
    };
    let name = match kind {
        Kind::Audio => "audio",
        Kind::Video => "video",
    };
    MediaStreamTrack::new(STREAM_ID.to_owned(), name.to_owned(), name.to_owned(), codec_kind(kind), vec![coding])
}

fn codec_kind(kind: Kind) -> RtpCodecKind {
    match kind {
        Kind::Audio => RtpCodecKind::Audio,
        Kind::Video => RtpCodecKind::Video,
    }
}

/// The numbers that browsers give them; an answer takes the offer's.
fn codec(kind: Kind) -> RTCRtpCodecParameters {
    let (mime_type, channels, sdp_fmtp_line, payload_type) = match kind {
        Kind::Audio => ("audio/opus", 2, "minptime=10;useinbandfec=1", 111),
        Kind::Video => ("video/VP8", 0, "", 96),
    };
    let rtp_codec = RTCRtpCodec {
        mime_type: mime_type.to_owned(),
        clock_rate: kind.clock(),
        channels,
        sdp_fmtp_line: sdp_fmtp_line.to_owned(),
        rtcp_feedback: Vec::new(),
    };
    RTCRtpCodecParameters { rtp_codec, payload_type }
}
