# STUN, the user's NAT, and how well packets pass.
#
# New arguments:
#   $listed  the server as the user named it, for commands: a bare name, or an address with an IPv6 one in brackets; never "name (address)"
# Until it is given, the texts fall back on $host.
#
# For mtu-blackhole, $known-size is yes if this host knows the limit, so that larger packets leave it in fragments; no if it does not; none if no sizes
# were tried, and then $size is a size that is lost.

reply-from-other-address = the server answers from another address
    .summary = { $other ->
        [none] { $host } does not answer over UDP; its answers may come from another address.
       *[other] { $host } answers from a different address ({ $other }) than it was asked at.
    }
    .impact = Users get no relay over UDP from this server, because browsers and NATs drop such answers.
    .meaning = The server has several addresses, and its answers leave from a different one than was asked. Browsers and NATs drop such answers.
    .proof = An answer to callcheck's own request (the transaction id matches) comes from another address or port.
    .look-alikes = turn-udp-closed: behind a NAT the wrong answer is dropped before it can be seen, so both look the same.
    .remedy = Bind the server to the address that clients use.

reply-from-other-address-fix-server = { $software ->
        [coturn] In turnserver.conf, set listening-ip to the address that clients use (behind a 1:1 NAT: its private one), then run systemctl restart coturn.
       *[other] Bind the TURN server to the address that clients use, not to all addresses; this shows which it has.
    }
    .command = { $software ->
        [coturn] listening-ip={ $server }
       *[other] ss -lunp
    }

flow-not-kept = something in front of the server doesn't keep flows
    .summary = Something in front of { $host } gives each UDP datagram of a client another source port, and TURN needs one flow.
    .impact = Over UDP clients get no relay, or lose it at once; users whose lists have TCP or TLS call over those.
    .meaning = A TURN server tells its clients by their address and port. A proxy or load balancer for UDP in front of this one hands on the datagrams of one client from ever new ports, so that the server finds neither the login nor the allocation of a moment ago.
    .proof = One socket of this host was seen by the server at two ports. No NAT does that on the way to one server.
    .look-alikes = nonce-loop: there the server sees one port, and calls every nonce stale. nat-symmetric: there the port differs from server to server only.
    .remedy = Let clients reach the TURN server itself over UDP, or have the proxy keep flows.

flow-not-kept-fix-server = Hand UDP on without a proxy. In nginx, remove proxy_responses from the stream's server block, and let proxy_timeout be ten minutes.
    .command = grep -rnE 'proxy_responses|proxy_timeout|listen .*udp' /etc/nginx

flow-not-kept-fix-application = Until then, list the server over TCP.
    .command = turn:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:{ $port ->
        [none] 3478
       *[other] { $port }
    }?transport=tcp

turn-disabled = the server offers STUN, but no TURN
    .summary = { $host } answers STUN (Binding), but not TURN (Allocate).
    .impact = Users get no relay from this server; they learn only their public address.
    .meaning = The server answers STUN requests and ignores TURN requests, as coturn does with the setting stun-only.
    .proof = A Binding request is answered; an Allocate request over the same transport is not.
    .look-alikes = packet-loss: that all of several Allocate requests get lost by chance is rare. wrong-host: somebody else's plain STUN server looks the same.
    .remedy = Turn TURN on (coturn: remove stun-only), or list a server that offers it.

