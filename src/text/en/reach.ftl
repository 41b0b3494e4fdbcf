# Reaching the server.
#
# New arguments:
#   $listed       the server as the user named it, for commands: a bare name, or an address with an IPv6 one in brackets; never "name (address)"
#   $ports-comma  the ports that were asked, joined for a firewall's command: "3478,5349"
# Where they are not given, the texts fall back on $host and on $port or the usual ports.

local-firewall = a firewall on this host blocks sending
    .summary = { $services ->
        [none] A firewall on this host blocks outgoing packets.
       *[other] A firewall on this host blocks packets to { $host }.
    }
    .impact = What needs these packets fails on this host, whatever server and network do.
    .meaning = The operating system refuses to send, or rejects what is sent: a firewall rule or security software on this host forbids it.
    .proof = Sending fails with "operation not permitted" (EPERM) before a packet leaves this host, or the rejection comes from this host's own address.
    .look-alikes = network-blocks-udp: there sending works, and nothing comes back.
    .remedy = Allow the program, or outgoing packets to the server, in this host's firewall.

local-firewall-fix-client = Allow outgoing packets to the server in this host's firewall or security software; the command is for ufw, and firewalld and nftables need the same.
    .command = { $server ->
        [none] ufw status verbose
       *[other] ufw allow out to { $server }
    }

captive-portal = a login page answers instead of the server
    .summary = A login page of this network (captive portal) answers in place of other hosts.
    .impact = No call works from this network until the user has signed in.
    .meaning = This network, for example of a hotel or for guests, answers all connections itself until the user signs in on its web page.
    .proof = The TURN port answers in HTTP or something else that is not TURN, and port 443 of unrelated hosts does not speak TLS either.
    .look-alikes = wrong-host: there unrelated hosts answer as they should.
    .remedy = Open a browser and sign in to the network.

captive-portal-fix-client = Open any web page in a browser, sign in to the network, and run callcheck again.

proxy-only = only the proxy leads out of this network
    .summary = { $manner ->
        [login-missing] { $host } does not answer directly, and the proxy { $proxy } asks for a login ({ $status }).
        [login-refused] { $host } does not answer directly, and the proxy { $proxy } refuses the login ({ $status }).
        [forbidden] { $host } does not answer directly, and the proxy { $proxy } forbids the connection ({ $status }).
        [unreached] { $status ->
            [200] { $host } does not answer directly, and TURN gets no answer through the proxy { $proxy }.
           *[other] { $host } does not answer directly, and the proxy { $proxy } can't connect to it ({ $status }).
        }
       *[works] { $host } can be reached only through the proxy { $proxy }.
    }
    .impact = { $manner ->
        [works] Calls work only over TURN with TCP or TLS, and only in browsers and apps that use the proxy.
       *[other] Users in this network get no relay; their calls fail wherever no direct path exists.
    }
    .meaning = This network lets no direct connection out to the server. Its HTTP proxy, which the environment names (HTTPS_PROXY), is the only way out.
    .proof = No direct connection succeeds. The proxy connects to the same port (CONNECT, status 200), and TURN answers through it. Other statuses are named: 407 a login, 403 a rule, 5xx a server that the proxy can't reach.
    .look-alikes = turn-down: there the proxy can't connect either (500, 502, 504).
    .remedy = Offer TURN over TLS on port 443, and have the proxy allow it.

proxy-only-fix-application = { $tls-works ->
        [yes] {""}
       *[no] Offer TURN over TLS on port 443, which most proxies allow; the server must listen there.
    }
    .command = turns:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:443?transport=tcp

proxy-only-fix-network = { $manner ->
        [login-missing] Have the proxy let CONNECT to { $host } pass without a login.
        [login-refused] {""}
        [forbidden] Have the proxy allow CONNECT to { $host } and its ports.
        [unreached] { $status ->
            [200] Have the proxy pass on what is inside the tunnel unchanged.
           *[other] See in the proxy's log why it can't connect: name, address or port.
        }
       *[works] Better for calls: have the network let UDP to { $host } out, without the proxy.
    }

