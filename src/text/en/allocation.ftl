# TURN allocation.
#
# $count is, for allocations-too-few, the number of allocations that were granted at one time; $code the error that refuses the next.

redirect-loop = the server redirects in a circle
    .summary = { $target ->
        [none] { $host } redirects clients from server to server in a circle.
       *[other] { $host } redirects clients from server to server in a circle, last to { $target }.
    }
    .impact = Clients get no relay from this server; calls that need it fail.
    .meaning = The server answers the request for a relay with 300 and names another server. That one redirects as well, and so on, until the chain returns to a server that it has already passed or gets too long.
    .proof = The server named in a redirect had redirected before, or five redirects follow one another.
    .look-alikes = redirected: there the chain ends at a server that answers.
    .remedy = Remove the redirect from the servers that do the work.

redirect-loop-fix-server = { $software ->
        [coturn] Remove alternate-server and tls-alternate-server from turnserver.conf on the servers that do the work, and restart coturn.
       *[other] Remove the redirect from the servers that do the work.
    }
    .command = { $software ->
        [coturn] sed -i '/^\(tls-\)\?alternate-server/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

redirect-dead = the server redirects to a dead one
    .summary = { $target ->
        [none] { $host } redirects clients (300) without saying where to.
       *[other] { $host } redirects clients to { $target }, where nothing answers.
    }
    .impact = Clients get no relay from this server; calls that need it fail.
    .meaning = The server answers the request for a relay with 300 and names another server that is down or unreachable, or names none at all.
    .proof = The answer to the request for a relay is 300, and nothing answers at the address that it names.
    .look-alikes = turn-down: there the listed server itself does not answer.
    .remedy = Repair the named server, or remove the redirect.

redirect-dead-fix-server = { $target ->
        [none] {""}
       *[other] If { $target } should do the work, start the TURN server there and open its ports.
    }

redirect-dead-fix-server-2 = { $software ->
        [coturn] If this server should do the work, remove alternate-server and tls-alternate-server from turnserver.conf, and restart coturn.
       *[other] If this server should do the work, remove the redirect from its settings.
    }
    .command = { $software ->
        [coturn] sed -i '/^\(tls-\)\?alternate-server/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

redirected = the server redirects to another
    .summary = { $target ->
        [none] { $host } redirects clients to another server.
       *[other] { $host } redirects clients to { $target }.
    }
    .impact = Calls take a little longer to connect; clients that don't follow redirects get no relay.
    .meaning = The server answers the request for a relay with 300 and names another server, as a load balancer does.
    .proof = The answer to the request for a relay is 300, and the named server answers.
    .look-alikes = redirect-dead and redirect-loop: there the redirect leads nowhere.
    .remedy = If the redirect is intended, keep every named server reachable; if not, remove it.

redirected-fix-application = { $target ->
        [none] If the redirect is not needed to share the load, list the named server in iceServers.
       *[other] If the redirect is not needed to share the load, list { $target } in iceServers.
    }
    .command = { $target ->
        [none] {""}
       *[other] { $transport ->
            [TLS] turns:{ $target }?transport=tcp
            [TCP] turn:{ $target }?transport=tcp
            [DTLS] turns:{ $target }?transport=udp
           *[other] turn:{ $target }?transport=udp
        }
    }

redirected-fix-server-2 = { $software ->
        [coturn] If the redirect is not intended, remove alternate-server and tls-alternate-server from turnserver.conf, and restart coturn.
       *[other] If the redirect is not intended, remove it.
    }
    .command = { $software ->
        [coturn] sed -i '/^\(tls-\)\?alternate-server/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

server-draining = the server takes no new allocations
    .summary = { $host } takes no new allocations (error 403): it is about to stop, or its policy forbids them.
    .impact = Calls in progress go on; new calls get no relay from this server and fail if they need it.
    .meaning = The server forbids every new allocation. It waits for its last calls to end before it stops, or its policy forbids this user.
    .proof = The request for a relay gets error 403 (forbidden).
    .look-alikes = peer-denied: there the server gives a relay, and forbids only the address of the other side.
    .remedy = Send users to another server, or restart this one.

server-draining-fix-server = If the server should take calls again, restart it; if it still answers 403, look for a rule that forbids this user.
    .command = { $software ->
        [coturn] systemctl restart coturn
       *[other] {""}
    }

server-draining-fix-application = Remove the server from iceServers until it takes calls again, and list another one.

quota-reached = the allocation quota is reached
    .summary = { $host } refuses new allocations: a quota is reached (error 486).
    .impact = New calls get no relay from this server until others end; calls that need it fail.
    .meaning = The server limits how many allocations one user, or all users together, hold at a time. A browser takes one for each URL and network interface, and a client that disappears keeps its own for up to ten minutes.
    .proof = A request for a relay gets error 486, although this run holds no allocation.
    .look-alikes = allocations-too-few: there one allocation is given, and no second one. relay-ports-exhausted: there the error is 508.
    .remedy = Raise the quota per user or in total, or give each user a name of its own.

quota-reached-fix-server = { $software ->
        [coturn] Raise the quotas in turnserver.conf, and that of the bandwidth, of which each allocation takes max-bps (0 means no limit); then run systemctl restart coturn.
       *[other] Raise the number of allocations that one user, and all users together, may hold.
    }
    .command = { $software ->
        [coturn]
            user-quota=50
            total-quota=1200
            bps-capacity=0
       *[other] {""}
    }

quota-reached-fix-application = Give each user ephemeral credentials with an id of its own, so that users don't share a quota, and list only the URLs that they need.

relay-ports-exhausted = the server has no free relay port
    .summary = { $host } has no relay port to give (error 508).
    .impact = New calls get no relay from this server; calls that need it fail.
    .meaning = Each allocation takes one port of the relay range, and the server can open none: all are taken, the range is too small, or the relay address is not on the host.
    .proof = A request for a relay gets error 508, although this run holds no allocation.
    .look-alikes = quota-reached: there the error is 486. A relay address that is on no interface of the host gives the same 508, about a second after each request, however few calls there are.
    .remedy = Check that the relay address is one of the host's, and widen the relay range.

relay-ports-exhausted-fix-server = { $software ->
        [coturn] If relay-ip in turnserver.conf is no address of the host (ip -brief address shows them), remove it: coturn then relays on the host's own.
       *[other] Check that the server's relay address is an address of the host.
    }
    .command = { $software ->
        [coturn] sed -i '/^relay-ip/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] ip -brief address
    }

relay-ports-exhausted-fix-firewall = If you widen the relay range, open it in the host's firewall and in the provider's too.
    .command = ufw allow 49152:65535/udp

relay-ports-exhausted-fix-server-2 = { $software ->
        [coturn] If the address is right, widen the relay range in turnserver.conf, then run systemctl restart coturn.
       *[other] If the address is right, widen the UDP range on which the server relays: 49152-65535 is usual.
    }
    .command = { $software ->
        [coturn]
            min-port=49152
            max-port=65535
       *[other] {""}
    }

allocations-too-few = the server gives too few allocations at a time
    .summary = { $count ->
        [1] { $host } grants only one allocation at a time (error { $code }); a call needs one for each side.
        [none] { $host } grants too few allocations at a time (error { $code }); a call needs one for each side.
       *[other] { $host } grants only { $count } allocations at a time (error { $code }); a call can need more.
    }
    .impact = Calls fail if both sides need a relay with this login, or if one side takes several.
    .meaning = { $manner ->
        [ports] Each allocation takes one port of the relay range, and the server has no second one to give.
       *[quota] The server limits how many allocations one user, or all users together, hold at a time, or how much bandwidth they take together. A browser takes one for each URL and network interface, and a call has two sides.
    }
    .proof = One allocation is given, and a second one beside it gets error 486 or 508.
    .look-alikes = quota-reached and relay-ports-exhausted: there not even the first one is given.
    .remedy = Raise the quota, the bandwidth or the number of relay ports, so that both sides of a call get a relay.

allocations-too-few-fix-server = { $manner ->
        [ports] { $software ->
            [coturn] Widen the relay range in turnserver.conf, then run systemctl restart coturn.
           *[other] Widen the UDP range on which the server relays: 49152-65535 is usual.
        }
       *[quota] { $software ->
            [coturn] Raise the quotas in turnserver.conf, and that of the bandwidth, of which each allocation takes max-bps (0 means no limit); then run systemctl restart coturn.
           *[other] Raise the number of allocations that one user, and all users together, may hold.
        }
    }
    .command = { $software ->
        [coturn] { $manner ->
            [ports]
                min-port=49152
                max-port=65535
           *[quota]
                user-quota=50
                total-quota=1200
                bps-capacity=0
        }
       *[other] {""}
    }

allocations-too-few-fix-firewall = { $manner ->
        [ports] If you widen the relay range, open it in the host's firewall and in the provider's too.
       *[quota] {""}
    }
    .command = ufw allow 49152:65535/udp

turn-udp-answers-lost = the server's answers over UDP get lost
    .summary = { $manner ->
        [later] Over UDP only the first answer of { $host } to a client arrives, and no later one.
       *[allocate] { $host } answers Binding over UDP, but its answers to Allocate never arrive; over TCP they do.
    }
    .impact = Nobody gets a relay over UDP from this server; users whose lists have TCP or TLS call over those.
    .meaning = Some answers of the server arrive over UDP, and those that grant a relay do not. coturn 4.17.0 and 4.17.1 send them with a TTL of 1 on some systems; a filter that knows TURN does the same.
    .proof = Over UDP a first request from a new port is answered and a second one is not; or Bindings are answered and Allocate is not, while over TCP or TLS the same server grants.
    .look-alikes = turn-disabled: there no transport gives a relay. turn-udp-closed: there nothing at all is answered over UDP.
    .remedy = Look at the answers on the server's host; update coturn beyond 4.17.1.

turn-udp-answers-lost-fix-server = Look at the answers as they leave the host: a TTL of 1 is the fault of coturn 4.17.0 and 4.17.1.
    .command = tcpdump -vni any 'udp and src port { $port ->
        [none] 3478
       *[other] { $port }
    }' | grep -B1 'ttl 1,'

turn-udp-answers-lost-fix-server-2 = Until coturn is updated, set the TTL in the firewall.
    .command = nft add table ip turn && nft 'add chain ip turn out { "{" } type filter hook output priority 0; { "}" }' && nft add rule ip turn out udp sport { $port ->
        [none] 3478
       *[other] { $port }
    } ip ttl set 64

turn-udp-answers-lost-fix-application = List the server over TCP as well.
    .command = turn:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:{ $port ->
        [none] 3478
       *[other] { $port }
    }?transport=tcp

relay-transport-refused = the server relays no UDP
    .summary = { $host } refuses to relay UDP (error 442), which is what browsers ask for.
    .impact = Browsers get no relay from this server; calls that need it fail.
    .meaning = Every browser asks for a relayed UDP address, whether it reaches the server over UDP, TCP or TLS. This server refuses to relay UDP.
    .proof = A request for a UDP relay gets error 442 (unsupported transport protocol).
    .look-alikes = turn-udp-closed: that is about UDP between the client and the server; this is about UDP between the server and the other side.
    .remedy = Turn on relaying of UDP.

relay-transport-refused-fix-server = { $software ->
        [coturn] Remove no-udp-relay from turnserver.conf, and restart coturn.
       *[other] Turn on relaying of UDP in the server's settings.
    }
    .command = { $software ->
        [coturn] sed -i '/^no-udp-relay/d' /etc/turnserver.conf && systemctl restart coturn
       *[other] {""}
    }

address-family-refused = the server relays no address of this family
    .summary = { $code ->
        [none] { $host } has no relay address of the family that clients ask for: IPv4 by default.
       *[other] { $host } has no relay address of the family that clients ask for: IPv4 by default (error { $code }).
    }
    .impact = Clients get no relay address of the family that they ask for; calls that need one fail.
    .meaning = A client asks for a relayed address of one family, IPv4 unless it says otherwise. The server has no relay address of that family.
    .proof = A request for a relay gets error 440 (address family not supported) or 443 (peer address family mismatch).
    .look-alikes = relay-ports-exhausted: there the server has an address of the family, but no free port.
    .remedy = Give the server a relay address of each family that users have, IPv4 first.

address-family-refused-fix-server = { $software ->
        [coturn] Set one relay address of each family in turnserver.conf, then run systemctl restart coturn.
       *[other] Give the server an IPv4 relay address, and an IPv6 one if users have IPv6.
    }
    .command = { $software ->
        [coturn]
            relay-ip=IPV4-ADDRESS
            relay-ip=IPV6-ADDRESS
       *[other] {""}
    }

peer-denied = the server denies callers from this network
    .summary = { $mapped ->
        [none] { $host } refuses to relay to this caller's address.
       *[other] { $host } refuses to relay to { $mapped }, the address of this caller{ $code ->
            [none] {""}
           *[other] {" "}(error { $code })
        }.
    }
    .impact = Nobody reaches a caller in this network through the relay; such calls fail if they need it.
    .meaning = Before it carries data, a relay needs a permission for the other side's address. The server's policy forbids the address that callers in this network have.
    .proof = The server grants an allocation, and refuses a permission for every address that this host has on the internet.
    .look-alikes = own-address-denied: there the server refuses only its own address. A relay that only serves a media server (as with Jitsi, BigBlueButton or eturnal) refuses callers on purpose. A server that is asked from its own network sees a private address and is right to refuse it.
    .remedy = Remove the callers' network from the server's list of denied peers.

peer-denied-fix-server = { $mapped ->
        [none] { $software ->
            [coturn] Narrow denied-peer-ip in turnserver.conf, then run systemctl restart coturn.
           *[other] Allow the callers' network as peers in the server's settings.
        }
       *[other] { $software ->
            [coturn] Narrow denied-peer-ip in turnserver.conf, or allow the address, which counts first; then run systemctl restart coturn.
           *[other] Allow { $mapped } as a peer in the server's settings.
        }
    }
    .command = { $mapped ->
        [none] {""}
       *[other] { $software ->
            [coturn] allowed-peer-ip={ $mapped }
           *[other] {""}
        }
    }

peer-denied-fix-client = If callers are never in this network, the refusal is right: run callcheck from where they are.

peer-denied-fix-client-2 = If the relay only serves a media server, the refusal is intended: name that server's address.
    .command = callcheck turn { $listed ->
        [none] { $host }
       *[other] { $listed }
    } --peer MEDIA-SERVER

named-peer-denied = the server denies the peer that it is for
    .summary = { $host } refuses to relay to { $peer }, the peer that it is for{ $code ->
        [0] {""}
       *[other] {" "}(error { $code })
    }.
    .impact = Users who need the relay don't reach that peer; what else it reaches doesn't help them.
    .meaning = Before it carries data, a relay needs a permission for the other side's address. The server's policy forbids this one: guides for coturn deny all private networks (denied-peer-ip), and a media server or a conference in the local network has such an address.
    .proof = The server grants an allocation, and refuses a permission for the address that --peer names.
    .look-alikes = peer-denied: there the server refuses the caller's own address.
    .remedy = Allow the peer's address, or have the media server offer its public address.

named-peer-denied-fix-server = { $software ->
        [coturn] Allow the address in turnserver.conf, where it counts before every denied-peer-ip; then run systemctl restart coturn.
       *[other] Allow { $peer } as a peer in the server's settings.
    }
    .command = { $software ->
        [coturn] allowed-peer-ip={ $peer }
       *[other] {""}
    }

named-peer-denied-fix-application = Or have the media server offer its public address, if it has one.

own-address-denied = the server denies its own address
    .summary = { $host } refuses to relay to its own relay address{ $relayed ->
        [none] {""}
       *[other] {" "}{ $relayed }
    }{ $code ->
        [none] {""}
       *[other] {" "}(error { $code })
    }.
    .impact = Calls with both sides on this relay fail, so with the relay-only policy all calls fail.
    .meaning = When both sides of a call use this relay, each one sends to the server's own address. A rule that denies internal addresses covers that address too.
    .proof = The server refuses a permission for its own relayed address, and grants one for the caller's address.
    .look-alikes = peer-denied: there the server refuses the caller's address as well. external-ip-missing: there the relayed address is private; the rule is right, and the address is wrong.
    .remedy = Allow the server's own relay address, next to the rule that denies its network.

own-address-denied-fix-server = { $software ->
        [coturn] Allow the relay's own address in turnserver.conf; it counts before denied-peer-ip. Then run systemctl restart coturn.
       *[other] Allow the relay's own address as a peer, ahead of the rule that denies its network.
    }
    .command = { $software ->
        [coturn] { $relayed ->
            [none] {""}
           *[other] allowed-peer-ip={ $relayed }
        }
       *[other] {""}
    }

own-address-denied-fix-server-2 = { $software ->
        [coturn] If the server is behind a 1:1 NAT, write both addresses into external-ip: coturn then allows the private one.
       *[other] {""}
    }
    .command = { $relayed ->
        [none] {""}
       *[other] external-ip={ $relayed }/PRIVATE-ADDRESS
    }

channel-refused = the server refuses channels
    .summary = { $code ->
        [none] { $host } refuses channels, although it grants permissions for the same address.
       *[other] { $host } refuses channels (error { $code }), although it grants permissions for the same address.
    }
    .impact = Clients that can do without channels send more bytes; the others lose the call.
    .meaning = Clients bind a channel to the other side's address to save 32 bytes on every packet. This server grants a permission for the address, but no channel.
    .proof = The server refuses a channel for an address for which it has granted a permission.
    .look-alikes = peer-denied: there the server refuses the permission as well.
    .remedy = Update the server, and remove any device in front of it that rewrites TURN.

channel-refused-fix-server = { $software ->
        [coturn] Read coturn's log of that moment, and update coturn.
       *[other] Read the server's log of that moment, and update the server.
    }
    .command = { $software ->
        [coturn] journalctl -u coturn -n 100
       *[other] {""}
    }

channel-data-dropped = the server drops what goes over channels
    .summary = { $host } grants channels over { $transport } and drops what is sent over them.
    .impact = Browsers send everything over channels once a call is connected, so that picture and sound stop after a moment.
    .meaning = Clients bind a channel to the other side's address and then send their data over it. This server grants the channel, relays what comes in Send indications, and drops what comes over the channel.
    .proof = A datagram in a Send indication left the relay and arrived; several over a channel to the same address did not.
    .look-alikes = relay-egress-blocked: there Send indications don't arrive either. channel-refused: there the channel is not granted.
    .remedy = Update the server, and remove any device in front of it that rewrites TURN.

channel-data-dropped-fix-server = Update the TURN server; until then try another one, for instance coturn.

channel-data-altered = the server alters what goes over channels
    .summary = Over { $transport } { $host } relays channel data with other bytes than it was sent with.
    .impact = ICE connects, and then DTLS fails: calls over this transport have neither picture nor sound.
    .meaning = Over TCP and TLS each message of a channel is padded to a multiple of four bytes. This server relays the padding with the data, so that most packets arrive longer than they were. ICE checks are multiples of four and pass; DTLS and media are not.
    .proof = A datagram of 17 bytes was sent over a channel, and arrived with other bytes.
    .look-alikes = stun-rewritten: there a router alters addresses within STUN messages.
    .remedy = Update the server, or list it over UDP alone.

channel-data-altered-fix-server = Update the TURN server; until then try another one, for instance coturn.

allocation-refused-by-browsers = browsers don't take the relay that the server grants
    .summary = { $manner ->
        [stale] { $host } calls a fresh nonce stale (error 438) at the first login; Chrome then gives up the relay.
       *[incomplete] { $host } grants a relay without { $lacks }; browsers built on libwebrtc don't take it.
    }
    .impact = Chrome, Edge and apps built on libwebrtc get no relay from this server, and show no error.
    .meaning = callcheck got an allocation, but browsers are stricter. libwebrtc takes an answer to Allocate only if it has LIFETIME and XOR-MAPPED-ADDRESS, and gives up if its first request with a login is answered with 438.
    .proof = The answer to Allocate lacks LIFETIME or XOR-MAPPED-ADDRESS, or the first request with the nonce that the server had just given was answered with 438 (stale nonce).
    .look-alikes = nonce-loop: there every nonce is called stale, so that nobody gets a relay. flow-not-kept: there each datagram reaches the server from another port, which makes nonces stale too.
    .remedy = Update the server; behind several servers or processes, see that all of a client's packets reach the same one.

allocation-refused-by-browsers-fix-server = { $manner ->
        [stale] See that all packets of a client reach the same server process, and that its nonces live for some minutes.
       *[incomplete] Update the TURN server; until then try another one, for instance coturn.
    }

requests-limited = the server answers only the first requests of a burst
    .summary = { $host } answers the first requests of a burst and none of the later ones.
    .impact = Clients get no relay by chance, most often when several users share one address or a browser opens several relays at once.
    .meaning = A firewall on the server or in front of it limits how many requests one address may send in a short time, and drops the rest.
    .proof = The first allocations of a run are granted, and several later ones get no answer.
    .look-alikes = packet-loss: there lost requests are spread over the whole run. quota-reached: there the server answers with error 486.
    .remedy = Remove the rate limit on the TURN ports, or raise it well above what a busy office sends.

requests-limited-fix-firewall = Find the rule that limits the TURN ports, and remove it or raise its limit: "limit" in ufw and nftables, hashlimit and connlimit in iptables, a DDoS filter at the provider.
    .command = ufw status numbered; nft list ruleset | grep -nE 'limit|meter'