turn-disabled-fix-server = { $software ->
        [coturn] Remove stun-only from turnserver.conf, then run systemctl restart coturn.
       *[other] Turn on TURN in the server's settings.
    }
    .command = { $software ->
        [coturn] sed -i 's/^stun-only$/#stun-only/' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

turn-disabled-fix-application = If this server is meant only for STUN, list it as stun: and add a TURN server.

mapped-address-private = the server sees a wrong address for its clients
    .summary = { $host } sees this client as { $mapped }, not at its public address.
    .impact = Browsers learn a wrong public address, so direct calls fail, and the relay may refuse the other side's packets.
    .meaning = Something in front of the TURN server replaces the clients' addresses with its own: a load balancer, Docker's proxy or a Kubernetes service.
    .proof = The address that the server reports for this client (XOR-MAPPED-ADDRESS) is private and not this host's own, or it is the server's, although the server was reached at a public address.
    .look-alikes = A client inside the server's own network whose packets go through the router and back (hairpin).
    .remedy = Run the TURN server on the host's own network, or have the balancer keep the clients' addresses.

mapped-address-private-fix-server = In a container, run the TURN server on the host's own network (in Kubernetes: hostNetwork: true).
    .command = docker run --network=host <image>

mapped-address-private-fix-server-2 = Behind a load balancer, keep the clients' addresses: turn on source address preservation; in a Kubernetes service set this.
    .command = externalTrafficPolicy: Local

stun-rewritten = a device on the path alters STUN
    .summary = { $other ->
        [none] A device on the path alters STUN answers: their checksum does not fit.
       *[other] A device on the path alters STUN answers: they name both { $mapped } and { $other }.
    }
    .impact = Browsers learn a wrong public address, and drop signed messages that were altered; calls through TURN may fail.
    .meaning = A router with an application gateway (ALG) finds addresses inside packets and replaces them, STUN's included.
    .proof = One answer holds two different addresses for this client (MAPPED-ADDRESS and XOR-MAPPED-ADDRESS), or its checksum (FINGERPRINT) does not fit.
    .look-alikes = A faulty server that fills in the two addresses differently: then it does so from every network.
    .remedy = Turn off the SIP ALG, or "NAT helper", in the router.

stun-rewritten-fix-network = Turn off the SIP ALG (also called NAT helper or VoIP helper) in this network's router.

packet-loss = the path to the server loses packets
    .summary = { $manner ->
        [streams] The path to { $host } loses packets: TCP answers come late, and a connection stalled.
       *[other] The path to { $host } loses packets: { $percent } % of { $sent } requests got no answer.
    }
    .impact = Calls connect slowly, and sound and picture break up.
    .meaning = Packets are lost between this host and the server: on Wi-Fi, on a full line, or at an overloaded host.
    .proof = Round-trip loss is above 3 %, with 99.99 % confidence, over 20 to 360 evenly spaced requests. It does not count if only fast requests are lost: then something limits their rate. Over TCP and TLS: many answers come late by a retransmission, and the stream stalls.
    .look-alikes = relay-lossy: there the path to the server is clean, and only relayed packets are lost.
    .remedy = Find the link that loses packets: try a cable instead of Wi-Fi, another network, and the server's load.

packet-loss-fix-network = Find the link that loses packets: try a cable instead of Wi-Fi, then another network. This shows the loss at each router.
    .command = mtr --udp --report { $server ->
        [none] { $listed ->
            [none] { $host }
           *[other] { $listed }
        }
       *[other] { $server }
    }

mtu-blackhole = large packets never arrive
    .summary = { $manner ->
        [stalls] Large packets to { $host } are lost: a connection stalls at its first full packet.
        [dtls] Large packets between the two sides are lost: the DTLS handshake starts and does not complete.
        [inward] Large packets from outside don't reach the relay of { $host }; small ones do, and out of it all sizes pass.
       *[size] { $known-size ->
            [yes] Packets above { $size } bytes to { $host } are lost: a firewall drops their fragments.
            [no] Packets above { $size } bytes to { $host } are lost, and no router reports it.
           *[other] Large packets to { $host } are lost; small ones arrive.
        }
    }
    .impact = Calls connect, but the encryption handshake (DTLS) or the video never gets through.
    .meaning = A link on the path carries only smaller packets, and the message that should say so (ICMP "fragmentation needed") is filtered, or the fragments of larger packets are dropped.
    .proof = Small requests are answered, while large packets are always lost. Requests of many sizes then show the largest that passes; the cause is certain if this limit is seen.
    .look-alikes = stream-cut: there some large packets pass before the connection stalls.
    .remedy = Let ICMP "fragmentation needed" and fragments through, or lower the MTU.

mtu-blackhole-fix-server = { $manner ->
        [inward] See whether a rule at the server drops large UDP packets or fragments, and compare the MTU of its interfaces with that of its provider's network.
       *[other] {""}
    }
    .command = { $manner ->
        [inward] nft list ruleset | grep -nE 'length|frag'; ip link show
       *[other] {""}
    }

mtu-blackhole-fix-network = { $known-size ->
        [yes] Have the firewalls on the path let UDP fragments through.
       *[other] Have the firewalls on the path let ICMP "fragmentation needed" (ICMPv6 "packet too big") through.
    }

mtu-blackhole-fix-client = If that is not possible, lower the MTU of the tunnel, or of this host, to what passes.
    .command = ip link set dev <interface> mtu { $manner ->
        [size] { $known-size ->
            [yes] { $size }
            [no] { $size }
           *[other] 1200
        }
       *[other] 1280
    }

stun-silent = the server does not answer STUN
    .summary = { $host } answers TURN (Allocate), but not STUN (Binding).
    .impact = If this is the only stun: server in the list, browsers learn no public address from it, and more calls need the relay.
    .meaning = The server answers TURN requests and ignores plain STUN requests, as coturn does with the setting no-stun.
    .proof = An Allocate request is answered; a Binding request over the same transport is not.
    .look-alikes = turn-disabled: there it is the other way round.
    .remedy = Turn STUN on (coturn: remove no-stun), or list another STUN server.

stun-silent-fix-server = { $software ->
        [coturn] Remove no-stun from turnserver.conf, then run systemctl restart coturn.
       *[other] Have the server answer Binding requests.
    }
    .command = { $software ->
        [coturn] sed -i 's/^no-stun$/#no-stun/' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

stun-silent-fix-application = List another STUN server beside this one.

stun-refused = the server refuses STUN
    .summary = { $host } refuses STUN requests (error { $code }), so nobody learns a public address from it.
    .impact = If this is the only stun: server in the list, browsers learn no public address from it, and more calls need the relay.
    .meaning = The server answers each Binding request with an error. Clients send these without a login; coturn refuses them with the setting secure-stun.
    .proof = A Binding request is answered with an error.
    .look-alikes = stun-silent: there nothing comes back.
    .remedy = Have the server answer Binding requests without a login (coturn: remove secure-stun), or list another STUN server.

stun-refused-fix-server = { $software ->
        [coturn] Remove secure-stun from turnserver.conf, then run systemctl restart coturn.
       *[other] Have the server answer Binding requests without a login.
    }
    .command = { $software ->
        [coturn] sed -i 's/^secure-stun$/#secure-stun/' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

stun-refused-fix-application = List another STUN server beside this one.

nat-symmetric = this network's NAT is symmetric
    .summary = The NAT of this network is symmetric: it uses a different public port for each destination.
    .impact = Direct calls connect only with some peers; with peers behind a strict NAT, calls need a relay.
    .meaning = The NAT gives one socket a different public port for each destination ("symmetric"; RFC 4787: address-dependent mapping), so the address that STUN reports is not the one that the other side sees.
    .proof = Two STUN servers, or two ports of one server, see the same socket at different public ports. Only callcheck stun reports this: with a working relay it is no fault.
    .look-alikes = A server inside this network, or one whose own side replaces addresses, also sees another port; such servers are not compared.
    .remedy = Offer a working TURN server. Some routers have a setting for it ("full cone", "endpoint-independent NAT").

nat-symmetric-fix-application = Make sure that the application offers a working TURN server.
    .command = callcheck turn <TURN server>

nat-symmetric-fix-network = If the router is yours, turn on endpoint-independent NAT ("full cone", "EIM-NAT").

nat-short-binding = this network's NAT forgets UDP mappings early
    .summary = The NAT of this network forgets a UDP mapping after less than { $seconds } s without packets.
    .impact = Calls that are silent for a moment lose their path, and candidates gathered before a slow answer no longer work.
    .meaning = The NAT forgets a UDP mapping after less than 30 s without packets; RFC 4787 asks for at least two minutes.
    .proof = callcheck stun --lifetime: after less than 30 s of silence a mapping lets nothing in any more or has changed its port, while a mapping that was kept busy still works.
    .look-alikes = A line that loses packets: therefore each mapping is asked several times.
    .remedy = Raise the UDP timeout of the router.

nat-short-binding-fix-network = Raise the router's UDP timeout to two minutes; on a Linux router with this command.
    .command = sysctl -w net.netfilter.nf_conntrack_udp_timeout=120

nat-no-hairpin = this network's NAT does not hairpin
    .summary = The NAT of this network does not hairpin: hosts behind it can't reach each other's public addresses.
    .impact = Two callers behind this NAT need a relay, unless they reach each other at their local addresses, as at home.
    .meaning = A packet from behind the NAT to the NAT's own public address does not come back in (RFC 4787, section 6).
    .proof = A second socket on this host sends to the public address of the first, and nothing arrives, although both sockets have sent before.
    .look-alikes = nat-symmetric: there the public port to send to is not known, so hairpinning is not tested.
    .remedy = Offer a working TURN server. Some routers have a setting for it ("NAT loopback", "hairpin").

nat-no-hairpin-fix-application = Make sure that the application offers a working TURN server.
    .command = callcheck turn <TURN server>

cgnat = this network is behind carrier-grade NAT
    .summary = { $manner ->
        [several] This network uses different public addresses for UDP ({ $mapped }) and TCP ({ $other }).
        [shared] This host has a carrier-grade NAT address, which its provider shares among customers (100.64.0.0/10).
        [router] The router { $router } on the path out has a carrier-grade NAT address (100.64.0.0/10).
       *[unknown] This network may use different public addresses for UDP and TCP.
    }
    .impact = Direct calls connect less often from this network, so more calls need the relay.
    .meaning = The provider shares its public addresses among customers (carrier-grade NAT), so connections of one customer may leave from different addresses.
    .proof = UDP and TCP reach the same server from different public addresses, or this host or a router near it has an address in 100.64.0.0/10.
    .look-alikes = A company with several uplinks, or a private network that uses 100.64.0.0/10 itself, as some clouds do: the effect on calls is the same.
    .remedy = Nothing on the server; users behind such a NAT need a working relay. Only the provider can give a public address.

cgnat-fix-application = { $manner ->
        [unknown] {""}
       *[other] Make sure that the application offers a working TURN server.
    }
    .command = callcheck turn <TURN server>

cgnat-fix-client = { $manner ->
        [unknown] Run callcheck with a STUN server that answers over UDP: it shows which address UDP leaves from.
       *[other] {""}
    }
    .command = callcheck stun <STUN server>