proxy-only-fix-client = { $manner ->
        [login-missing] Put the proxy's login into the environment.
        [login-refused] Correct the proxy's login in the environment.
       *[other] {""}
    }
    .command = export HTTPS_PROXY=http://<user>:<password>@{ $proxy }

network-blocks-udp = this network blocks UDP
    .summary = { $manner ->
        [all-but-dns] This network blocks UDP: of all that was asked, only DNS is answered.
        [in] This network lets no UDP in: neither servers' answers nor relayed data arrive.
       *[other] { $control ->
            [none] { $host } does not answer over UDP: this network may block UDP.
           *[other] This network blocks UDP: no host that was asked answers over UDP.
        }
    }
    .impact = Users in this network can call only if the application offers TURN over TCP or TLS.
    .meaning = The network in which callcheck runs, or its provider, lets no UDP out, or lets no UDP answers back in. TCP passes.
    .proof = The TURN server and all unrelated hosts stay silent over UDP, while TCP connections succeed. DNS may pass all the same: many networks let DNS out and no other UDP.
    .look-alikes = turn-udp-closed: there unrelated hosts answer over UDP. network-blocks-stun: there UDP passes if it is neither STUN nor TURN.
    .remedy = Offer TURN over TLS on port 443, or have the network let UDP to the TURN server pass.

network-blocks-udp-fix-application = { $tls-works ->
        [yes] {""}
       *[no] Offer TURN over TLS on port 443, which passes almost everywhere; the server must listen there.
    }
    .command = turns:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:443?transport=tcp

network-blocks-udp-fix-network = { $manner ->
        [in] Have the network let UDP answers from the TURN server back in.
       *[other] Have the network let UDP out, at least to port { $port ->
            [none] 3478
           *[other] { $port }
        } of the TURN server.
    }

network-blocks-stun = this network blocks STUN
    .summary = { $manner ->
        [port] { $router ->
            [none] This network blocks UDP to port 3478, which STUN and TURN have by default; other ports pass.
           *[other] This network blocks UDP to port 3478: the router { $router } rejects it.
        }
       *[content] This network blocks STUN and TURN over UDP; other UDP passes.
    }
    .impact = Users in this network learn no public address and get no relay over UDP; they can call only over TURN with TCP or TLS.
    .meaning = The network in which callcheck runs lets UDP out, but drops STUN and TURN: by their port, or because it recognizes their packets.
    .proof = STUN is not answered by the TURN server or by unrelated servers, while other UDP gets answers or arrives. Or a router of this network rejects packets to their port.
    .look-alikes = network-blocks-port: there the port is another one than STUN's own. turn-udp-closed: there unrelated STUN servers answer. network-blocks-udp: there no UDP passes at all, or only DNS.
    .remedy = Offer TURN over TLS on port 443, or have the network let STUN and TURN pass.

network-blocks-stun-fix-application = { $tls-works ->
        [yes] {""}
       *[no] Offer TURN over TLS on port 443, which passes almost everywhere; the server must listen there.
    }
    .command = turns:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:443?transport=tcp

network-blocks-stun-fix-network = { $manner ->
        [port] Have the network let UDP out to port 3478.
       *[content] Have the network let STUN and TURN pass, which its filter may list as WebRTC, VoIP or peer-to-peer.
    }

network-blocks-port = this network blocks a UDP port
    .summary = { $router ->
        [none] This network blocks UDP to port { $port }; other ports pass.
       *[other] This network blocks UDP to port { $port }: the router { $router } rejects it.
    }
    .impact = Users in this network get no relay over UDP by this port; they can call over TCP or TLS, or by another port.
    .meaning = The network in which callcheck runs lets UDP out, but none to this port, at whichever host.
    .proof = Several hosts leave datagrams to this port unanswered, while other ports get answers. Or a router of this network rejects packets to the port.
    .look-alikes = turn-udp-closed: there the same port answers at unrelated servers. network-blocks-stun: there it is STUN's own port, or STUN on every port.
    .remedy = Offer TURN over TLS on port 443, or have the network let the port pass.

