//! The audio and video that are sent: real codecs' frames at a real pace, made on the spot, so that a browser plays them.

use std::time::{Duration, Instant};

use rtc::rtp::{Header, Packet};

/// The kinds of media of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Opus.
    Audio,
    /// VP8.
    Video,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Audio, Self::Video];

    /// The clock of its timestamps in ticks a second (RFC 7587 §4.1, RFC 7741 §4.1).
    #[must_use]
    pub fn clock(self) -> u32 {
        match self {
            Self::Audio => 48_000,
            Self::Video => 90_000,
        }
    }

    /// From one packet to the next: a frame of 20 ms, and 25 pictures a second.
    fn interval(self) -> Duration {
        match self {
            Self::Audio => Duration::from_millis(20),
            Self::Video => Duration::from_millis(40),
        }
    }

    fn ticks(self) -> u32 {
        match self {
            Self::Audio => 960,
            Self::Video => 3600,
        }
    }

    /// A frame that a decoder plays: silence, and a grey picture.
    fn frame(self, number: u32) -> Vec<u8> {
        match self {
            Self::Audio => silence(),
            Self::Video => picture(number),
        }
    }
}

/// A stereo frame of 20 ms is some 80 bytes in a call of good quality.
const SILENCE_PADDING: u8 = 80;

/// A frame of 20 ms of silence (RFC 6716 §3.1: configuration 31, mono), padded to the size that speech has (§3.2.5).
fn silence() -> Vec<u8> {
    let mut frame = vec![0xFB, 0x41, SILENCE_PADDING, 0xFF, 0xFE];
    frame.extend(std::iter::repeat_n(0, usize::from(SILENCE_PADDING)));
    frame
}

/// A key frame of 128 × 128 grey, textured so that it fills a packet as a picture of a camera does, and a frame that changes
/// nothing in it; it doesn't matter which frame came before, so one serves for all.
///
/// Both are of libvpx 1.12: `vpxenc --codec=vp8 --error-resilient=1 --end-usage=q --cq-level=29 --min-q=29` over four equal pictures
/// of noise of ±14 around steps of 2 from 64 on, the first frame and the last.
const KEY_FRAME: &[u8] = include_bytes!("media/key.vp8");
const UNCHANGED: &[u8] = include_bytes!("media/inter.vp8");

/// How many pictures there are to one key frame: one in a second, so that nobody has to ask for it.
const KEY_FRAME_DISTANCE: u32 = 25;

/// The payload descriptor of a whole frame in one packet: S is set, the partition is 0 (RFC 7741 §4.2).
const WHOLE_FRAME: u8 = 0x10;

fn picture(number: u32) -> Vec<u8> {
    let frame = if number.is_multiple_of(KEY_FRAME_DISTANCE) { KEY_FRAME } else { UNCHANGED };
    [&[WHOLE_FRAME], frame].concat()
}

/// A stream that falls behind by more than this doesn't catch up: a burst would be no call.
const LONGEST_LAG: Duration = Duration::from_millis(200);

/// One kind of media on its way out.
#[derive(Debug)]
pub(super) struct Stream {
    kind: Kind,
    pub ssrc: u32,
    sequence: u16,
    timestamp: u32,
    next: Instant,
    pub sent: u32,
}

impl Stream {
    /// A stream that begins now.
    pub fn new(kind: Kind, ssrc: u32, now: Instant) -> Self {
        Self { kind, ssrc, sequence: 1, timestamp: ssrc, next: now, sent: 0 }
    }

    /// Begins again now.
    pub fn begin(&mut self, now: Instant) {
        self.next = now;
    }

    /// When the next packet is due.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// The next packet, where it is due.
    pub fn packet(&mut self, payload_type: u8, now: Instant) -> Option<Packet> {
        if now < self.next {
            return None;
        }
        if now > self.next + LONGEST_LAG {
            self.next = now;
        }
        self.next += self.kind.interval();
        let header = Header {
            version: 2,
            marker: self.kind == Kind::Video,
            payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        let payload = self.kind.frame(self.sent).into();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.kind.ticks());
        self.sent += 1;
        Some(Packet { header, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_paced_and_does_not_catch_up_in_a_burst() {
        let start = Instant::now();
        let mut audio = Stream::new(Kind::Audio, 7, start);
        let mut packets = |at: Duration| std::iter::from_fn(|| audio.packet(111, start + at)).count();
        assert_eq!(packets(Duration::ZERO), 1);
        assert_eq!(packets(Duration::from_millis(19)), 0);
        assert_eq!(packets(Duration::from_millis(100)), 5);
        assert_eq!(packets(Duration::from_mins(1)), 1);
    }

    #[test]
    fn every_second_of_video_begins_with_a_key_frame_that_fits_a_packet() {
        // RFC 6386 §9.1: the lowest bit is 0 in a key frame, which goes on with a start code and the size of the picture.
        let is_key = |number| picture(number)[1] & 1 == 0;
        assert!(is_key(0) && !is_key(1) && !is_key(24) && is_key(25));
        assert_eq!(picture(0)[4..11], [0x9D, 0x01, 0x2A, 128, 0, 128, 0]);
        assert!((1000..1180).contains(&picture(0).len()));
    }
}
