//! The ways in which the lab's server can be broken on purpose; an id is that of the cause that the fault makes.

use super::named::named;

named! {
    /// A fault of the server or of what surrounds it; they stand in the order of a path from the name to the relayed data.
    Fault, "fault":

    /// Another protocol answers: HTTP on the TCP and TLS ports, nothing on UDP.
    WrongHost = "wrong-host",
    /// Nothing listens on the UDP port.
    TurnNotListeningUdp = "turn-not-listening-udp",
    /// The UDP port is dropped by a firewall.
    TurnUdpClosed = "turn-udp-closed",
    /// Nothing listens on the TCP port.
    TurnTcpClosed = "turn-tcp-closed",
    /// Nothing listens on the TLS port.
    TurnTlsClosed = "turn-tls-closed",
    /// Nothing listens on any port.
    TurnDown = "turn-down",
    /// A stream stalls after four kilobytes, without a reset.
    StreamCut = "stream-cut",
    /// Datagrams of more than 1,200 bytes never arrive.
    MtuBlackhole = "mtu-blackhole",
    /// Fifteen of a hundred datagrams between the client and the server are lost, each way.
    PacketLoss = "packet-loss",
    /// An answer comes from another port than the one that was asked.
    ReplyFromOtherAddress = "reply-from-other-address",
    /// The certificate expired two days ago.
    TlsCertificateExpired = "tls-certificate-expired",
    /// The certificate is valid from the day after tomorrow.
    TlsCertificateNotYetValid = "tls-certificate-not-yet-valid",
    /// The certificate is made out to another name.
    TlsNameMismatch = "tls-name-mismatch",
    /// The certificate is sent without its intermediate.
    TlsChainIncomplete = "tls-chain-incomplete",
    /// The certificate is self-signed.
    TlsUntrustedIssuer = "tls-untrusted-issuer",
    /// The server speaks TLS 1.0 alone.
    TlsProtocolTooOld = "tls-protocol-too-old",
    /// The server ends the handshake with an alert.
    TlsHandshakeFailed = "tls-handshake-failed",
    /// After the handshake comes HTTP.
    TlsNotTurn = "tls-not-turn",
    /// The certificate expires in five days.
    TlsCertificateExpiresSoon = "tls-certificate-expires-soon",
    /// Binding is not answered (`no-stun`).
    StunSilent = "stun-silent",
    /// Only Binding is answered (`stun-only`).
    TurnDisabled = "turn-disabled",
    /// The server sees private addresses as its clients': something before it rewrites sources.
    MappedAddressPrivate = "mapped-address-private",
    /// MAPPED-ADDRESS is rewritten on the way, XOR-MAPPED-ADDRESS is not.
    StunRewritten = "stun-rewritten",
    /// No credentials are accepted.
    CredentialsRejected = "credentials-rejected",
    /// The credentials that are given out expired an hour ago.
    CredentialsExpired = "credentials-expired",
    /// The server's clock is two hours ahead of the one that the credentials are made by.
    ClockSkew = "clock-skew",
    /// The credentials that are given out have a stamp in milliseconds.
    CredentialsMalformed = "credentials-malformed",
    /// The challenge has no realm.
    RealmMissing = "realm-missing",
    /// The server works in another realm than its challenge says.
    RealmMismatch = "realm-mismatch",
    /// Every nonce is stale at once.
    NonceLoop = "nonce-loop",
    /// Anyone gets an allocation.
    TurnOpenRelay = "turn-open-relay",
    /// A right Allocate is answered with 500.
    AllocationRefused = "allocation-refused",
    /// Allocations are granted without LIFETIME.
    AllocationRefusedByBrowsers = "allocation-refused-by-browsers",
    /// No user may have another allocation.
    QuotaReached = "quota-reached",
    /// No relay port is free.
    RelayPortsExhausted = "relay-ports-exhausted",
    /// The server sends its clients to another one, which works.
    Redirected = "redirected",
    /// Two servers send a client back and forth.
    RedirectLoop = "redirect-loop",
    /// The server sends its clients to one that is down.
    RedirectDead = "redirect-dead",
    /// No relay address of the family that is asked for.
    AddressFamilyRefused = "address-family-refused",
    /// No relaying over UDP (`no-udp-relay`).
    RelayTransportRefused = "relay-transport-refused",
    /// The server is about to stop and takes no new allocation.
    ServerDraining = "server-draining",
    /// The server refuses its own relay addresses as peers.
    OwnAddressDenied = "own-address-denied",
    /// The server refuses every peer but its own relay addresses.
    PeerDenied = "peer-denied",
    /// Channels are refused, permissions are not.
    ChannelRefused = "channel-refused",
    /// Channels are granted, and what clients send over them is dropped.
    ChannelDataDropped = "channel-data-dropped",
    /// Over TCP and TLS the padding of what comes over a channel is relayed with the data.
    ChannelDataAltered = "channel-data-altered",
    /// A firewall drops whatever comes to the relay ports.
    RelayPortsClosed = "relay-ports-closed",
    /// A firewall drops what comes to four eighths of the relay ports, every second one.
    RelayPortsPartlyClosed = "relay-ports-partly-closed",
    /// A firewall lets the lower half of the relay ports through.
    RelayRangeMismatch = "relay-range-mismatch",
    /// A firewall lets through to the relay ports only what answers.
    RelayPortsStatefulOnly = "relay-ports-stateful-only",
    /// The server behind a 1:1 NAT tells its private address (`external-ip` is not set).
    ExternalIpMissing = "external-ip-missing",
    /// The server tells a neighbour's address (`external-ip` is wrong).
    ExternalIpMismatch = "external-ip-mismatch",
    /// A firewall drops what the relay ports send.
    RelayEgressBlocked = "relay-egress-blocked",
    /// Fifteen of a hundred relayed datagrams are lost, each way.
    RelayLossy = "relay-lossy",
    /// All allocations share one relay port.
    RelayMultiplexed = "relay-multiplexed",
}

impl Fault {
    /// Whether the fault can be made on loopback.
    ///
    /// The others need a server with a public address, or a second clock: the simulated network has them.
    #[must_use]
    pub fn on_loopback(self) -> bool {
        let needs_more = matches!(self, Self::MappedAddressPrivate | Self::ExternalIpMissing | Self::ClockSkew);
        // Elsewhere than on Linux 127.0.0.1 is the only address of the loopback interface.
        let needs_second_address = matches!(self, Self::OwnAddressDenied | Self::PeerDenied | Self::ExternalIpMismatch);
        !needs_more && (cfg!(target_os = "linux") || !needs_second_address)
    }

    /// Whether the fault is in the credentials that are given out and not in the server.
    #[must_use]
    pub fn in_credentials(self) -> bool {
        matches!(self, Self::CredentialsExpired | Self::CredentialsMalformed | Self::ClockSkew)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_id() {
        for fault in Fault::ALL {
            assert_eq!(fault.id().parse(), Ok(*fault));
            assert!(fault.summary().ends_with('.'), "{fault}: {}", fault.summary());
        }
        assert!("no-such-thing".parse::<Fault>().is_err());
    }
}