network-blocks-port-fix-application = { $tls-works ->
        [yes] {""}
       *[no] Offer TURN over TLS on port 443, which passes almost everywhere; the server must listen there.
    }
    .command = turns:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:443?transport=tcp

network-blocks-port-fix-network = Have the network let UDP out to port { $port }.

network-allow-list = this network allows only chosen hosts or ports
    .summary = { $manner ->
        [ports] This network allows only chosen ports: { $host } does not answer (ports tried: { $ports }).
        [few-ports] This network may let UDP out to only some of the relay ports.
        [answers] This network may let UDP in from only some ports: what the relay of { $host } sends does not arrive.
        [resets] { $router ->
            [none] This network resets TCP connections to { $host } (ports tried: { $ports }).
           *[other] This network resets TCP connections to { $host }: at the router { $router } or right behind it.
        }
       *[hosts] This network allows only chosen hosts: { $host } does not answer, nor does any host over UDP.
    }
    .impact = { $manner ->
        [few-ports] Calls from this network fail by chance: whenever the other side's relay gets a port that is blocked here.
        [answers] Direct calls from this network fail, and calls with a relay connect only if this side uses TURN too.
       *[other] Users in this network get no relay from this server on these ports.
    }
    .meaning = The network in which callcheck runs, or its provider, lets connections out only to chosen hosts or ports, for example to the web, and drops or resets the rest.
    .proof = The server does not answer over UDP or TCP, and no unrelated host answers over UDP, while some hosts or ports, such as 443, are reached over TCP. Or connections to the server are reset by a router of this network. Or answers come in from low UDP ports and from no high one.
    .look-alikes = turn-down: seen from a network that blocks UDP, a server that is down looks the same. Another network tells.
    .remedy = Offer TURN over TLS on port 443, or have the network allow the server.

network-allow-list-fix-application = { $tls-works ->
        [yes] {""}
       *[no] { $manner ->
            [hosts] {""}
           *[ports] Offer TURN over TLS on port 443, which passes almost everywhere; the server must listen there.
        }
    }
    .command = turns:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:443?transport=tcp

network-allow-list-fix-network = { $manner ->
        [few-ports] Have the network let UDP out to all relay ports ({ $range }).
        [answers] Have the network let in the answers to what it has sent, from whichever UDP port.
       *[other] Have the network allow { $host }, over UDP and TCP, on the TURN ports.
    }

network-blocks-tcp-port = this network blocks one TCP port
    .summary = This network blocks TCP port { $port }; other ports of { $host } can be reached.
    .impact = Users in this network can't use TURN over TCP or TLS on this port.
    .meaning = The network in which callcheck runs drops TCP connections to this port, whichever server they go to. Other ports pass.
    .proof = No connection to this port gets an answer, while other ports of the same server answer.
    .look-alikes = turn-tcp-closed and turn-tls-closed: from a single network, a port that is closed at the server looks the same.
    .remedy = Offer TURN on a port that the network lets pass, usually 443, or have the network let this port pass.

network-blocks-tcp-port-fix-application = Offer TURN on a port that this network lets pass; in most networks TCP port 443 does.

network-blocks-tcp-port-fix-network = Have the network let TCP out to port { $port }.

network-without-ipv6 = this network has no working IPv6
    .summary = IPv6 does not work in this network: no host that was asked over IPv6 answers.
    .impact = Calls from here use IPv4; whether the server works over IPv6 can't be told.
    .meaning = The server has an IPv6 address, but from this network no host answers over IPv6, neither the server nor any other.
    .proof = No host that was asked over IPv6 answers, be it the server or an unrelated one.
    .look-alikes = ipv6-address-dead: there unrelated hosts answer over IPv6.
    .remedy = Run callcheck from a network with IPv6, or leave IPv6 out with -4.

network-without-ipv6-fix-network = To test IPv6, run callcheck from a network that has it; to leave it out, add -4.

