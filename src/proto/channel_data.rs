//! `ChannelData` messages (RFC 8656 §12.4).

/// The header's length in bytes: channel number and length of the data.
pub const HEADER_LENGTH: usize = 4;

/// A `ChannelData` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// The channel.
    pub channel: u16,
    /// The application's data.
    pub payload: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Reads a message; `None` where it isn't one or is cut off. Padding after it is allowed.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_LENGTH)?;
        let channel = u16::from_be_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let payload = bytes.get(HEADER_LENGTH..HEADER_LENGTH + length)?;
        (0x4000..0x5000).contains(&channel).then_some(Self { channel, payload })
    }

    /// The bytes of the message; on a stream they are padded to a multiple of four.
    #[must_use]
    pub fn encode(&self, on_stream: bool) -> Option<Vec<u8>> {
        let length = u16::try_from(self.payload.len()).ok()?;
        let mut bytes = Vec::with_capacity(HEADER_LENGTH + self.payload.len() + 3);
        bytes.extend(self.channel.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(self.payload);
        if on_stream {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_data_is_padded_on_streams_alone() {
        let message = ChannelData { channel: 0x4001, payload: b"north" };
        assert_eq!(message.encode(false).expect("short").len(), 9);
        let padded = message.encode(true).expect("short");
        assert_eq!(padded.len(), 12);
        assert_eq!(ChannelData::read(&padded), Some(message));
        assert_eq!(ChannelData::read(&padded[..6]), None);
    }
}