turn-down = no TURN server answers
    .summary = { $manner ->
        [refused] { $host } is up and refuses all on ports { $ports }: no TURN server listens, or a firewall rejects all.
        [partly] { $host } is up, but TURN answers on none of its ports (ports tried: { $ports }).
        [mute] { $host } accepts connections, but no TURN server answers (ports tried: { $ports }).
       *[silent] { $host } does not answer on any TURN port (ports tried: { $ports }).
    }
    .impact = Users get no relay from this server; calls fail unless a direct path or another relay works.
    .meaning = The host is down, the TURN server does not run, or a firewall drops all of its ports. If the host refuses connections, it is up and the TURN server does not run; if it refuses only some, a firewall may drop the others. If connections open without an answer, a proxy or load balancer takes them.
    .proof = Every transport is refused, silent or closed without an answer, while unrelated hosts answer.
    .look-alikes = server-address-blocked: from a single network, an address that is blocked on the path looks the same. Another network tells.
    .remedy = Start the TURN server, and open its ports in the host's firewall and in the provider's.

turn-down-fix-server = { $manner ->
        [refused] Start the TURN server, and see in its log why it stopped; check which addresses and ports it listens on. If it runs, look for a firewall or fail2ban that rejects this network.
        [mute] See what takes the connections: a load balancer or proxy needs a running TURN server behind it.
       *[silent] Check that the host is up, that the TURN server runs, and that it listens on these ports.
    }
    .command =
        systemctl status coturn
        ss -lntup

turn-down-fix-firewall = { $manner ->
        [refused] {""}
        [mute] {""}
       *[silent] Open the TURN ports in the host's firewall and in the provider's (security group).
    }
    .command =
        { $ports-comma ->
            [none]
                ufw allow 3478,5349/udp
                ufw allow 3478,5349/tcp
           *[other]
                ufw allow { $ports-comma }/udp
                ufw allow { $ports-comma }/tcp
        }

turn-down-fix-dns = { $manner ->
        [silent] If the server has moved, correct the address { $server } in DNS or in the list.
       *[other] {""}
    }

server-address-blocked = the server's address is blocked
    .summary = { $url ->
        [none] Packets to { $host } are blocked on the path{ $router ->
            [none] : nothing reaches it from this network.
           *[other] , at the router { $router } or right behind it.
        }
       *[other] The signaling server { $url } is blocked on the path: nothing reaches it from this network.
    }
    .impact = { $url ->
        [none] Users in this network can't reach this server over any transport; users elsewhere can.
       *[other] Users in this network can't start a call; users elsewhere can.
    }
    .meaning = Something on the path drops everything that goes to this address, for example a block list of the network or its provider. From other networks the server answers.
    .proof = No protocol reaches the address from here, and another network reaches it. Or a trace shows that packets to this address end in this network, while packets to other hosts go on.
    .look-alikes = turn-down: from a single network the two look the same, unless a router shows what it drops.
    .remedy = Have the block lifted, or move the server to another address.

server-address-blocked-fix-server = See whether the server or its provider blocks the addresses of this network.
    .command =
        fail2ban-client status
        nft list ruleset

server-address-blocked-fix-network = Have the network or its provider let packets to { $url ->
        [none] { $server }
       *[other] { $url }
    } pass.

turn-not-listening-udp = nothing listens on the UDP port
    .summary = { $host } is up, but nothing listens on UDP port { $ports }.
    .impact = Users get no relay over UDP, which nearly all calls use.
    .meaning = The host is up and UDP reaches it, but no server listens on the UDP port.
    .proof = The server's own address answers "port unreachable" (ICMP), while TURN answers over TCP or TLS.
    .look-alikes = turn-udp-closed: there a firewall drops UDP or rejects it, from another address or with "prohibited". A firewall on the host that rejects with "port unreachable" looks the same: ss -lunp on the host tells.
    .remedy = Let the TURN server listen on UDP; in a container, publish the UDP port.

turn-not-listening-udp-fix-server = { $software ->
        [coturn] If turnserver.conf has no-udp, remove it; check listening-ip and listening-port too, then run systemctl restart coturn.
       *[other] Have the TURN server listen on UDP port { $ports }; this shows what listens there now.
    }
    .command = { $software ->
        [coturn] sed -i 's/^no-udp$/#no-udp/' /etc/turnserver.conf && systemctl restart coturn
       *[other] ss -lunp
    }

turn-not-listening-udp-fix-firewall-2 = If it does listen there, a firewall on the host rejects UDP in its name: open the port.
    .command = ufw allow { $ports-comma ->
        [none] { $port }
       *[other] { $ports-comma }
    }/udp

turn-not-listening-udp-fix-server-2 = In Docker or Kubernetes, publish the port over UDP too: without /udp or protocol: UDP it is only TCP.
    .command = docker run -p { $port }:{ $port }/udp -p { $port }:{ $port }/tcp <image>

turn-udp-closed = the server's UDP port is closed
    .summary = { $host } does not answer on UDP port { $ports }{ $router ->
        [none] .
       *[other] : { $router } rejects it.
    }
    .impact = Users get no relay over UDP, which nearly all calls use.
    .meaning = A firewall on the server or at its provider drops or rejects UDP to the TURN port. Other transports may pass.
    .proof = UDP to the port gets no answer or is rejected by a firewall, TURN answers over another transport, and unrelated hosts answer over UDP.
    .look-alikes = network-blocks-udp and network-blocks-stun: there unrelated hosts don't answer over UDP either, or a trace ends in this network.
    .remedy = Open the UDP port in the host's firewall and in the provider's.

turn-udp-closed-fix-firewall = Open UDP port { $ports } in the host's firewall and in the provider's (security group).
    .command = ufw allow { $ports-comma ->
        [none] { $port }
       *[other] { $ports-comma }
    }/udp

turn-tcp-closed = the server's TCP port is closed
    .summary = { $manner ->
        [refused] { $host } refuses TCP port { $ports }: nothing listens there, or a firewall rejects connections.
        [mute] { $host } accepts connections on TCP port { $ports }, but no TURN server answers.
       *[silent] { $host } does not answer on TCP port { $ports }{ $router ->
            [none] .
           *[other] : { $router } rejects it.
        }
    }
    .impact = Users whose network blocks UDP get no relay over TCP; users with UDP are not affected.
    .meaning = TURN answers over another transport but not over TCP: nothing listens on the TCP port, a firewall drops it, or a load balancer accepts connections without a TURN server behind it.
    .proof = TCP to the port is refused, silent or closed without an answer, while TURN answers over another transport.
    .look-alikes = Refused means that nothing listens, or that a firewall rejects connections in the host's name; silent means that a firewall drops the packets. network-blocks-tcp-port: there this network drops them, and another network reaches the port.
    .remedy = Let the TURN server listen on TCP, and open the port in its firewalls.

turn-tcp-closed-fix-server = { $manner ->
        [refused] { $software ->
            [coturn] If turnserver.conf has no-tcp, remove it, then run systemctl restart coturn.
           *[other] Have the TURN server listen on TCP port { $ports }.
        }
        [mute] See what takes these connections: a load balancer needs a TURN server that listens on TCP behind it.
       *[silent] See whether the TURN server listens on TCP port { $ports }; if it does, a firewall drops the connections.
    }
    .command = { $manner ->
        [refused] { $software ->
            [coturn] sed -i 's/^no-tcp$/#no-tcp/' /etc/turnserver.conf && systemctl restart coturn
           *[other] ss -ltnp
        }
       *[other] ss -ltnp
    }

turn-tcp-closed-fix-firewall = { $manner ->
        [refused] If the server listens there (ss -ltnp shows it), a firewall rejects the connections in its name: open TCP port { $ports }.
        [mute] {""}
       *[silent] Open TCP port { $ports } in the host's firewall and in the provider's (security group).
    }
    .command = ufw allow { $ports-comma ->
        [none] { $port }
       *[other] { $ports-comma }
    }/tcp

turn-tls-closed = the server's TLS port is closed
    .summary = { $manner ->
        [refused] { $host } is up, but nothing listens on { $transport } port { $ports }.
       *[silent] { $host } does not answer on { $transport } port { $ports }{ $router ->
            [none] .
           *[other] : { $router } rejects it.
        }
    }
    .impact = Users whose network lets only TLS out get no relay; all others are not affected.
    .meaning = TURN answers over UDP or TCP but not over TLS: nothing listens on the TLS port, often because the server has no certificate, or a firewall drops it.
    .proof = The TLS port refuses connections or stays silent, while TURN answers over another transport. If the list has DTLS, the same holds for its first message.
    .look-alikes = tls-handshake-failed: there the port accepts connections. For DTLS, network-blocks-udp: there unrelated hosts don't answer over UDP either.
    .remedy = Give the server a certificate, let it listen on TLS, and open the port in its firewalls.

turn-tls-closed-fix-server = { $manner ->
        [refused] { $software ->
            [coturn] Give coturn a certificate that its user can read, and remove no-tls and no-dtls; then run systemctl restart coturn.
           *[other] Give the TURN server a certificate, and have it listen on { $transport } port { $ports }.
        }
       *[silent] See whether the TURN server listens on { $transport } port { $ports }; if it does, a firewall drops the packets.
    }
    .command = { $manner ->
        [refused] { $software ->
            [coturn]
                cert=/etc/coturn/fullchain.pem
                pkey=/etc/coturn/privkey.pem
                tls-listening-port={ $port }
           *[other] ss -lntup
        }
       *[silent] ss -lntup
    }

turn-tls-closed-fix-firewall = { $manner ->
        [refused] {""}
       *[silent] Open { $transport } port { $ports } in the host's firewall and in the provider's (security group).
    }
    .command = ufw allow { $ports-comma ->
        [none] { $port }
       *[other] { $ports-comma }
    }/{ $transport ->
        [DTLS] udp
       *[other] tcp
    }

connections-partly-fail = some connections to the server fail, and others don't
    .summary = { $ended } of { $tried } connections to { $service } of { $host } are refused or end at once; TURN answers over the others.
    .impact = Some calls get no relay over this transport, by chance.
    .meaning = The port answers over some connections and not over others: a balancer sends part of them to a server that is down, or something limits how many one address may open.
    .proof = In one run some connections are refused, or are closed before an allocation, while TURN works over others.
    .look-alikes = turn-tcp-closed: there no connection gets an answer. several-servers-on-a-port: there all of them do.
    .remedy = Repair or take out the server behind the balancer that is down, or raise the limit on connections.

connections-partly-fail-fix-server = If a balancer stands there (haproxy, nginx, a cloud's), look for a server behind it that is down, and let it check their health.

connections-partly-fail-fix-firewall-2 = If a firewall or proxy limits connections (ufw limit, connlimit, limit_conn), raise the limit: each browser opens several.
    .command =
        ufw status
        nft list ruleset

stream-cut = connections stall after some kilobytes
    .summary = Connections to { $host } stall after about { $bytes } bytes, and nothing closes them.
    .impact = Calls over TURN with TCP or TLS connect and then freeze.
    .meaning = Something on the path lets a TCP connection open, passes its first kilobytes, and then silently drops the rest: a filter that takes it for an unwanted protocol, or a limit.
    .proof = An allocation over TCP or TLS succeeds, and the data stream through it stalls after some kilobytes without a reset.
    .look-alikes = mtu-blackhole: there the very first large packet is lost, and small ones pass. packet-loss: there a connection stalls after a different number of bytes each time, and earlier answers come late.
    .remedy = Find the filter on the path; until then, offer TURN over UDP and over TLS on port 443.

stream-cut-fix-application = Offer TURN over UDP and over TLS on port 443 too, which may pass the filter; the server must listen there.
    .command = turns:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:443?transport=tcp

stream-cut-fix-network = Run callcheck from another network: if connections stall there too, the filter is near the server, otherwise in this network. Have it let TURN pass.
